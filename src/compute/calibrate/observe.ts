/** Calibration: the model with observers appended runs over the samples, and only scalars come out.
 *  First pass: ReduceMin and ReduceMax, and ReduceSum because those two may step over a NaN. Second pass, where asked
 *  for: the squared error of fake-quantising at K candidate ranges, on a subset. Nothing is stored per sample, so
 *  memory does not grow with their number. */

import { graphAttribute } from '../../model/ir/attribute.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { DType } from '../../model/ir/dtype.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createGraph,
  createValue,
  setOutputs,
} from '../../model/ir/edit.ts';
import type { Graph, Model, Value } from '../../model/ir/model.ts';
import { float32Values, scalar, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { type QuantParams, quantParams } from '../../model/quantization/params.ts';
import type { QuantDType } from '../../model/quantization/spec.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import { internal } from '../../support/diagnostics.ts';
import type { Engine } from '../engine/contract.ts';
import type { RunContext, Watchable } from '../engine/run-context.ts';
import { collectMoments } from './moments.ts';
import { runSamples, type Samples } from './run-samples.ts';
import type { Range, StatisticRequest, Statistics } from './statistics.ts';

/** Answers `requests` about `model` from the samples that `read` gives.
 *  @param samples  how many there are, and what reads sample i, 0 ≤ i < count
 *  @param options  `mseSamples`: of the second pass (MSE ranges), which costs about eight times as much a sample; 16
 *  @throws CALIBRATION_NOT_FINITE when an observed value is NaN or infinite for some sample, but for the −∞ of a mask
 *    where a request takes them */
export async function observe(
  engine: Engine,
  model: Model,
  requests: readonly StatisticRequest[],
  samples: Samples,
  options: Watchable & { readonly mseSamples?: number } = {},
): Promise<Statistics> {
  const products = requests.filter((r) => r.kind === 'moments');
  const names = [...new Set(requests.flatMap((r) => (r.kind === 'moments' ? [] : [r.value])))];
  const searches = requests.filter((r) => r.kind === 'mse-range');
  const mseCount = searches.length > 0 ? Math.min(samples.count, options.mseSamples ?? 16) : 0;
  const rangeCount = names.length > 0 ? samples.count : 0;
  const strict = new Set(requests.flatMap((r) => (r.kind === 'moments' || isMasked(r) ? [] : [r.value])));
  const total = rangeCount + mseCount + (products.length > 0 ? samples.count : 0);
  const progressFrom = (start: number) => (done: number) => options.onProgress?.(start + done, total);
  const ranges =
    names.length > 0
      ? await ranged(engine, model, names, strict, samples, progressFrom(0), options.signal)
      : new Map<string, Range>();
  if (mseCount > 0) {
    const stride = samples.count / mseCount;
    const subset = { count: mseCount, read: (i: number) => samples.read(Math.floor(i * stride)) };
    const progress = progressFrom(rangeCount);
    const best = await searchRanges(engine, model, searches, ranges, subset, progress, options.signal);
    for (const [name, range] of best) ranges.set(name, range);
  }
  const range = (value: string) => ranges.get(value);
  if (products.length === 0) return { range, samples: samples.count };
  const progress = progressFrom(rangeCount + mseCount);
  const moments = await collectMoments(engine, model, products, samples, progress, options.signal);
  return { range, moments, samples: samples.count };
}

const isMasked = (request: StatisticRequest) => request.kind === 'range' && request.masked === true;

/** Ranges of all values; of those that hold −∞, which not every run has, those of the rest, in a second pass.
 *  @param strict  values in which −∞ is refused as well */
async function ranged(
  engine: Engine,
  model: Model,
  names: readonly string[],
  strict: ReadonlySet<string>,
  samples: Samples,
  progress: (done: number) => void,
  signal: RunContext['signal'],
): Promise<Map<string, Range>> {
  const masks = new Set<string>();
  const isMask = (name: string, low: number, high: number, sum: number) => {
    const found = low === Number.NEGATIVE_INFINITY && high < Number.POSITIVE_INFINITY && !Number.isNaN(sum);
    if (found && !strict.has(name)) masks.add(name);
    return masks.has(name) && found;
  };
  const ranges = await minMax(engine, model, names, reduce, isMask, samples, progress, signal);
  if (masks.size === 0) return ranges;
  const rest = await minMax(
    engine,
    model,
    [...masks],
    reduceUnmasked,
    () => false,
    samples,
    () => {},
    signal,
  );
  return new Map([...ranges, ...rest]);
}

async function minMax(
  engine: Engine,
  model: Model,
  names: readonly string[],
  reduced: (graph: Graph, opType: string, v: Value) => Value,
  /** Whether what was seen is a mask, to be looked at apart. */
  isMask: (name: string, low: number, high: number, sum: number) => boolean,
  samples: Samples,
  progress: (done: number) => void,
  signal: RunContext['signal'],
): Promise<Map<string, Range>> {
  const low = new Float64Array(names.length).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(names.length).fill(Number.NEGATIVE_INFINITY);
  const observed = observerModel(model, (graph, valueNamed) =>
    names.flatMap((name) => {
      const v = valueNamed(name);
      return ['ReduceMin', 'ReduceMax', 'ReduceSum'].map((op) => reduced(graph, op, v));
    }),
  );
  await runSamples(engine, observed, samples, signal, ([vector], sample, i) => {
    const scalars = float32Values(vector!);
    names.forEach((name, k) => {
      const [a, b, sum] = [scalars[3 * k]!, scalars[3 * k + 1]!, scalars[3 * k + 2]!];
      if (isMask(name, a, b, sum)) return;
      if (!Number.isFinite(a) || !Number.isFinite(b) || Number.isNaN(sum))
        throw calibrationNotFinite(name, sample.id);
      low[k] = Math.min(low[k]!, a);
      high[k] = Math.max(high[k]!, b);
    });
    progress(i + 1);
  });
  return new Map(names.map((name, k) => [name, { min: low[k]!, max: high[k]! }]));
}

/** Reduces what is left with 0 in place of −∞: NaN and +∞ stay to be seen. */
function reduceUnmasked(graph: Graph, opType: string, v: Value): Value {
  const nothing = addInitializer(graph, 'edgepress/nothing', scalar('float32', 0));
  const attributes = { detect_positive: 0 };
  const isMinus = addNode(graph, { opType: 'IsInf', inputs: [v], attributes }).outputs[0]!;
  const rest = addNode(graph, { opType: 'Where', inputs: [isMinus, nothing, v] }).outputs[0]!;
  return reduce(graph, opType, rest);
}

type Search = Extract<StatisticRequest, { kind: 'mse-range' }>;

/** Fractions of the min-max range that are tried, from all of it down to about a third. */
const candidateFractions = (n: number) => Array.from({ length: n }, (_, k) => 0.87 ** k);

async function searchRanges(
  engine: Engine,
  model: Model,
  searches: readonly Search[],
  ranges: ReadonlyMap<string, Range>,
  samples: Samples,
  progress: (done: number) => void,
  signal: RunContext['signal'],
): Promise<Map<string, Range>> {
  const tried = searches.map((search) => ({ search, grids: gridsOf(search, ranges.get(search.value)!) }));
  const errors = tried.map(({ grids }) => new Float64Array(grids.length));
  const observed = observerModel(model, (graph, valueNamed) =>
    tried.flatMap(({ search, grids }) => {
      const v = valueNamed(search.value);
      return [reduce(graph, 'ReduceSumSquare', v), squaredErrors(graph, v, search, grids)];
    }),
  );
  await runSamples(engine, observed, samples, signal, ([vector], _, i) => {
    const found = float32Values(vector!);
    let at = 0;
    for (const sums of errors) {
      const energy = Math.max(found[at++]!, 1e-30);
      for (let k = 0; k < sums.length; k++) sums[k]! += found[at++]! / energy;
    }
    progress(i + 1);
  });
  return new Map(
    tried.map(({ search, grids }, i) => {
      const sums = errors[i]!;
      // The whole range where sums are no numbers.
      const least = sums.reduce((best, sum, k) => (sum < sums[best]! ? k : best), 0);
      return [search.value, grids[least]!.range];
    }),
  );
}

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

/** A copy of the model whose only output are the scalars and vectors that `observers` builds, one after the other. */
function observerModel(
  model: Model,
  observers: (graph: Graph, valueNamed: (name: string) => Value) => Value[],
): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const found = observers(graph, namedValues(graph));
  const flat = addInitializer(graph, 'edgepress/flat', tensorOf('int64', [1], [-1]));
  const columns = found.map((v) => addNode(graph, { opType: 'Reshape', inputs: [v, flat] }).outputs[0]!);
  const all = addNode(graph, { opType: 'Concat', inputs: columns, attributes: { axis: 0 } }).outputs[0]!;
  all.type = tensorType('float32', ['n']);
  setOutputs(graph, [all]);
  return copy;
}

/** Finds the values that a graph has now by their names. */
function namedValues({ inputs, nodes }: Graph): (name: string) => Value {
  const computed = nodes.flatMap((node) => node.outputs.filter((v) => v !== null));
  const values = new Map([...inputs, ...computed].map((v) => [v.name, v]));
  return (name) => {
    const found = values.get(name);
    if (!found)
      throw internal('OBSERVED_VALUE_MISSING', `"${name}" was to be observed but is not in the graph.`);
    return found;
  };
}

const reduce = (graph: Graph, opType: string, v: Value) =>
  addNode(graph, { opType, inputs: [v], attributes: { keepdims: 0 } }).outputs[0]!;

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
