/** Whether products compute in int8 without data, or their weights are stored in int8 only: as a probe says. */
import type { Recipe } from '../compress/pipeline/recipe.ts';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import { layersOf } from '../judge/report/layer-table.ts';
import { measuresOf } from '../judge/report/measure-words.ts';
import { pointsLostOf } from '../judge/report/metrics.ts';
import type { PairResult, Report } from '../judge/report/report.ts';
import { insteadSummary } from '../judge/report/stage-summary.ts';
import { budgeted, pointsLost } from '../judge/task/measure.ts';
import { openedFromModel } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { attempt } from './attempt.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import type { Known } from './known-before.ts';
import { runPair } from './run-pair.ts';

/** Points (hundredths) of the task's measure that computing in int8 may lose: stored weights, as small, lose a tenth of that. */
const mostPoints = 0.2;

type Instead = NonNullable<Report['precision']['instead']>;

interface Chosen<S> {
  readonly served: S;
  /** With the recipe that was taken. */
  readonly options: CompressFileOptions;
  /** What was tried before it. */
  readonly instead: Instead | null;
}

/** Makes the model as planned; where it computes in int8 without data and loses too much by that, with its weights in int8 only.
 *  @throws what `serve` throws */
export async function madeToHold<S extends Served>(
  options: CompressFileOptions,
  known: Pick<Known, 'probe' | 'task'>,
  serve: (recipe: Recipe) => Promise<S>,
): Promise<Chosen<S>> {
  const { plan } = options;
  const { recipe, safer } = plan;
  const first = await serve(recipe);
  const instead = safer && (await lostInInt8(first.result.model, options, known));
  if (!safer || !instead) return { served: first, options, instead: null };
  return { served: await serve(safer), options: { ...options, plan: { ...plan, recipe: safer } }, instead };
}

interface Served {
  readonly result: { readonly model: Model };
}

/** What a model of int8 products loses on the probe.
 *  @returns null where that is little, where nothing computes in int8 with ranges of the moment, and where there is no probe */
async function lostInInt8(
  model: Model,
  { opened: source, plan, signal, events }: CompressFileOptions,
  { probe, task }: Pick<Known, 'probe' | 'task'>,
): Promise<Instead | null> {
  if (!probe || !layersOf(model).some(({ precision }) => precision === 'int8-dynamic')) return null;
  events.begin?.('try');
  const engine = await openEngine(engineOfTarget(plan.recipe.target));
  const after = { model: openedFromModel(model, source.name) };
  const { source: from, indices } = probe;
  const run = () => runPair({ model: source }, after, { engine, source: from, indices, task, signal });
  const started = performance.now();
  const { measured } = await attempt(run, signal);
  const lost = measured && lostOf(measured);
  if (!lost || lost.points <= mostPoints) return null;
  const instead: Instead = { mode: 'dynamic', ...lost, samples: indices.length };
  events.end?.('try', insteadSummary(instead), performance.now() - started);
  return instead;
}

function lostOf(pair: PairResult): Pick<Instead, 'measure' | 'points'> | null {
  const metric = pair.evaluation?.metrics[0];
  const points = metric ? pointsLostOf(metric) : null;
  if (metric && points !== null) return { measure: metric.name, points };
  const measure = budgeted(measuresOf(pair));
  return measure && { measure: measure.name, points: pointsLost(measure)! };
}
