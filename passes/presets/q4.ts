/** --q4: products in 4 bits, what can't be (convolutions, recurrences, embeddings, small or odd products) stored in int8;
 *  computation in float32. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUpToPack } from './clean-up.ts';

export const q4: RecipeInit = {
  edgepress: 1,
  name: 'q4',
  stages: [
    openUpToPack,
    {
      name: 'quantise',
      passes: [{ pass: 'quantize-blockwise' }, { pass: 'quantize-weights' }],
    },
    {
      name: 'tidy',
      passes: [{ pass: 'eliminate-dead-nodes' }, { pass: 'narrow-integers' }, { pass: 'strip-inner-types' }],
    },
  ],
};
