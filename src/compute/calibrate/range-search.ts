/** Ranges whose rounding and clipping error is least, among fractions of all that was seen, by two measures at once: the error as a share of
 *  each sample's energy, in which quiet samples count as much as loud ones, and the error as it is. Which one a model keeps more of its
 *  answers with is not to be seen here. */

import { graphAttribute } from '../../model/ir/attribute.ts';
import type { DType } from '../../model/ir/dtype.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createGraph,
  createValue,
} from '../../model/ir/edit.ts';
import type { Graph, Model, Value } from '../../model/ir/model.ts';
import { float32Values, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { type QuantParams, quantParams } from '../../model/quantization/params.ts';
import type { QuantDType } from '../../model/quantization/spec.ts';
import type { Engine } from '../engine/contract.ts';
import type { RunContext } from '../engine/run-context.ts';
import { flattened, observerModel, reduce } from './observer-model.ts';
import { runSamples, type Samples } from './run-samples.ts';
import type { Range, Ranges, StatisticRequest } from './statistics.ts';

type Search = Extract<StatisticRequest, { kind: 'mse-range' }>;

/** Fractions of the min-max range that are tried, from all of it down to about a third. */
const candidateFractions = (n: number) => Array.from({ length: n }, (_, k) => 0.87 ** k);

/** @param seen  all that was seen of each value
 *  @returns for each value searched, the range with the least error, relative (mse) and absolute */
export async function searchRanges(
  engine: Engine,
  model: Model,
  searches: readonly Search[],
  seen: ReadonlyMap<string, Range>,
  samples: Samples,
  progress: (done: number) => void,
  signal: RunContext['signal'],
): Promise<Map<string, Pick<Ranges, 'mse' | 'absolute'>>> {
  const tracks = searches.map((search) => {
    const grids = gridsOf(search, seen.get(search.value)!);
    return { search, grids, mse: grids.map(() => 0), absolute: grids.map(() => 0) };
  });
  const observed = observerModel(model, (graph, valueNamed) =>
    tracks.flatMap(({ search, grids }) => {
      const v = valueNamed(search.value);
      const energy = flattened(graph, reduce(graph, 'ReduceSumSquare', v));
      return [energy, squaredErrors(graph, v, search, grids)];
    }),
  );
  await runSamples(engine, observed, samples, signal, ([vector], _, i) => {
    const found = float32Values(vector!);
    let at = 0;
    for (const { grids, mse, absolute } of tracks) {
      const energy = Math.max(found[at++]!, 1e-30);
      for (let k = 0; k < grids.length; k++) {
        const error = found[at++]!;
        mse[k]! += error / energy;
        absolute[k]! += error;
      }
    }
    progress(i + 1);
  });
  return new Map(
    tracks.map(({ search, grids, mse, absolute }) => [
      search.value,
      { mse: grids[leastOf(mse)]!.range, absolute: grids[leastOf(absolute)]!.range },
    ]),
  );
}

/** The first, which is the whole range, where errors are no numbers. */
const leastOf = (errors: readonly number[]): number =>
  errors.reduce((best, error, k) => (error < errors[best]! ? k : best), 0);

interface Grid extends QuantParams {
  readonly range: Range;
}

function gridsOf({ value, candidates, dtype, symmetric }: Search, { min, max }: Range): Grid[] {
  const spec = { dtype: dtype as QuantDType, symmetric };
  return candidateFractions(candidates).map((f) => {
    const range = { min: min * f, max: max * f };
    return { range, ...quantParams(range.min, range.max, spec, `"${value}"`) };
  });
}

/** The squared error of fake-quantising on each grid, [grids]. A loop: written out, with many activations, the session would take
 *  longer to open than to run. */
function squaredErrors(graph: Graph, v: Value, { dtype }: Search, grids: readonly Grid[]): Value {
  const vector = (name: string, type: DType, values: readonly number[]) =>
    addInitializer(graph, `edgepress/${name}`, tensorOf(type, [grids.length], values));
  const body = createGraph(graph.names, 'grid');
  const enter = (name: string, type: DType) =>
    addInput(body, createValue(graph.names, `edgepress/${name}`, tensorType(type, [])));
  const grid = [enter('scale', 'float32'), enter('zero', dtype)];
  const op = (opType: string, inputs: readonly Value[]) => addNode(body, { opType, inputs }).outputs[0]!;
  const shown = op('DequantizeLinear', [op('QuantizeLinear', [v, ...grid]), ...grid]);
  const error = reduce(body, 'ReduceSumSquare', op('Sub', [v, shown]));
  error.type = tensorType('float32', []);
  addOutput(body, error);
  const scales = grids.map((g) => g.scale);
  const zeros = grids.map((g) => g.zeroPoint);
  return addNode(graph, {
    opType: 'Scan',
    inputs: [vector('scales', 'float32', scales), vector('zeros', dtype, zeros)],
    attributes: { body: graphAttribute(body), num_scan_inputs: 2 },
  }).outputs[0]!;
}
