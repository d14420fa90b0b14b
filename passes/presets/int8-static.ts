/** --int8 with data: calibrated int8 where the target's kernels gain from it, weights in int8 everywhere else. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUpToCompute } from './clean-up.ts';

export const int8Static: RecipeInit = {
  edgepress: 1,
  name: 'int8-static',
  ending: 'int8',
  stages: [
    openUpToCompute,
    {
      name: 'quantise',
      passes: [{ pass: 'quantize-static' }, { pass: 'quantize-dynamic' }, { pass: 'quantize-weights' }],
    },
    { name: 'repair', passes: [{ pass: 'correct-biases' }] },
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
