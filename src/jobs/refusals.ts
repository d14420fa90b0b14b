/** A recipe that changed nothing is refused with the reason for every weight, in the words of what was asked for. */
import { storagesOf } from '../compress/compress.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import { isSmaller, type Journal } from '../compress/pipeline/run.ts';
import { storageAccount, storageNames } from '../judge/analyze/recipe-account.ts';
import { keptTexts } from '../judge/report/account.ts';
import type { Report } from '../judge/report/report.ts';
import type { Model } from '../model/ir/model.ts';
import { compressionSpoils } from '../support/diagnostics/passes.ts';
import { nothingToCompress } from '../support/diagnostics/quantization.ts';

/** What a recipe made of a model. */
interface RecipeRun {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly journal: Journal;
}

/** @throws NOTHING_TO_QUANTIZE where the recipe's lossy passes changed nothing */
export async function refuseIdle(what: string, made: RecipeRun): Promise<void> {
  if (!isSmaller(made.recipe, made.journal)) await refuse(what, made);
}

/** A file that is as large as before is not what was asked for, whatever else was done to it.
 *  @throws COMPRESSION_SPOILS where a lossy pass was left out, and no other changed anything */
export function refuseSpoilt(leftOut: NonNullable<Report['leftOut']>, { stages }: Journal): void {
  const spoils = leftOut.find(({ effect }) => effect === 'lossy');
  const isCompressed = stages.some((s) => s.passes.some((p) => p.effect === 'lossy' && p.changed > 0));
  if (spoils && !isCompressed) throw compressionSpoils(spoils.pass, spoils.reason);
}

/** @throws NOTHING_TO_QUANTIZE */
export async function refuse(what: string, made: RecipeRun): Promise<never> {
  const { asked, reasons } = await refusalOf(made);
  throw nothingToCompress(what, asked, reasons);
}

/** What was asked for, in words, and why each group of weights stays. */
export async function refusalOf(made: RecipeRun): Promise<{ asked: string; reasons: string[] }> {
  const asked = storageNames(await storagesOf(made.recipe)) || `recipe "${made.recipe.name}"`;
  return { asked, reasons: await reasonsFor(made) };
}

/** Why each group of weights stays, where the recipe's lossy passes changed nothing; null where they did. */
export const idleReasons = async (made: RecipeRun): Promise<string[] | null> =>
  isSmaller(made.recipe, made.journal) ? null : reasonsFor(made);

const reasonsFor = async ({ recipe, model, journal }: RecipeRun) =>
  keptTexts(storageAccount(model, await storagesOf(recipe), journal.skips));
