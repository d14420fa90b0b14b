/** What it costs the whole model to lose each unit once what is left has been fitted anew: for importance 'reconstruction'.
 *  1. Within a group, the order of elimination and its errors in the layers that read the units (see elimination.ts).
 *  2. Between groups, one measurement each: the error in the model's answer with half of the group gone and its readers
 *     fitted. It gives the errors of 1 a common unit.
 *  Nothing here needs labels. */
import { collectMoments } from '../calibrate/moments.ts';
import { runSamples, type Samples } from '../calibrate/run-samples.ts';
import { stackedSamples } from '../calibrate/stacked.ts';
import type { Moments } from '../calibrate/statistics.ts';
import type { Engine } from '../engine/contract.ts';
import { cloneModel } from '../ir/clone.ts';
import { setConstant, setOutputs } from '../ir/edit.ts';
import type { Model, Value } from '../ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../ir/tensor.ts';
import { findValue } from '../ir/walk.ts';
import { type ChannelGroup, findChannelGroups } from './channel-groups.ts';
import { type Elimination, eliminate, type Reading } from './elimination.ts';
import { scoreUnits } from './importance.ts';
import { fitWeights } from './least-squares.ts';
import { removeUnits } from './remove.ts';
import { findWeightLayers, type Layout, placesOf, type WeightLayer } from './unstructured-layers.ts';

export interface ReconstructionScoreOptions {
  /** Least share of a group's units that stays. Default 0.1. */
  readonly leave?: number;
  /** Layers that sum over more are judged by magnitude times activity. Default 1024. */
  readonly maxColumns?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Error relative to the variance of the model's answer, by group (see groupKey) and unit: what the answer loses when the unit
 *  goes after those that matter less. Units that would never go have the error of the last that would.
 *  @param groups  of this model, as findChannelGroups gives them @throws ENGINE_OPEN, ENGINE_RUN, CALIBRATION_NOT_FINITE */
export async function scoreReconstruction(
  engine: Engine,
  model: Model,
  groups: readonly ChannelGroup[],
  samples: Samples,
  options: ReconstructionScoreOptions = {},
): Promise<Map<string, Float64Array>> {
  const layers = new Map(findWeightLayers(model).map((l) => [l.value.name, l]));
  const readers = groups.map((g) => readersOf(g, layers, options.maxColumns ?? 1024));
  const requests = readers.flat().map((r) => r.layer.moments(false)!);
  const { fitting, judging } = shared(samples);
  const stacked = await stackedSamples(fitting, model.graph, together);
  const moments = await collectMoments(engine, model, requests, stacked, () => {}, options.signal);
  const judge = await openJudge(engine, model, judging, options.signal);
  const scores = new Map<string, Float64Array>();
  for (const [i, group] of groups.entries()) {
    options.signal?.throwIfAborted();
    const readings = readers[i]!.flatMap((r) => {
      const found = moments(r.layer.moments(false)!);
      return found ? [readingOf(r, found, fitting.count)] : [];
    });
    const size = group.units.length;
    const most = size - Math.max(1, Math.ceil(size * (options.leave ?? 0.1)));
    const path = readings.length > 0 ? eliminate(readings, size, most) : byMagnitude(group, most);
    const half = path.order.slice(0, Math.max(1, Math.min(most, Math.round(size / 2))));
    const unit = Math.max(path.errors[half.length - 1] ?? 0, 1e-30);
    const error = half.length > 0 ? await judge.without(i, half, readings) : 0;
    // Where nothing was seen to change, the order within the group still counts.
    scores.set(groupKey(group), unitScores(path, size, Math.max(error, 1e-12) / unit));
    options.onProgress?.(i + 1, groups.length);
  }
  return scores;
}

/** Errors are measured on samples that nothing was fitted to: every third one, since data may stand in the order of its classes. */
function shared(samples: Samples): { readonly fitting: Samples; readonly judging: Samples } {
  const judges = (i: number) => i % 3 === 2 && i < 3 * mostToJudge;
  const all = Array.from({ length: samples.count }, (_, i) => i);
  const judging = all.length < 3 ? all : all.filter(judges);
  const rest = all.length < 3 ? all : all.filter((i) => !judges(i));
  // Stacks count alike, so none may be smaller.
  const fitting = rest.length > together ? rest.slice(0, rest.length - (rest.length % together)) : rest;
  const some = (indices: readonly number[]): Samples => ({
    count: indices.length,
    read: (i) => samples.read(indices[i] as number),
  });
  return { fitting: some(fitting), judging: some(judging) };
}

export const groupKey = (group: ChannelGroup) => `${group.kind} ${group.name}`;

/** Added to the diagonal of moments, relative to its mean. Where there are hardly more places than columns, what moments say is
 *  mostly chance, and more is added. */
const leastDamping = 0.01;

const mostToJudge = 64;

/** Samples that are run at a time. */
const together = 8;

interface Reader {
  readonly layer: WeightLayer & { readonly layout: Layout };
  /** Columns of each unit. */
  readonly units: readonly (readonly number[])[];
}

/** A layer that reads the units, and what it reads. */
type Read = Reading & Reader;

function readersOf(group: ChannelGroup, layers: ReadonlyMap<string, WeightLayer>, most: number): Reader[] {
  return group.members.flatMap((m) => {
    const layer = m.role === 'in' ? layers.get(m.value.name) : undefined;
    const layout = layer?.layout;
    if (!layer || !layout || layout.groups > 1 || layout.columns > most || !layer.moments(false)) return [];
    const columns = (channels: readonly number[]) =>
      channels.flatMap((c) => Array.from({ length: layout.places }, (_, p) => c * layout.places + p));
    return [{ layer: { ...layer, layout }, units: m.indices.map(columns) }];
  });
}

function readingOf(reader: Reader, { values }: Moments, samples: number): Read {
  const { rows, columns, rowStride, columnStride } = reader.layer.layout;
  const flat = float32Values(reader.layer.value.constant as Tensor);
  const weights = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) weights[r * columns + c] = flat[r * rowStride + c * columnStride]!;
  const damping = Math.max(leastDamping, columns / (samples * placesOf(reader.layer)));
  return { ...reader, weights, moments: Float64Array.from(values), rows, columns, damping };
}

/** Where nothing is known of what reads the units: squared magnitudes of their weights. */
function byMagnitude(group: ChannelGroup, most: number): Elimination {
  const scores = scoreUnits(group, 'l2');
  const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]! || a - b).slice(0, most);
  let sum = 0;
  const errors = order.map((u) => {
    sum += scores[u]! / scores.length;
    return sum;
  });
  return { order, errors };
}

/** Steps of the error, never smaller than the one before: the order within the group stays what it is. */
function unitScores({ order, errors }: Elimination, size: number, factor: number): Float64Array {
  const scores = new Float64Array(size);
  let highest = 0;
  order.forEach((unit, k) => {
    highest = Math.max(highest, (errors[k]! - (errors[k - 1] ?? 0)) * factor, highest * (1 + 1e-9));
    scores[unit] = highest;
  });
  const gone = new Set(order);
  for (let u = 0; u < size; u++) if (!gone.has(u)) scores[u] = highest * 2 + u * Number.EPSILON;
  return scores;
}

interface Judge {
  /** Error of the model's first output without these units of a group, relative to its variance. */
  without(group: number, units: readonly number[], readings: readonly Read[]): Promise<number>;
}

async function openJudge(
  engine: Engine,
  model: Model,
  samples: Samples,
  signal: AbortSignal | undefined,
): Promise<Judge> {
  const answers = async (of: Model, some: Samples) => {
    const copy = cloneModel(of);
    setOutputs(copy.graph, copy.graph.outputs.slice(0, 1));
    const found: Float32Array[] = [];
    await runSamples(engine, copy, some, signal, ([t]) => found.push(float32Values(t!).slice()));
    return found;
  };
  const [first] = await answers(model, { count: 1, read: samples.read });
  const count = Math.max(1, Math.min(samples.count, Math.floor(answerLimit / first!.length)));
  const few = await stackedSamples({ count, read: samples.read }, model.graph, together);
  const dense = await answers(model, few);
  const all = dense.reduce((n, a) => n + a.length, 0);
  const mean = dense.reduce((sum, a) => sum + a.reduce((s, v) => s + v, 0), 0) / all;
  const variance = dense.reduce((sum, a) => sum + a.reduce((s, v) => s + (v - mean) ** 2, 0), 0);
  return {
    async without(group, units, readings) {
      const copy = cloneModel(model);
      const found = findChannelGroups(copy);
      const gone = new Set(units);
      for (const r of readings) fitWithout(copy, r, gone);
      removeUnits(copy, found, new Set(units.map((u) => found.groups[group]!.units[u]!)));
      const now = await answers(copy, few);
      const error = now.reduce(
        (sum, a, i) => sum + a.reduce((s, v, k) => s + (v - dense[i]![k]!) ** 2, 0),
        0,
      );
      return error / Math.max(variance, 1e-30);
    },
  };
}

/** Numbers of answers that are kept. */
const answerLimit = 2 ** 23;

/** The weights for what is left, in closed form from the moments of the dense model. */
function fitWithout(copy: Model, reading: Read, gone: ReadonlySet<number>): void {
  const { layer, moments: h, rows, columns, units, damping } = reading;
  const { rowStride, columnStride } = layer.layout;
  const away = new Set([...gone].flatMap((u) => units[u]!));
  const stay = Array.from({ length: columns }, (_, c) => c).filter((c) => !away.has(c));
  const value = findValue(copy, layer.value.name) as Value;
  const tensor = value.constant as Tensor;
  const next = float32Values(tensor).slice();
  const w = (r: number, c: number) => next[r * rowStride + c * columnStride]!;
  const prior = Float64Array.from({ length: rows * stay.length }, (_, k) =>
    w(Math.floor(k / stay.length), stay[k % stay.length]!),
  );
  const xx = Float64Array.from(
    { length: stay.length ** 2 },
    (_, k) => h[stay[Math.floor(k / stay.length)]! * columns + stay[k % stay.length]!]!,
  );
  const yx = new Float64Array(rows * stay.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const factor = w(r, c);
      if (factor !== 0)
        for (let s = 0; s < stay.length; s++) yx[r * stay.length + s]! += factor * h[c * columns + stay[s]!]!;
    }
  const none = { x: new Float64Array(stay.length), y: new Float64Array(rows) };
  const { weights } = fitWeights(
    { places: 1e9, xx: xx.map((v) => v * 1e9), yx: yx.map((v) => v * 1e9), ...none },
    prior,
    damping,
    false,
  );
  for (let r = 0; r < rows; r++)
    stay.forEach((c, s) => {
      next[r * rowStride + c * columnStride] = weights[r * stay.length + s]!;
    });
  setConstant(value, tensorOf('float32', tensor.dims, next));
}
