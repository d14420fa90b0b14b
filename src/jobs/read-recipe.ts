/** A recipe in a file. */
import { readFileSync } from 'node:fs';
import { checkRecipe } from '../compress/compress.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import { recipeInvalid } from '../support/diagnostics/passes.ts';
import { messageOf } from '../support/diagnostics.ts';
import { readProblem } from '../support/read-problem.ts';

/** @throws RECIPE_INVALID, PASS_UNKNOWN, and for a file that can't be read FILE_… */
export async function readRecipe(path: string): Promise<Recipe> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw readProblem(path, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw recipeInvalid(path, `it is not JSON (${messageOf(cause)})`);
  }
  return checkRecipe(json, path);
}
