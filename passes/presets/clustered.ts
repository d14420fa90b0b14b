/** --cluster: a palette of shared values for each weight. It goes last: nothing may unfold the weights again. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';

export const clustered: RecipeInit = {
  edgepress: 1,
  name: 'clustered',
  stages: [{ name: 'cluster', passes: [{ pass: 'cluster-weights' }] }],
};
