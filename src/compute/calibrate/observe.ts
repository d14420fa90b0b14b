/** Calibration: the model with observers appended runs over the samples, and only scalars come out.
 *  First pass: ReduceMin and ReduceMax, and ReduceSum because those two may step over a NaN. Second pass, where asked
 *  for: the squared error of fake-quantising at K candidate ranges, on a subset. Nothing is stored per sample, so
 *  memory does not grow with their number. */

import { cloneModel } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import type { Graph, Model, Value } from '../../model/ir/model.ts';
import { float32Values, scalar, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { quantParams } from '../../model/quantization/params.ts';
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
  const tried = searches.flatMap((search) => {
    const { min, max } = ranges.get(search.value)!;
    return candidateFractions(search.candidates).map((f) => ({
      search,
      range: { min: min * f, max: max * f },
    }));
  });
  const errors = new Float64Array(tried.length);
  const observed = observerModel(model, (graph, valueNamed) =>
    tried.map(({ search, range }) => squaredError(graph, valueNamed(search.value), search, range)),
  );
  await runSamples(engine, observed, samples, signal, ([vector], _, i) => {
    const scalars = float32Values(vector!);
    for (let k = 0; k < errors.length; k++) errors[k]! += scalars[k]!;
    progress(i + 1);
  });
  const best = new Map<string, { range: Range; error: number }>();
  tried.forEach(({ search, range }, k) => {
    const known = best.get(search.value);
    if (!known || errors[k]! < known.error) best.set(search.value, { range, error: errors[k]! });
  });
  return new Map([...best].map(([name, { range }]) => [name, range]));
}

/** A copy of the model whose only output is the vector of the scalars that `observers` builds. */
function observerModel(
  model: Model,
  observers: (graph: Graph, valueNamed: (name: string) => Value) => Value[],
): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const scalars = observers(graph, namedValues(graph));
  const one = addInitializer(graph, 'edgepress/one', tensorOf('int64', [1], [1]));
  const columns = scalars.map((s) => addNode(graph, { opType: 'Reshape', inputs: [s, one] }).outputs[0]!);
  const all = addNode(graph, { opType: 'Concat', inputs: columns, attributes: { axis: 0 } }).outputs[0]!;
  all.type = tensorType('float32', [scalars.length]);
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

function squaredError(graph: Graph, v: Value, search: Search, range: Range): Value {
  const spec = { dtype: search.dtype as 'int8' | 'uint8', symmetric: search.symmetric };
  const params = quantParams(range.min, range.max, spec, `"${search.value}"`);
  const scale = addInitializer(graph, 'edgepress/scale', scalar('float32', params.scale));
  const zero = addInitializer(graph, 'edgepress/zero', scalar(search.dtype, params.zeroPoint));
  const q = addNode(graph, { opType: 'QuantizeLinear', inputs: [v, scale, zero] }).outputs[0]!;
  const dq = addNode(graph, { opType: 'DequantizeLinear', inputs: [q, scale, zero] }).outputs[0]!;
  const difference = addNode(graph, { opType: 'Sub', inputs: [v, dq] }).outputs[0]!;
  const error = reduce(graph, 'ReduceSumSquare', difference);
  const energy = reduce(graph, 'ReduceSumSquare', v);
  const tiny = addInitializer(graph, 'edgepress/tiny', scalar('float32', 1e-30));
  const floor = addNode(graph, { opType: 'Max', inputs: [energy, tiny] }).outputs[0]!;
  return addNode(graph, { opType: 'Div', inputs: [error, floor] }).outputs[0]!;
}
