/** --fp16: weights and computation in float16, inputs and outputs in float32. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUpToHalf } from './clean-up.ts';

export const float16: RecipeInit = {
  edgepress: 1,
  name: 'float16',
  ending: 'fp16',
  stages: [
    openUpToHalf,
    { name: 'convert', passes: [{ pass: 'convert-float16' }] },
    {
      name: 'tidy',
      passes: [
        { pass: 'eliminate-identities' },
        { pass: 'eliminate-dead-nodes' },
        { pass: 'separate-transposes' },
        { pass: 'narrow-integers' },
        { pass: 'strip-inner-types' },
      ],
    },
  ],
};
