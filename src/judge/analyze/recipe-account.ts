/** The account of what a recipe made, with what its passes said. */
import { storagesOf } from '../../compress/compress.ts';
import type { Storage } from '../../compress/pipeline/pass.ts';
import type { Recipe } from '../../compress/pipeline/recipe.ts';
import type { Journal } from '../../compress/pipeline/run.ts';
import type { Model } from '../../model/ir/model.ts';
import { type ByteAccount, byteAccount } from './byte-account.ts';

const names: Readonly<Record<Storage['form'], string>> = {
  int8: 'int8',
  int4: '4 bits',
  float16: 'float16',
  palette: 'shared values',
  zeros: 'zeros',
  factors: 'two thin factors',
};

/** "4 bits and int8". */
export const storageNames = (storages: readonly Storage[]): string =>
  [...new Set(storages.map((s) => names[s.form]))].join(' and ');

/** @param model  the result, as the passes left it: what they noted on its nodes is read
 *  @param skips  by lossy and by other passes; the latter don't matter */
export function storageAccount(
  model: Model,
  storages: readonly Storage[],
  skips: Journal['skips'],
): ByteAccount {
  const wanted = [...new Set(storages.map((s) => s.form))];
  const purposes = wanted.map((form) => {
    const of = new Set(storages.flatMap((s) => (s.form === form ? s.of : [])));
    return `${names[form]} for ${[...of].join(', ')}`;
  });
  return byteAccount(model, { skips, wanted, otherwise: `not-covered: ${purposes.join('; ')}` });
}

/** Weights that were given zeros or cut into factors stay in float: that needs no reason. */
export async function recipeAccount(model: Model, recipe: Recipe, journal: Journal): Promise<ByteAccount> {
  const storages = (await storagesOf(recipe)).filter(({ form }) => form !== 'zeros' && form !== 'factors');
  return storageAccount(model, storages, lossySkips(journal));
}

/** What exact passes left alone says nothing about precision. */
function lossySkips({ stages, skips }: Journal): Journal['skips'] {
  const lossy = new Set(
    stages.flatMap((s) => s.passes.filter((p) => p.effect === 'lossy').map((p) => p.name)),
  );
  return skips.filter(({ pass }) => lossy.has(pass));
}
