/** Whether products compute in int8, or their weights are stored in int8 only: as a probe says, or samples that calibrated. */
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { Journal } from '../compress/pipeline/run.ts';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import { layersOf } from '../judge/report/layer-table.ts';
import { measuresOf } from '../judge/report/measure-words.ts';
import { pointsLostOf } from '../judge/report/metrics.ts';
import type { PairResult, Report } from '../judge/report/report.ts';
import { insteadSummary, restoredSummary } from '../judge/report/stage-summary.ts';
import { budgeted, levelOf, mainOf, pointsLost } from '../judge/task/measure.ts';
import { type OpenedModel, openedFromModel } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { spread } from '../support/spread.ts';
import { attempt } from './attempt.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import type { Known } from './known-before.ts';
import { step } from './progress.ts';
import { runPair } from './run-pair.ts';
import { asTried, withoutLayers } from './sensitivity.ts';

/** Points (hundredths) of the task's measure that products may lose whose ranges are found while running: stored weights, as small, lose a
 *  tenth of that. What is calibrated gains more speed, and may lose what isn't called bad. */
const mostPoints = 0.2;
/** Relative loss of a text's perplexity that is bad. */
const badPoints = 10;
/** Samples that calibrated, and choose; for a budget others too, but none that the report compares on. */
const trialSamples = { most: 32, forBudget: 200 };

type Instead = NonNullable<Report['precision']['instead']>;

interface Chosen<S> {
  readonly served: S;
  /** With the recipe that was taken. */
  readonly options: CompressFileOptions;
  /** What was tried before it. */
  readonly instead: Instead | null;
  /** Layers that compute in float for the budget's sake. */
  readonly restored: Restored | null;
}

/** Makes the model as planned; where it computes in int8 and loses too much by that, with fewer layers that do (a budget says how few),
 *  or, where nobody said how, with its weights in int8 only.
 *  @param start  what the recipe runs on
 *  @throws what `serve` throws */
export async function madeToHold<S extends Served>(
  options: CompressFileOptions,
  start: OpenedModel,
  known: Pick<Known, 'probe' | 'task' | 'prepared'>,
  serve: (recipe: Recipe) => Promise<S>,
): Promise<Chosen<S>> {
  const { plan } = options;
  const { recipe, safer, qat } = plan;
  const first = await serve(recipe);
  const judge = qat ? null : await judgeOf(first.result.model, start, options, known);
  if (judge) options.events.begin?.('try');
  const started = performance.now();
  const lost = judge && (await judge.lost(first.result.model));
  // A trial that can't run says nothing: the report's own comparison will.
  if (!judge || !lost || lost === 'little' || lost === 'unknown')
    return { served: first, options, instead: null, restored: null };
  const settled = asTried(recipe, first.result.journal);
  const restored =
    judge.budget === null ? null : await restore(judge, lost, start, { ...options, recipe: settled }, known);
  const next = restored ? withoutLayers(settled, layersOfRestored(restored)) : safer;
  if (!next) return { served: first, options, instead: null, restored: null };
  if (!restored) options.events.end?.('try', insteadSummary(lost), performance.now() - started);
  const chosen = { ...options, plan: { ...plan, recipe: next } };
  return { served: await serve(next), options: chosen, instead: restored ? null : lost, restored };
}

interface Served {
  readonly result: { readonly model: Model; readonly journal: Pick<Journal, 'stages'> };
}

interface Judge {
  /** What --max-drop allows, in points; null where nothing was said, or ranges are found while running. */
  readonly budget: number | null;
  /** What a model of int8 products loses on the probe, or on samples that calibrated it: too much, little enough, or nobody knows,
   *  since it doesn't run or nothing measures it. */
  lost(model: Model): Promise<Instead | 'little' | 'unknown'>;
}

/** @returns null where nothing computes in int8, where all was said, and where there is nothing to try it on */
async function judgeOf(
  made: Model,
  start: OpenedModel,
  { plan, signal }: CompressFileOptions,
  { probe, task, prepared }: Pick<Known, 'probe' | 'task' | 'prepared'>,
): Promise<Judge | null> {
  const mode = modeOf(made);
  const { maxDrop } = plan.request;
  const budget = mode === 'static' && maxDrop !== undefined && !probe ? maxDrop : null;
  const on = probe ?? (mode === 'static' ? await seenSamples(prepared, maxDrop) : null);
  if (!mode || !on || (!plan.safer && budget === null)) return null;
  return {
    budget,
    async lost(model) {
      const engine = await openEngine(engineOfTarget(plan.recipe.target));
      const after = { model: openedFromModel(model, start.name) };
      const { source, indices } = on;
      const run = () => runPair({ model: start }, after, { engine, source, indices, task, signal });
      const { measured } = await attempt(run, signal);
      const lost = measured && lostOf(measured, task, budget !== null);
      if (!lost) return 'unknown';
      const { isBad, ...rest } = lost;
      const most = maxDrop ?? (mode === 'dynamic' ? mostPoints : null);
      const isTooMuch = lost.points !== null && most !== null ? lost.points > most + 1e-6 : isBad;
      if (!isTooMuch) return 'little';
      return { mode, ...rest, samples: indices.length };
    },
  };
}

type Restored = NonNullable<Report['precision']['restored']>;

const layersOfRestored = ({ groups }: Restored) => groups.flatMap((g) => (g.restored ? g.layers : []));

/** Has the fewest of the most damaging layers compute in float with which the budget is kept.
 *  @returns null where only all of them would do */
async function restore(
  judge: Judge,
  { measure, points }: Instead,
  start: OpenedModel,
  { recipe, cache, signal, events }: CompressFileOptions & { readonly recipe: Recipe },
  { prepared }: Pick<Known, 'prepared'>,
): Promise<Restored | null> {
  if (!prepared || points === null) return null;
  const { openStaticTrials } = await import('./sensitivity.ts');
  const engine = await openEngine();
  const find = async (progress: (done: number, of: number) => void) => {
    const trials = await openStaticTrials(start.model, { recipe, prepared, engine, cache, signal });
    const ranking = await trials.rank(progress);
    const namesOf = (count: number) => ranking.slice(0, count).flatMap(({ layers }) => layers);
    const keeps = async (count: number) =>
      (await judge.lost(await trials.without(namesOf(count)))) === 'little';
    // The worst go first, so what keeps the budget keeps it with more of them, too.
    let [tooFew, enough] = [0, ranking.length];
    while (enough - tooFew > 1) {
      const middle = Math.floor((tooFew + enough) / 2);
      if (await keeps(middle)) enough = middle;
      else tooFew = middle;
    }
    return { ranking, count: enough };
  };
  const { ranking, count } = await step(events, 'restore', find, (found) => restoredSummary(asFacts(found)));
  function asFacts(found: Awaited<ReturnType<typeof find>>): Restored {
    const groups = found.ranking.map(({ layers, sqnrDb }, i) => ({
      ...{ layers: [...layers], sqnrDb, restored: i < found.count },
    }));
    return { measure, points: points!, groups };
  }
  return count < ranking.length ? asFacts({ ranking, count }) : null;
}

function modeOf(model: Model): Instead['mode'] | null {
  const layers = layersOf(model);
  if (layers.some(({ precision }) => precision === 'int8')) return 'static';
  return layers.some(({ precision }) => precision === 'int8-dynamic') ? 'dynamic' : null;
}

/** What was held back is for the report alone. */
async function seenSamples(prepared: Known['prepared'], maxDrop: number | undefined) {
  if (!prepared || prepared.source.kind === 'synthetic' || prepared.calibration.length === 0) return null;
  const { source, calibration } = prepared;
  if (maxDrop === undefined) return { source, indices: spread(calibration, trialSamples.most) };
  const { unheldSamples } = await import('../data/prepare-data.ts');
  return { source, indices: spread(await unheldSamples(prepared), trialSamples.forBudget) };
}

interface Lost extends Pick<Instead, 'measure' | 'points' | 'is'> {
  readonly isBad: boolean;
}

/** What comes next in a text judges them on any text; other metrics ask for labels, and tell little on few samples. */
const readsText: ReadonlySet<Known['task']['name']> = new Set(['language-model', 'encoder-decoder']);

/** @param byLabels  whether accuracy counts as well: on few samples it tells little, but a budget is one of it */
function lostOf(pair: PairResult, task: Known['task'], byLabels: boolean): Lost | null {
  const metric = pair.evaluation?.metrics[0];
  const points = metric && (byLabels || readsText.has(task.name)) ? pointsLostOf(metric) : null;
  if (metric && points !== null) return { measure: metric.name, points, isBad: points > badPoints };
  const found = measuresOf(pair);
  const main = mainOf(found);
  if (!main) return null;
  const isBad = levelOf(main) === 'bad';
  const measure = budgeted(found);
  if (measure) return { measure: measure.name, points: pointsLost(measure)!, isBad };
  const { name, value, unit } = main;
  return { measure: name, points: null, is: { value: value!, unit }, isBad };
}
