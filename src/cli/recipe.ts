/** compress recipe --int8 */
import { passes } from '../compress/compress.ts';
import type { Pass } from '../compress/pipeline/pass.ts';
import { completeRecipe, type Recipe } from '../compress/pipeline/recipe.ts';
import { type Int8Mode, presetFor } from './compress.ts';

export async function run(flags: {
  int8?: Int8Mode;
  fp16?: boolean;
  q4?: boolean;
  data?: boolean | string;
  target: Recipe['target'];
}): Promise<void> {
  const recipe = presetFor(flags, flags.data !== undefined || flags.int8 === 'static', flags.target);
  console.log(JSON.stringify(completeRecipe(recipe, passes as ReadonlyMap<string, Pass>), null, 2));
}
