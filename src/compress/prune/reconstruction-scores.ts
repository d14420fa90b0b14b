/** What it costs the whole model to lose each unit once what is left has been refitted: for importance 'reconstruction'.
 *  1. Within a group, the order of elimination and its errors in the layers that read the units (see elimination.ts).
 *  2. Between groups, one measurement each: the error in the model's answer with half of the group gone and its readers
 *     fitted. It gives the errors of 1 a common unit.
 *  Nothing here needs labels. */

import { collectMoments } from '../../compute/calibrate/moments.ts';
import type { Samples } from '../../compute/calibrate/run-samples.ts';
import { stackedSamples } from '../../compute/calibrate/stacked.ts';
import type { Moments } from '../../compute/calibrate/statistics.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import type { Watchable } from '../../compute/engine/run-context.ts';
import { type Model, readers as readersInGraph } from '../../model/ir/model.ts';
import { float32Values, type Tensor } from '../../model/ir/tensor.ts';
import type { ChannelGroup } from './channel-groups.ts';
import { type Elimination, eliminate } from './elimination.ts';
import { scoreUnits } from './importance.ts';
import { dampingFor } from './least-squares.ts';
import { openTrial, type Read, type Reader } from './trial.ts';
import { findWeightLayers, placesOf, type WeightLayer } from './unstructured-layers.ts';

export interface ReconstructionScoreOptions extends Watchable {
  /** Least share of a group's units that stays. Default 0.1. */
  readonly leave?: number | undefined;
  /** Layers that sum over more are not looked at; units that only such layers read are ranked by magnitude. Default 1024. */
  readonly maxColumns?: number;
  /** As the groups were found. */
  readonly shrinkNorms?: boolean | undefined;
}

/** Error relative to the variance of the model's answer, by the unit's key: what the answer loses when the unit goes after
 *  those of its group that matter less. Units that would never go have twice the error of the last that would.
 *  @param groups  of this model, all or some of what findChannelGroups gives @throws ENGINE_OPEN, ENGINE_RUN, CALIBRATION_NOT_FINITE */
export async function scoreReconstruction(
  engine: Engine,
  model: Model,
  groups: readonly ChannelGroup[],
  samples: Samples,
  options: ReconstructionScoreOptions = {},
): Promise<Map<string, number>> {
  const layers = new Map(findWeightLayers(model).map((l) => [l.value.name, l]));
  const readers = groups.map((g) => readersOf(g, layers, options.maxColumns ?? 1024));
  const requests = readers.flat().map((r) => r.layer.moments(false)!);
  const { fitting, judging } = shared(samples);
  const stacked = await stackedSamples(fitting, model.graph, together);
  const moments = await collectMoments(engine, model, requests, stacked, () => {}, options.signal);
  const { shrinkNorms, signal } = options;
  const trial = await openTrial(engine, model, judging, { together, shrinkNorms, signal });
  const measured: Measured[] = [];
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
    const error = half.length > 0 ? await trial.without(group, half, readings) : 0;
    measured.push({ group, path, unit: path.errors[half.length - 1] ?? 0, error });
    options.onProgress?.(i + 1, groups.length);
  }
  return scoresOf(measured, model);
}

/** A group, and what its first half cost: in its readers (`unit`), and in the model's answer (`error`). */
interface Measured {
  readonly group: ChannelGroup;
  readonly path: Elimination;
  readonly unit: number;
  readonly error: number;
}

function scoresOf(measured: readonly Measured[], model: Model): Map<string, number> {
  const seen = measured.flatMap(({ error }) => (error > 0 ? [error] : [])).sort((a, b) => a - b);
  const usual = seen[seen.length >> 1] ?? 0;
  const scores = new Map<string, number>();
  for (const { group, path, unit, error } of measured) {
    // No sample went through the branch that it is in, which says nothing against it.
    const assumed = error === 0 && isInBranch(group, model) ? usual : error;
    // Elsewhere, where nothing was seen to change, the order within the group still counts.
    const own = unitScores(path, group.units.length, Math.max(assumed, 1e-12) / Math.max(unit, 1e-30));
    for (const [u, key] of group.keys.entries()) scores.set(key, own[u]!);
  }
  return scores;
}

const isInBranch = ({ members }: ChannelGroup, { graph }: Model) =>
  members.some((m) => readersInGraph(m.value).some((node) => node.graph !== graph));

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

/** Added to the diagonal of moments, relative to its mean. */
const leastDamping = 0.01;

const mostToJudge = 64;

/** Samples that are run at a time. */
const together = 8;

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
  const damping = dampingFor(leastDamping, columns, samples * placesOf(reader.layer));
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
