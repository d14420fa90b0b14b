/** --low-rank: two thin products for one. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';

export const lowRank: RecipeInit = {
  edgepress: 1,
  name: 'low-rank',
  stages: [{ name: 'factorise', passes: [{ pass: 'factorize-weights' }] }],
};
