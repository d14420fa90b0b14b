/** --sparsity, --nm: zeros in the weights, before training that keeps them. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';

export const sparse: RecipeInit = {
  edgepress: 1,
  name: 'sparse',
  stages: [{ name: 'sparsify', passes: [{ pass: 'prune-weights' }] }],
};
