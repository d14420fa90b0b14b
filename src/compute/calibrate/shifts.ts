/** How far means of a layer's answers lie beside where they would with another weight: the mean over samples and places of op(x, W − Wq),
 *  x being what the layer reads. One product more a layer, in the graph; a vector a layer leaves the engine. */

import { cloneModel } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import { type Model, opset, type Value } from '../../model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { findValue } from '../../model/ir/walk.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import { internal } from '../../support/diagnostics.ts';
import { spread } from '../../support/spread.ts';
import type { Engine } from '../engine/contract.ts';
import type { RunContext } from '../engine/run-context.ts';
import { runSamples, type Samples } from './run-samples.ts';
import type { ShiftRequest, Statistics } from './statistics.ts';

/** Samples that means are taken over, at most; means settle much sooner than ranges. */
export const mostShiftSamples = 32;

/** @throws CALIBRATION_NOT_FINITE */
export async function collectShifts(
  engine: Engine,
  model: Model,
  requests: readonly ShiftRequest[],
  samples: Samples,
  progress: (done: number) => void,
  signal?: RunContext['signal'],
): Promise<NonNullable<Statistics['shift']>> {
  const copy = cloneModel(model);
  const outputs = requests.map((request) => observed(copy, request));
  for (const v of outputs) v.type = tensorType('float32', null);
  setOutputs(copy.graph, outputs);
  const all = Array.from({ length: samples.count }, (_, i) => i);
  const indices = spread(all, mostShiftSamples);
  const some = { count: indices.length, read: (i: number) => samples.read(indices[i]!) };
  const found = new Map<string, Float32Array>();
  await runSamples(engine, copy, some, signal, (tensors, sample, i) => {
    tensors.forEach((t, k) => {
      const { value } = requests[k]!;
      const means = float32Values(t);
      if (!means.every(Number.isFinite)) throw calibrationNotFinite(value, sample.id);
      const known = found.get(value) ?? new Float32Array(means.length);
      for (let c = 0; c < means.length; c++) known[c]! += means[c]! / some.count;
      found.set(value, known);
    });
    progress(i + 1);
  });
  return (value) => found.get(value);
}

function observed(model: Model, { value, weight, channels }: ShiftRequest): Value {
  const node = findValue(model, value)?.producer;
  if (!node)
    throw internal('OBSERVED_VALUE_MISSING', `"${value}" was to be observed but is not in the graph.`);
  const { graph } = model;
  const original = addInitializer(graph, 'edgepress/weight', weight);
  const difference = addNode(graph, { opType: 'Sub', inputs: [original, node.inputs[1]!] });
  const product = addNode(graph, {
    opType: node.opType,
    inputs: [node.inputs[0]!, difference.outputs[0]!],
    attributes: Object.fromEntries(node.attributes),
  });
  return meanByChannel(model, product.outputs[0]!, { isConv: node.opType === 'Conv', weight, channels });
}

/** The channels of a convolution are axis 1; of a matrix product, the last. */
function meanByChannel(
  model: Model,
  answer: Value,
  {
    isConv,
    weight,
    channels,
  }: { readonly isConv: boolean; readonly weight: Tensor; readonly channels: number },
): Value {
  const { graph } = model;
  const vector = (name: string, values: number[]) =>
    addInitializer(graph, name, tensorOf('int64', [values.length], values));
  const rows = isConv
    ? answer
    : addNode(graph, { opType: 'Reshape', inputs: [answer, vector('edgepress/rows', [-1, channels])] })
        .outputs[0]!;
  const axes = isConv ? weight.dims.flatMap((_, axis) => (axis === 1 ? [] : [axis])) : [0];
  const asInput = (opset(model) || opset(model, 'ai.onnx')) >= 18;
  const given = asInput ? [vector('edgepress/axes', axes)] : [];
  const attributes = { keepdims: 0, axes: asInput ? undefined : axes };
  return addNode(graph, { opType: 'ReduceMean', inputs: [rows, ...given], attributes }).outputs[0]!;
}
