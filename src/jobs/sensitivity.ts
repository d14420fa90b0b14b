/** How much each layer's computing in int8 damages what a model answers: one group of layers at a time computes in int8, and the
 *  noise at the outputs is measured on samples that calibrated. */
import { z } from 'zod';
import { compressModel } from '../compress/compress.ts';
import { without } from '../compress/pipeline/leave-out.ts';
import { dividedAt, passOptions, type Recipe, withPassOptions } from '../compress/pipeline/recipe.ts';
import type { Journal } from '../compress/pipeline/run.ts';
import { decisionOf, layerNote } from '../compress/quant/layers.ts';
import type { CalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import { createNearness } from '../compute/calibrate/nearness.ts';
import type { StatisticRequest } from '../compute/calibrate/statistics.ts';
import type { EngineRun } from '../compute/engine/run-context.ts';
import type { Prepared } from '../data/prepare-data.ts';
import type { Model } from '../model/ir/model.ts';
import { nodesOf } from '../model/ir/walk.ts';
import { integerProduct } from '../model/ops/quantization.ts';
import { sha256Text } from '../support/hash.ts';
import { cacheFolder, openJsonStore } from '../support/json-store.ts';
import { spread } from '../support/spread.ts';
import { type Calibrated, calibrate, calibratingSamples } from './calibrate.ts';
import { macsOn } from './sample-macs.ts';

const pass = 'quantize-static';
const preparing = 'equalize-layers';
/** Multiply–accumulates of all groups together, from which follows how many there are: the same on every machine, however busy. */
const mostMacs = 2e11;
/** Quantising a group's model and opening it takes as long as so many. */
const macsToOpen = 1e9;
/** Samples that a group is measured on. */
const samplesEach = 4;
const fewestGroups = 4;

export interface Damage {
  /** By their names in the cleaned model. */
  readonly layers: readonly string[];
  /** Of the answers, where these alone compute in int8; null: something isn't finite. */
  readonly sqnrDb: number | null;
}

export interface StaticTrials {
  /** Groups of neighbouring layers that compute in int8, the most damaging first. */
  rank(progress: (done: number, of: number) => void): Promise<readonly Damage[]>;
  /** The whole recipe's model with these layers computing in float. */
  without(layers: readonly string[]): Promise<Model>;
}

interface TrialOptions extends EngineRun {
  readonly recipe: Recipe;
  readonly prepared: Prepared;
  readonly cache: CalibrationCache | null;
}

const rankingSchema = z.array(z.object({ layers: z.array(z.string()), sqnrDb: z.number().nullable() }));

/** @param start  what the recipe runs on; its stages up to static quantisation run once, and activations are observed once */
export async function openStaticTrials(start: Model, options: TrialOptions): Promise<StaticTrials> {
  const { recipe, prepared, engine, signal, cache } = options;
  const { before, rest } = dividedAt(recipe, pass)!;
  const samples = calibratingSamples(prepared, recipe);
  const observing = async (model: Model, requests: readonly StatisticRequest[]) =>
    (await calibrate(model, requests, samples, { engine, cache, signal })).statistics;
  const opening = before && { recipe: before, engine, signal, calibrate: observing };
  const clean = opening ? (await compressModel(start, opening)).model : start;
  let known: Calibrated | undefined;
  const once = async (model: Model, requests: readonly StatisticRequest[]) => {
    known ??= await calibrate(model, requests, samples, { engine, cache, signal });
    return known.statistics;
  };
  const made = async (partial: Recipe) =>
    (await compressModel(clean, { recipe: partial, engine, signal, calibrate: once })).model;
  // Asks for the statistics of all that any trial has.
  const all = await made(onlyStatic(rest));
  const layers = [...nodesOf(all)].flatMap((node) =>
    decisionOf(node)?.precision === 'int8' && integerProduct(node) ? (layerNote(node)?.name ?? []) : [],
  );
  const measured = async (progress: (done: number, of: number) => void): Promise<Damage[]> => {
    const chosen = spread([...Array(samples.count).keys()], samplesEach);
    const some = { count: chosen.length, read: (i: number) => samples.read(chosen[i]!) };
    const nearness = createNearness(engine, some, { signal });
    const groups = inGroups(layers, affordable(macsOn(clean, (await some.read(0)).inputs)));
    const found: Damage[] = [];
    for (const group of groups) {
      signal?.throwIfAborted();
      const alone = await made(withPassOptions(onlyStatic(rest), [pass], () => ({ include: group })));
      found.push({ layers: group, sqnrDb: (await nearness(alone, clean)).sqnrDb });
      progress(found.length, groups.length);
    }
    const worth = ({ sqnrDb }: Damage) => sqnrDb ?? Number.NEGATIVE_INFINITY;
    return found.sort((a, b) => worth(a) - worth(b));
  };
  return {
    async rank(progress) {
      const key = known?.key && (await rankingKey(known.key, recipe));
      const store = key ? openJsonStore(cacheFolder('sensitivity'), rankingSchema) : null;
      const kept = key && store?.get(key);
      if (kept) return kept;
      const found = await measured(progress);
      if (key)
        store?.put(
          key,
          found.map(({ layers: names, sqnrDb }) => ({ layers: [...names], sqnrDb })),
        );
      return found;
    },
    without: (names) => made(withoutLayers(rest, names)),
  };
}

/** @param ranges  what the ranges are kept under: model, data and runtime are in it */
const rankingKey = (ranges: string, recipe: Recipe): Promise<string> =>
  sha256Text(
    JSON.stringify([ranges, recipe.target, passOptions(recipe, pass), mostMacs, macsToOpen, samplesEach]),
  );

/** Groups that can be measured. @param macs  of one run; 0: nobody knows */
const affordable = (macs: number): number =>
  macs === 0
    ? fewestGroups
    : Math.max(fewestGroups, Math.floor(mostMacs / (macsToOpen + samplesEach * macs)));

/** A recipe in which these layers compute in float; their weights are stored as everything's that does. */
export const withoutLayers = (recipe: Recipe, layers: readonly string[]): Recipe =>
  withPassOptions(recipe, ['quantize-static', 'quantize-dynamic'], (given) => ({
    inFloat: [...((given['inFloat'] as string[] | undefined) ?? []), ...layers],
  }));

/** The recipe as it turned out best when it ran: with the ranges that were taken, and of the passes that prepare for them those that were
 *  kept, untried. */
export function asTried(recipe: Recipe, { stages }: Pick<Journal, 'stages'>): Recipe {
  let settled = recipe;
  for (const { pass: name, taken } of stages.flatMap(({ trials }) => trials)) {
    if (name === pass) settled = withPassOptions(settled, [pass], () => ({ ranges: taken }));
    if (name !== preparing) continue;
    settled =
      taken === 'without'
        ? without(settled, preparing)
        : withPassOptions(settled, [preparing], () => ({ by: taken, tried: false }));
  }
  return settled;
}

const onlyStatic = (recipe: Recipe): Recipe => ({
  ...recipe,
  stages: recipe.stages
    .slice(0, 1)
    .map((stage) => ({ ...stage, passes: stage.passes.filter((p) => p.pass === pass) })),
});

/** Neighbours together, in as many groups as are affordable. */
function inGroups(layers: readonly string[], most: number): string[][] {
  const count = Math.min(layers.length, most);
  return Array.from({ length: count }, (_, i) =>
    layers.slice(Math.floor((i * layers.length) / count), Math.floor(((i + 1) * layers.length) / count)),
  );
}
