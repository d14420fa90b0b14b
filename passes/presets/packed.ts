/** How weights with many zeros are stored. It goes last: nothing may unfold them again. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';

export const packed: RecipeInit = {
  edgepress: 1,
  name: 'packed',
  stages: [{ name: 'pack', passes: [{ pass: 'pack-sparse-weights' }] }],
};
