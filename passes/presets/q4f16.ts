/** --q4 --fp16: products in 4 bits, everything else in float16: the smallest that WebGPU computes at full speed. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUpForHalf } from './clean-up.ts';

export const q4f16: RecipeInit = {
  edgepress: 1,
  name: 'q4f16',
  stages: [
    openUpForHalf,
    { name: 'quantise', passes: [{ pass: 'quantize-blockwise' }] },
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
