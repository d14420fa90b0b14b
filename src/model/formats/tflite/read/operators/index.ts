/** All operators of .tflite files. */
import { arithmeticOperators } from './arithmetic.ts';
import { controlOperators } from './control.ts';
import { convolutionOperators } from './convolution.ts';
import { creationOperators } from './creation.ts';
import { detectionOperators } from './detection.ts';
import { elementwiseOperators } from './elementwise.ts';
import { imageOperators } from './image.ts';
import { indexingOperators } from './indexing.ts';
import { logicalOperators } from './logical.ts';
import { matrixOperators } from './matrices.ts';
import { normalizationOperators } from './normalization.ts';
import type { OperatorTable } from './operator.ts';
import { poolingOperators } from './pooling.ts';
import { recurrentOperators } from './recurrent.ts';
import { recurrentSteps } from './recurrent-steps.ts';
import { reductionOperators } from './reduction.ts';
import { shapingOperators } from './shaping.ts';
import { slicingOperators } from './slicing.ts';
import { typeOperators } from './types.ts';
import { variableOperators } from './variables.ts';

export const operators: OperatorTable = {
  ...detectionOperators,
  ...recurrentOperators,
  ...recurrentSteps,
  ...slicingOperators,
  ...matrixOperators,
  ...logicalOperators,
  ...indexingOperators,
  ...creationOperators,
  ...controlOperators,
  ...arithmeticOperators,
  ...convolutionOperators,
  ...elementwiseOperators,
  ...imageOperators,
  ...normalizationOperators,
  ...poolingOperators,
  ...reductionOperators,
  ...shapingOperators,
  ...typeOperators,
  ...variableOperators,
};
