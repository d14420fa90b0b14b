/** --q4: products in 4 bits, convolutions, recurrences and embeddings stored in int8; computation in float32. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUp } from './clean-up.ts';

export const q4: RecipeInit = {
  edgepress: 1,
  name: 'q4',
  stages: [
    openUp,
    {
      name: 'quantise',
      passes: [
        { pass: 'quantize-blockwise' },
        {
          pass: 'quantize-weights',
          options: { ops: ['Conv', 'ConvTranspose', 'Gather', 'LSTM', 'GRU', 'RNN'] },
        },
      ],
    },
    { name: 'tidy', passes: [{ pass: 'eliminate-dead-nodes' }, { pass: 'strip-inner-types' }] },
  ],
};
