/** How large each channel of a value gets: a maximum of magnitudes in the graph; a vector a value leaves the engine. */

import { addInitializer, addNode } from '../../model/ir/edit.ts';
import { type Graph, type Model, opset, type Value } from '../../model/ir/model.ts';
import { float32Values, tensorOf } from '../../model/ir/tensor.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import type { Engine } from '../engine/contract.ts';
import type { RunContext } from '../engine/run-context.ts';
import { observerModel } from './observer-model.ts';
import { runSamples, type Samples } from './run-samples.ts';
import type { PeakRequest, Statistics } from './statistics.ts';

/** @throws CALIBRATION_NOT_FINITE */
export async function collectPeaks(
  engine: Engine,
  model: Model,
  requests: readonly PeakRequest[],
  samples: Samples,
  progress: (done: number) => void,
  signal?: RunContext['signal'],
): Promise<NonNullable<Statistics['peaks']>> {
  const asInput = (opset(model) || opset(model, 'ai.onnx')) >= 18;
  const observed = observerModel(model, (graph, valueNamed) =>
    requests.map((request) => peaksOf(graph, valueNamed(request.value), request, asInput)),
  );
  const found = new Map(requests.map(({ value, channels }) => [value, new Float32Array(channels)]));
  await runSamples(engine, observed, samples, signal, ([vector], sample, i) => {
    const all = float32Values(vector!);
    let at = 0;
    for (const { value, channels } of requests) {
      const peaks = found.get(value)!;
      for (let c = 0; c < channels; c++) {
        const peak = all[at++]!;
        if (!Number.isFinite(peak)) throw calibrationNotFinite(value, sample.id);
        peaks[c] = Math.max(peaks[c]!, peak);
      }
    }
    progress(i + 1);
  });
  return (value) => found.get(value);
}

function peaksOf(graph: Graph, v: Value, { axis, rank }: PeakRequest, asInput: boolean): Value {
  const size = addNode(graph, { opType: 'Abs', inputs: [v] }).outputs[0]!;
  const axes = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  if (axes.length === 0) return size;
  const given = asInput
    ? [addInitializer(graph, 'edgepress/axes', tensorOf('int64', [axes.length], axes))]
    : [];
  const attributes = { keepdims: 0, axes: asInput ? undefined : axes };
  return addNode(graph, { opType: 'ReduceMax', inputs: [size, ...given], attributes }).outputs[0]!;
}
