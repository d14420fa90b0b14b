/** --int8 without data: products find their ranges at run time, convolutions and embeddings are stored in int8. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUpToCompute } from './clean-up.ts';

export const int8Dynamic: RecipeInit = {
  edgepress: 1,
  name: 'int8-dynamic',
  ending: 'int8',
  stages: [
    openUpToCompute,
    { name: 'quantise', passes: [{ pass: 'quantize-dynamic' }, { pass: 'quantize-weights' }] },
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
