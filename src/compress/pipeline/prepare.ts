/** Passes that prepare a model for what the next stage loses, as scaling channels against each other before quantisation: that stage is
 *  run on copies with and without, and what is kept are the passes after which outputs stay nearer. */
import type { MeasureNearness, Nearness } from '../../compute/calibrate/nearness.ts';
import { noStatistics } from '../../compute/calibrate/statistics.ts';
import type { Model } from '../../model/ir/model.ts';
import type { PassContext, Skip } from './pass.ts';
import type { ResolvedStep } from './recipe.ts';
import type { JournalStage } from './run.ts';
import { applied, isNearer, type Trial } from './trial.ts';

export interface Stage {
  readonly name: string;
  readonly steps: readonly ResolvedStep[];
}

/** What the runner does for this: `S` is a model on its way, with its journal. */
export interface Runner<S extends { readonly model: Model; readonly clean: Model | null }> {
  /** A copy that goes its own way, with a journal of its own. */
  fork(state: S): S;
  /** Runs a stage on it. */
  run(stage: Stage, state: S): Promise<JournalStage>;
  /** What a step is given: statistics that it asks for, on this model. */
  contextOf(step: ResolvedStep, state: S): Promise<PassContext>;
  readonly nearness: MeasureNearness;
}

export interface PreparedStage<S> {
  /** After the next stage; null where nothing was prepared, and that stage is still to be run. */
  readonly done: { readonly state: S; readonly next: JournalStage } | null;
  readonly steps: readonly {
    readonly changed: number;
    readonly skipped: readonly Skip[];
    readonly ms: number;
  }[];
  readonly trials: readonly Trial[];
}

interface Way<S> {
  /** Before the next stage, and after it. */
  readonly base: S;
  readonly state: S;
  readonly next: JournalStage;
  readonly near: Nearness;
}

interface Kept<S> {
  readonly way: Way<S>;
  readonly name: string;
  readonly changed: number;
}

/** Whether a stage is one to be tried with the next. */
export const isPreparing = ({ steps }: Stage): boolean =>
  steps.some(({ pass, options }) => pass.prepares?.(options));

/** Runs a stage of preparing passes, one after the other, and the next stage with what of them is kept.
 *  @throws what passes throw */
export async function runPreparing<S extends { readonly model: Model; readonly clean: Model | null }>(
  stage: Stage,
  next: Stage,
  state: S,
  runner: Runner<S>,
): Promise<PreparedStage<S>> {
  let base = state;
  let best: Way<S> | null = null;
  let reference: Model | null = null;
  let settled = next;
  const finished = async (from: S, named: Stage): Promise<Way<S>> => {
    const after = runner.fork(from);
    const entry = await runner.run(named, after);
    reference ??= after.clean;
    return { base: from, state: after, next: entry, near: await runner.nearness(after.model, reference!) };
  };
  const steps: PreparedStage<S>['steps'][number][] = [];
  const trials: Trial[] = [];
  for (const step of stage.steps) {
    const started = performance.now();
    const { pass, options } = step;
    const context = await runner.contextOf(step, base);
    const isTried = pass.prepares?.(options) === true;
    const ways = Object.entries(pass.ways?.(options, context.statistics) ?? { prepared: options });
    const candidates: { name: string; sqnrDb: number | null }[] = [];
    let kept: Kept<S> | null = null;
    let skipped: readonly Skip[] = [];
    let changed = 0;
    for (const [name, chosen] of isTried ? ways : ways.slice(0, 1)) {
      const copy = runner.fork(base);
      const result = await applied(pass, copy.model, chosen, context);
      skipped = result.skipped;
      if (result.changed === 0) break;
      if (!isTried) {
        base = copy;
        changed = result.changed;
        best = null;
        break;
      }
      best ??= await finished(base, next);
      if (candidates.length === 0) {
        candidates.push({ name: 'without', sqnrDb: best.near.sqnrDb });
        settled = asTried(next, best.next);
      }
      const way = await finished(copy, settled);
      candidates.push({ name, sqnrDb: way.near.sqnrDb });
      if (isNearer(way.near, (kept?.way ?? best).near)) kept = { way, name, changed: result.changed };
    }
    if (kept) {
      // What the next stage chose among without it, it was not asked again.
      const trialsBefore: readonly Trial[] = best!.next.trials;
      best = { ...kept.way, next: { ...kept.way.next, trials: [...trialsBefore] } };
      base = best.base;
      changed = kept.changed;
    }
    if (candidates.length > 0) {
      const taken = kept?.name ?? 'without';
      if (!kept) skipped = [...skipped, { at: pass.name, reason: 'outputs-get-no-nearer' }];
      trials.push({ pass: pass.name, taken, candidates, samples: best!.near.samples });
    }
    steps.push({ changed, skipped, ms: performance.now() - started });
  }
  const way = best ?? (base === state ? null : await finished(base, next));
  return { done: way && { state: way.state, next: way.next }, steps, trials };
}

/** The stage with those options of its passes that turned out best: there is nothing to choose again. */
const asTried = (stage: Stage, { trials }: JournalStage): Stage => ({
  ...stage,
  steps: stage.steps.map((step) => {
    const trial = trials.find((t) => t.pass === step.pass.name);
    const any = { ...noStatistics, samples: Number.POSITIVE_INFINITY };
    const options = trial && step.pass.ways?.(step.options, any)[trial.taken];
    return options ? { ...step, options } : step;
  }),
});
