/** Whether products compute in int8, or their weights are stored in int8 only: as a probe says, or samples that calibrated. */
import type { Recipe } from '../compress/pipeline/recipe.ts';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import { layersOf } from '../judge/report/layer-table.ts';
import { measuresOf } from '../judge/report/measure-words.ts';
import { pointsLostOf } from '../judge/report/metrics.ts';
import type { PairResult, Report } from '../judge/report/report.ts';
import { insteadSummary } from '../judge/report/stage-summary.ts';
import { budgeted, levelOf, mainOf, pointsLost } from '../judge/task/measure.ts';
import { type OpenedModel, openedFromModel } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { spread } from '../support/spread.ts';
import { attempt } from './attempt.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import type { Known } from './known-before.ts';
import { runPair } from './run-pair.ts';

/** Points (hundredths) of the task's measure that products may lose whose ranges are found while running: stored weights, as small, lose a
 *  tenth of that. What is calibrated gains more speed, and may lose what isn't called bad. */
const mostPoints = 0.2;
/** Relative loss of a text's perplexity that is bad. */
const badPoints = 10;
/** Samples that calibrated, and choose; none that the report compares on. */
const trialSamples = { most: 32, forBudget: 100 };

type Instead = NonNullable<Report['precision']['instead']>;

interface Chosen<S> {
  readonly served: S;
  /** With the recipe that was taken. */
  readonly options: CompressFileOptions;
  /** What was tried before it. */
  readonly instead: Instead | null;
}

/** Makes the model as planned; where it computes in int8, nobody said how, and it loses too much by that, with its weights in int8 only.
 *  @param start  what the recipe runs on
 *  @throws what `serve` throws */
export async function madeToHold<S extends Served>(
  options: CompressFileOptions,
  start: OpenedModel,
  known: Pick<Known, 'probe' | 'task' | 'prepared'>,
  serve: (recipe: Recipe) => Promise<S>,
): Promise<Chosen<S>> {
  const { plan } = options;
  const { recipe, safer } = plan;
  const first = await serve(recipe);
  const instead = safer && (await lostInInt8(first.result.model, start, options, known));
  if (!safer || !instead) return { served: first, options, instead: null };
  return { served: await serve(safer), options: { ...options, plan: { ...plan, recipe: safer } }, instead };
}

interface Served {
  readonly result: { readonly model: Model };
}

/** What a model of int8 products loses on the probe, or on samples that calibrated it.
 *  @returns null where that is little, where nothing computes in int8, and where there is nothing to try it on */
async function lostInInt8(
  model: Model,
  start: OpenedModel,
  { plan, signal, events }: CompressFileOptions,
  { probe, task, prepared }: Pick<Known, 'probe' | 'task' | 'prepared'>,
): Promise<Instead | null> {
  const mode = modeOf(model);
  const { maxDrop } = plan.request;
  const on = probe ?? (mode === 'static' ? seenSamples(prepared, maxDrop) : null);
  if (!mode || !on) return null;
  events.begin?.('try');
  const engine = await openEngine(engineOfTarget(plan.recipe.target));
  const after = { model: openedFromModel(model, start.name) };
  const { source, indices } = on;
  const run = () => runPair({ model: start }, after, { engine, source, indices, task, signal });
  const started = performance.now();
  const { measured } = await attempt(run, signal);
  const lost = measured && lostOf(measured, task);
  if (!lost) return null;
  const { isBad, ...rest } = lost;
  const most = maxDrop ?? (mode === 'dynamic' ? mostPoints : null);
  if (!(lost.points !== null && most !== null ? lost.points > most : isBad)) return null;
  const instead: Instead = { mode, ...rest, samples: indices.length };
  events.end?.('try', insteadSummary(instead), performance.now() - started);
  return instead;
}

function modeOf(model: Model): Instead['mode'] | null {
  const layers = layersOf(model);
  if (layers.some(({ precision }) => precision === 'int8')) return 'static';
  return layers.some(({ precision }) => precision === 'int8-dynamic') ? 'dynamic' : null;
}

/** What was held back is for the report alone. */
function seenSamples(prepared: Known['prepared'], maxDrop: number | undefined) {
  if (!prepared || prepared.source.kind === 'synthetic' || prepared.calibration.length === 0) return null;
  const most = maxDrop === undefined ? trialSamples.most : trialSamples.forBudget;
  return { source: prepared.source, indices: spread(prepared.calibration, most) };
}

interface Lost extends Pick<Instead, 'measure' | 'points' | 'is'> {
  readonly isBad: boolean;
}

/** What comes next in a text judges them on any text; other metrics ask for labels, and tell little on few samples. */
const readsText: ReadonlySet<Known['task']['name']> = new Set(['language-model', 'encoder-decoder']);

function lostOf(pair: PairResult, task: Known['task']): Lost | null {
  const metric = pair.evaluation?.metrics[0];
  const points = metric && readsText.has(task.name) ? pointsLostOf(metric) : null;
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
