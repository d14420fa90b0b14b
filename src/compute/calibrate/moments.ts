/** Second moments of what layers sum over, taken in the graph: rows of a convolution's input are unfolded by a
 *  convolution with one-hot kernels, and one product a layer gives x·xᵀ summed over a sample. */

import { cloneModel } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import { type Model, opset, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { findValue } from '../../model/ir/walk.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import { internal } from '../../support/diagnostics.ts';
import type { Engine } from '../engine/contract.ts';
import type { RunContext } from '../engine/run-context.ts';
import { columnsOf, inGroups, operators, products, rowsOf } from './rows.ts';
import { runSamples, type Samples } from './run-samples.ts';
import type { MomentRequest, Moments, Statistics } from './statistics.ts';

/** Means over rows of a sample, then over samples. @throws CALIBRATION_NOT_FINITE */
export async function collectMoments(
  engine: Engine,
  model: Model,
  requests: readonly MomentRequest[],
  samples: Samples,
  progress: (done: number) => void = () => {},
  signal?: RunContext['signal'],
): Promise<NonNullable<Statistics['moments']>> {
  const unique = [...new Map(requests.map((r) => [keyOf(r), r])).values()];
  const copy = cloneModel(model);
  const outputs = unique.map((r) => observed(copy, r));
  for (const v of outputs) v.type = tensorType('float32', null);
  setOutputs(copy.graph, outputs);
  const found = new Map<string, { groups: number; columns: number; values: Float32Array }>();
  await runSamples(engine, copy, samples, signal, (tensors, sample, i) => {
    tensors.forEach((t, k) => {
      const request = unique[k] as MomentRequest;
      const values = float32Values(t);
      const known = found.get(keyOf(request)) ?? emptyMoments(request, t.dims);
      found.set(keyOf(request), known);
      const { values: sums } = known;
      let total = 0;
      for (let j = 0; j < values.length; j++) {
        total += values[j]!;
        sums[j]! += values[j]! / samples.count;
      }
      if (!Number.isFinite(total)) throw calibrationNotFinite(request.value, sample.id);
    });
    progress(i + 1);
  });
  return (request): Moments | undefined => found.get(keyOf(request));
}

const keyOf = (r: MomentRequest) => JSON.stringify([r.value, r.patches, r.groups, r.diagonal]);

const emptyMoments = (request: MomentRequest, dims: readonly number[]) => ({
  groups: request.groups,
  columns: dims.at(-1) as number,
  values: new Float32Array(elementCount(dims)),
});

function observed(model: Model, request: MomentRequest): Value {
  const source = findValue(model, request.value);
  if (!source)
    throw internal(
      'OBSERVED_VALUE_MISSING',
      `"${request.value}" was to be observed but is not in the graph.`,
    );
  const { graph } = model;
  const op = operators(graph);
  const { groups, diagonal } = request;
  const flat = rowsOf(graph, source, request.patches);
  const grouped = inGroups(graph, flat, groups, columnsOf(request.patches));
  const count = op('Gather', [op('Shape', [flat]), addInitializer(graph, 'edgepress/first', zero())]);
  const divisor = op('Cast', [count], { to: 1 });
  const placeAxis = groups === 1 ? 0 : 1;
  const sum = diagonal
    ? reduceSum(model, op('Mul', [grouped, grouped]), placeAxis)
    : products(graph, grouped, grouped, groups);
  return op('Div', [sum, divisor]);
}

const zero = () => tensorOf('int64', [], [0]);

function reduceSum(model: Model, x: Value, axis: number): Value {
  const asInput = (opset(model) || opset(model, 'ai.onnx')) >= 13;
  const axes = asInput ? [addInitializer(model.graph, 'edgepress/axes', tensorOf('int64', [1], [axis]))] : [];
  const attributes = { keepdims: 0, axes: asInput ? undefined : [axis] };
  return addNode(model.graph, { opType: 'ReduceSum', inputs: [x, ...axes], attributes }).outputs[0] as Value;
}
