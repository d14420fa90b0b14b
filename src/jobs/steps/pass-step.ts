/** One pass as a step; statistics that it asks for come from samples that may be trained on. */

import { compressModel } from '../../compress/compress.ts';
import type { Skip } from '../../compress/pipeline/pass.ts';
import { parseRecipe } from '../../compress/pipeline/recipe.ts';
import type { TargetName } from '../../compress/quant/kernels.ts';
import { observe } from '../../compute/calibrate/observe.ts';
import type { Model } from '../../model/ir/model.ts';
import { describeChange, type ModelStep, macsOf, type StepContext } from '../model-steps.ts';
import { spread } from './spread.ts';

export interface PassRun {
  readonly pass: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly target: TargetName;
}

export interface PassResult {
  readonly model: Model;
  readonly skips: readonly Skip[];
  /** Edits made. */
  readonly changed: number;
}

/** Samples that scores from data look at. */
const scoringSamples = 64;

/** A copy on which the pass has run, and what it skipped. @throws what the pass throws */
export async function runPass(
  source: Model,
  { pass, options, target }: PassRun,
  { engine, prepared, training, signal }: StepContext,
): Promise<PassResult> {
  const indices = spread(training, scoringSamples);
  const recipe = parseRecipe({
    edgepress: 1,
    name: pass,
    target,
    stages: [{ name: pass, passes: [{ pass, options }] }],
  });
  const { model, journal } = await compressModel(source, {
    recipe,
    engine,
    signal,
    calibrate:
      prepared && indices.length > 0
        ? (m, requests) =>
            observe(engine, m, requests, {
              count: indices.length,
              read: (i) => prepared.source.read(indices[i] as number),
            })
        : undefined,
  });
  const changed = journal.stages.flatMap((s) => s.passes).reduce((n, p) => n + p.changed, 0);
  return { model, skips: journal.skips.map(({ at, reason }) => ({ at, reason })), changed };
}

/** @param name  a verb, as the terminal shows it @param noun  what is counted: "weight factorised" */
export const passStep = (name: string, noun: string, run: PassRun): ModelStep => ({
  name,
  async apply(source, context) {
    const { model, skips, changed } = await runPass(source, run, context);
    const said = [describeChange(macsOf(source), macsOf(model), 'MACs'), `${changed} ${noun}`];
    return { model, skips, summary: said.filter(Boolean).join(' · ') };
  },
});
