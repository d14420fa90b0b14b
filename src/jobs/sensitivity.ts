/** How much each layer's computing in int8 damages what a model answers: one group of layers at a time computes in int8, and the
 *  noise at the outputs is measured on samples that calibrated. */
import { z } from 'zod';
import { compressModel } from '../compress/compress.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { Journal } from '../compress/pipeline/run.ts';
import { decisionOf, layerNote } from '../compress/quant/layers.ts';
import { type CalibrationCache, calibrationKey } from '../compute/calibrate/calibration-cache.ts';
import { createNearness } from '../compute/calibrate/nearness.ts';
import { observe } from '../compute/calibrate/observe.ts';
import type { StatisticRequest, Statistics } from '../compute/calibrate/statistics.ts';
import type { EngineRun } from '../compute/engine/run-context.ts';
import type { Prepared } from '../data/prepare-data.ts';
import type { Model } from '../model/ir/model.ts';
import { nodesOf } from '../model/ir/walk.ts';
import { integerProduct } from '../model/ops/quantization.ts';
import { cacheFolder, openJsonStore } from '../support/json-store.ts';

const pass = 'quantize-static';
/** What all groups together may take; there are fewer groups where one takes long. */
const mostMs = 30_000;

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
  const at = recipe.stages.findIndex(({ passes }) => passes.some((p) => p.pass === pass));
  const { source, calibration } = prepared;
  const opening = { ...recipe, stages: recipe.stages.slice(0, at) };
  const clean = at > 0 ? (await compressModel(start, { recipe: opening, engine, signal })).model : start;
  const rest: Recipe = { ...recipe, stages: recipe.stages.slice(at) };
  const samples = { count: calibration.length, read: (i: number) => source.read(calibration[i]!) };
  const { mseSamples } = recipe.calibration;
  let known: { readonly statistics: Statistics; readonly key: string | null } | undefined;
  const calibrate = async (model: Model, requests: readonly StatisticRequest[]) => {
    if (known) return known.statistics;
    const of = { hash: cache ? await source.hash() : '', indices: calibration, mseSamples };
    const key = cache && calibrationKey(model, requests, of, `${engine.name} ${engine.version}`);
    const kept = key && cache?.get(key);
    const statistics = kept || (await observe(engine, model, requests, samples, { mseSamples, signal }));
    if (key && !kept) cache?.put(key, requests, statistics);
    known = { statistics, key: key || null };
    return statistics;
  };
  const made = async (partial: Recipe) =>
    (await compressModel(clean, { recipe: partial, engine, signal, calibrate })).model;
  // Asks for the statistics of all that any trial has.
  const all = await made(onlyStatic(rest));
  const layers = [...nodesOf(all)].flatMap((node) =>
    decisionOf(node)?.precision === 'int8' && integerProduct(node) ? (layerNote(node)?.name ?? []) : [],
  );
  return {
    async rank(progress) {
      const store = known?.key ? openJsonStore(cacheFolder('sensitivity'), rankingSchema) : null;
      const kept = store?.get(known!.key!);
      if (kept) return kept;
      const nearness = createNearness(engine, samples, { signal });
      const damageOf = async (group: readonly string[]) =>
        (await nearness(await made(onlyStatic(withOptions(rest, { include: group }))), clean)).sqnrDb;
      // The original's answers are kept from here on.
      await damageOf(layers.slice(0, 1));
      const started = performance.now();
      await damageOf(layers.slice(0, 1));
      const affordable = Math.max(4, Math.floor(mostMs / (performance.now() - started)));
      const groups = inGroups(layers, affordable);
      const found: Damage[] = [];
      for (const group of groups) {
        signal?.throwIfAborted();
        found.push({ layers: group, sqnrDb: await damageOf(group) });
        progress(found.length, groups.length);
      }
      const worth = ({ sqnrDb }: Damage) => sqnrDb ?? Number.NEGATIVE_INFINITY;
      found.sort((a, b) => worth(a) - worth(b));
      store?.put(
        known!.key!,
        found.map(({ layers: names, sqnrDb }) => ({ layers: [...names], sqnrDb })),
      );
      return found;
    },
    without: (names) => made(withoutLayers(rest, names)),
  };
}

/** A recipe in which these layers compute in float; their weights are stored as everything's that does. */
export const withoutLayers = (recipe: Recipe, layers: readonly string[]): Recipe =>
  changed(recipe, ['quantize-static', 'quantize-dynamic'], (given) => ({
    exclude: [...((given['exclude'] as string[] | undefined) ?? []), ...layers],
  }));

/** The recipe with ranges taken as turned out best when it ran. */
export function asTried(recipe: Recipe, { stages }: Pick<Journal, 'stages'>): Recipe {
  const trial = stages.flatMap(({ trials }) => trials).find((t) => t.pass === pass);
  return trial ? withOptions(recipe, { ranges: trial.taken }) : recipe;
}

const withOptions = (recipe: Recipe, options: object): Recipe => changed(recipe, [pass], () => options);

const changed = (
  recipe: Recipe,
  passes: readonly string[],
  change: (given: Readonly<Record<string, unknown>>) => object,
): Recipe => ({
  ...recipe,
  stages: recipe.stages.map((stage) => ({
    ...stage,
    passes: stage.passes.map((p) =>
      passes.includes(p.pass) ? { ...p, options: { ...p.options, ...change(p.options) } } : p,
    ),
  })),
});

const onlyStatic = (recipe: Recipe): Recipe => ({
  ...recipe,
  stages: recipe.stages
    .slice(0, 1)
    .map((stage) => ({ ...stage, passes: stage.passes.filter((p) => p.pass === pass) })),
});

/** Neighbours together, in as many groups as are affordable. */
function inGroups(layers: readonly string[], affordable: number): string[][] {
  const count = Math.min(layers.length, affordable);
  return Array.from({ length: count }, (_, i) =>
    layers.slice(Math.floor((i * layers.length) / count), Math.floor(((i + 1) * layers.length) / count)),
  );
}
