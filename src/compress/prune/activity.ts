/** What samples say about channels and blocks. The sums are taken in the graph: only one number a channel, or three a
 *  block, leave the engine for each sample. */

import type { Engine } from '../../compute/engine/contract.ts';
import { openKernel } from '../../compute/engine/kernel.ts';
import type { Sample } from '../../data/source.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import { isOp, type Model, opset, shapeOf, type Value } from '../../model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { findValue } from '../../model/ir/walk.ts';
import { type NodeWeight, weightAt } from '../../model/ops/weights.ts';
import type { ChannelGroup } from './channel-groups.ts';

export interface Samples {
  readonly count: number;
  read(index: number): Promise<Sample>;
}

/** Root mean square of the inputs that summing weights meet, one number for each index of the summed axis, by the
 *  weight's name: for importance 'activation'. Weights of branches, and the recurrent ones, are left out.
 *  @throws ENGINE_OPEN, ENGINE_RUN */
export async function measureActivity(
  engine: Engine,
  model: Model,
  groups: readonly ChannelGroup[],
  samples: Samples,
): Promise<Map<string, Float64Array>> {
  const places = groups.flatMap((g) =>
    g.members.flatMap((m) => {
      const place = m.role === 'in' ? readPlace(m.value) : null;
      return place ? [{ weight: m.value.name, ...place }] : [];
    }),
  );
  const sums = new Map<string, Float64Array>();
  if (places.length === 0) return sums;
  const copy = cloneModel(model);
  const outputs = places.map(({ value, axis }) => {
    const x = findValue(copy, value.name)!;
    const rank = shapeOf(value)!.length;
    return reduce(
      copy,
      'ReduceMean',
      square(copy, x),
      [...Array(rank).keys()].filter((a) => a !== axis),
    );
  });
  await runAll(engine, copy, outputs, samples, (tensors) => {
    tensors.forEach((t, i) => {
      const { weight } = places[i]!;
      const values = float32Values(t);
      const sum = sums.get(weight) ?? new Float64Array(values.length);
      for (const [k, v] of values.entries()) sum[k]! += v / samples.count;
      sums.set(weight, sum);
    });
  });
  for (const [weight, sum] of sums) sums.set(weight, sum.map(Math.sqrt));
  return sums;
}

/** The activation that a weight is multiplied with, and its summed axis. */
function readPlace(value: Value): { value: Value; axis: number } | null {
  const use = value.uses.find((u) => u.node);
  const weight = use?.node ? weightAt(use.node, use.index) : null;
  if (!use?.node || typeof weight !== 'object' || weight === null || weight.activation === null) return null;
  const other = use.node.inputs[weight.activation];
  const rank = shapeOf(other)?.length;
  const axis = rank === undefined ? null : summedAxis(weight, rank);
  return other && axis !== null ? { value: other, axis } : null;
}

/** Channels of a convolution's input; the axis of the other factor that a matrix is multiplied along. */
function summedAxis({ node, index, activation, role, layout }: NodeWeight, rank: number): number | null {
  if (!layout || (role !== 'product' && role !== 'recurrent') || isOp(node, 'Einsum')) return null;
  if (layout.kernel) return layout.kernel === 'channels-first' ? 1 : rank - 1;
  const other = weightAt(node, activation!);
  const summed = typeof other === 'object' ? other?.layout?.reduced.at(-1) : undefined;
  return summed ?? Math.max(0, activation! < index ? rank - 1 : rank - 2);
}

const square = (model: Model, x: Value) =>
  addNode(model.graph, { opType: 'Mul', inputs: [x, x] }).outputs[0]!;

/** Over the given axes, or all. They are an input from opset 13 (ReduceSum) and 18 (the others) on. */
function reduce(
  model: Model,
  opType: 'ReduceMean' | 'ReduceSum',
  x: Value,
  axes: readonly number[] | null,
): Value {
  const asInput = (opset(model) || opset(model, 'ai.onnx')) >= (opType === 'ReduceSum' ? 13 : 18);
  const inputs = [x];
  if (axes && asInput)
    inputs.push(addInitializer(model.graph, 'edgepress/axes', tensorOf('int64', [axes.length], axes)));
  const attributes = { keepdims: 0, axes: axes && !asInput ? axes : undefined };
  return addNode(model.graph, { opType, inputs, attributes }).outputs[0]!;
}

async function runAll(
  engine: Engine,
  model: Model,
  outputs: readonly Value[],
  samples: Samples,
  take: (tensors: Tensor[]) => void,
): Promise<void> {
  for (const v of outputs) v.type = tensorType('float32', null);
  setOutputs(model.graph, outputs);
  const session = await openKernel(engine, model);
  try {
    const wanted = new Set(session.inputs.map((p) => p.name));
    for (let i = 0; i < samples.count; i++) {
      const { inputs } = await samples.read(i);
      const feeds = Object.fromEntries(Object.entries(inputs).filter(([name]) => wanted.has(name)));
      const found = await session.run(feeds);
      take(outputs.map((v) => found[v.name]!));
    }
  } finally {
    await session.close();
  }
}
