/** --int8 weights: every weight stored in int8, all computation in float. Load it with session.disable_quant_qdq=1:
 *  onnxruntime then expands the weights once, at load. */
import type { RecipeInit } from '../../src/pipeline/recipe.ts';
import { cleanUp } from './clean-up.ts';

export const int8Weights: RecipeInit = {
  edgepress: 1,
  name: 'int8-weights',
  stages: [
    cleanUp,
    {
      name: 'quantise',
      passes: [
        {
          pass: 'quantize-weights',
          options: { ops: ['Conv', 'ConvTranspose', 'Gather', 'LSTM', 'GRU', 'RNN', 'MatMul', 'Gemm'] },
        },
      ],
    },
    { name: 'tidy', passes: [{ pass: 'eliminate-dead-nodes' }, { pass: 'infer-shapes' }] },
  ],
};
