/** Calibration: the model with observers appended runs over the samples, and only scalars come out.
 *  First pass: ReduceMin and ReduceMax, and ReduceSum because those two may step over a NaN. Second pass, where asked
 *  for: the squared error of fake-quantising at K candidate ranges, on a subset (range-search.ts). Nothing is stored per
 *  sample, so memory does not grow with their number. */

import { addInitializer, addNode } from '../../model/ir/edit.ts';
import type { Graph, Model, Value } from '../../model/ir/model.ts';
import { float32Values, scalar } from '../../model/ir/tensor.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import type { RangeMethod } from '../../support/range-methods.ts';
import type { Engine } from '../engine/contract.ts';
import type { RunContext, Watchable } from '../engine/run-context.ts';
import { collectMoments } from './moments.ts';
import { flattened, observerModel, reduce } from './observer-model.ts';
import { collectPeaks } from './peaks.ts';
import { searchRanges } from './range-search.ts';
import { runSamples, type Samples } from './run-samples.ts';
import { collectShifts, mostShiftSamples } from './shifts.ts';
import { isRange, type Ranges, type StatisticRequest, type Statistics } from './statistics.ts';

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
  const shifted = requests.filter((r) => r.kind === 'shift');
  const peaked = requests.filter((r) => r.kind === 'peaks');
  const names = [...new Set(requests.filter(isRange).map((r) => r.value))];
  const searches = requests.filter((r) => r.kind === 'mse-range');
  const mseCount = searches.length > 0 ? Math.min(samples.count, options.mseSamples ?? 16) : 0;
  const rangeCount = names.length > 0 ? samples.count : 0;
  const strict = new Set(requests.flatMap((r) => (isRange(r) && !isMasked(r) ? [r.value] : [])));
  const shiftCount = shifted.length > 0 ? Math.min(samples.count, mostShiftSamples) : 0;
  const peakCount = peaked.length > 0 ? samples.count : 0;
  const momentCount = products.length > 0 ? samples.count : 0;
  const total = rangeCount + mseCount + shiftCount + momentCount + peakCount;
  const progressFrom = (start: number) => (done: number) => options.onProgress?.(start + done, total);
  const ranges =
    names.length > 0
      ? await ranged(engine, model, names, strict, samples, progressFrom(0), options.signal)
      : new Map<string, Ranges>();
  if (mseCount > 0) {
    const stride = samples.count / mseCount;
    const subset = { count: mseCount, read: (i: number) => samples.read(Math.floor(i * stride)) };
    const progress = progressFrom(rangeCount);
    const seen = new Map([...ranges].map(([name, { minmax }]) => [name, minmax]));
    const best = await searchRanges(engine, model, searches, seen, subset, progress, options.signal);
    for (const [name, found] of best) ranges.set(name, { ...ranges.get(name)!, ...found });
  }
  const { signal } = options;
  const before = progressFrom(rangeCount + mseCount);
  const shift =
    shifted.length > 0 ? await collectShifts(engine, model, shifted, samples, before, signal) : undefined;
  const progress = progressFrom(rangeCount + mseCount + shiftCount);
  const moments =
    products.length > 0
      ? await collectMoments(engine, model, products, samples, progress, signal)
      : undefined;
  const last = progressFrom(total - peakCount);
  const peaks =
    peaked.length > 0 ? await collectPeaks(engine, model, peaked, samples, last, signal) : undefined;
  return {
    ...{ range: rangeIn(ranges), samples: samples.count },
    ...(shift && { shift }),
    ...(moments && { moments }),
    ...(peaks && { peaks }),
  };
}

/** By the method that is asked for; else the one with the least error, where that was searched for. */
export const rangeIn =
  (ranges: ReadonlyMap<string, Ranges>): Statistics['range'] =>
  (value, method?: RangeMethod) => {
    const found = ranges.get(value);
    return method ? found?.[method] : (found?.mse ?? found?.minmax);
  };

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
): Promise<Map<string, Ranges>> {
  const masks = new Set<string>();
  const isMask = (name: string, low: number, high: number, sum: number) => {
    const found = low === Number.NEGATIVE_INFINITY && high < Number.POSITIVE_INFINITY && !Number.isNaN(sum);
    if (found && !strict.has(name)) masks.add(name);
    return masks.has(name) && found;
  };
  const ranges = await minMax(engine, model, names, reduceSeen, isMask, samples, progress, signal);
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
): Promise<Map<string, Ranges>> {
  const low = new Float64Array(names.length).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(names.length).fill(Number.NEGATIVE_INFINITY);
  const [lows, highs] = [new Float64Array(names.length), new Float64Array(names.length)];
  const observed = observerModel(model, (graph, valueNamed) =>
    names.flatMap((name) => {
      // Once for all three, whose results are vectors then.
      const v = flattened(graph, valueNamed(name));
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
      lows[k]! += a / samples.count;
      highs[k]! += b / samples.count;
    });
    progress(i + 1);
  });
  return new Map(
    names.map((name, k) => [
      name,
      { minmax: { min: low[k]!, max: high[k]! }, average: { min: lows[k]!, max: highs[k]! } },
    ]),
  );
}

/** Reduces what is left with 0 in place of −∞: NaN and +∞ stay to be seen. */
function reduceUnmasked(graph: Graph, opType: string, v: Value): Value {
  const nothing = addInitializer(graph, 'edgepress/nothing', scalar('float32', 0));
  const attributes = { detect_positive: 0 };
  const isMinus = addNode(graph, { opType: 'IsInf', inputs: [v], attributes }).outputs[0]!;
  const rest = addNode(graph, { opType: 'Where', inputs: [isMinus, nothing, v] }).outputs[0]!;
  return reduceSeen(graph, opType, rest);
}

const reduceSeen = (graph: Graph, opType: string, vector: Value) => reduce(graph, opType, vector, 1);
