/** --int8 weights: every weight stored in int8 and expanded once at load; all computation in float. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUpToStore } from './clean-up.ts';

export const int8Weights: RecipeInit = {
  edgepress: 1,
  name: 'int8-weights',
  ending: 'int8',
  stages: [
    openUpToStore,
    {
      name: 'quantise',
      passes: [{ pass: 'quantize-weights' }],
    },
    {
      name: 'tidy',
      passes: [
        { pass: 'eliminate-dead-nodes' },
        // Zero points, and scales of like channels.
        { pass: 'deduplicate-initializers' },
        { pass: 'narrow-integers' },
        { pass: 'strip-inner-types' },
      ],
    },
  ],
};
