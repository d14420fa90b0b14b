/** All operators of .tflite files. */
import { arithmeticOperators } from './arithmetic.ts';
import { convolutionOperators } from './convolution.ts';
import { elementwiseOperators } from './elementwise.ts';
import { imageOperators } from './image.ts';
import { normalizationOperators } from './normalization.ts';
import type { OperatorTable } from './operator.ts';
import { poolingOperators } from './pooling.ts';
import { reductionOperators } from './reduction.ts';
import { shapingOperators } from './shaping.ts';
import { typeOperators } from './types.ts';

export const operators: OperatorTable = {
  ...arithmeticOperators,
  ...convolutionOperators,
  ...elementwiseOperators,
  ...imageOperators,
  ...normalizationOperators,
  ...poolingOperators,
  ...reductionOperators,
  ...shapingOperators,
  ...typeOperators,
};
