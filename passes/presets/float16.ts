/** --fp16: weights and computation in float16, inputs and outputs in float32. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUp } from './clean-up.ts';

export const float16: RecipeInit = {
  edgepress: 1,
  name: 'float16',
  stages: [
    openUp,
    { name: 'convert', passes: [{ pass: 'convert-float16' }] },
    {
      name: 'tidy',
      passes: [
        { pass: 'eliminate-identities' },
        { pass: 'eliminate-dead-nodes' },
        { pass: 'strip-inner-types' },
      ],
    },
  ],
};
