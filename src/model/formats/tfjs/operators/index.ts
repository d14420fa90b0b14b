/** All operators of graph-models. */
import { frameStructures } from '../control/frames.ts';
import { functionStructures } from '../control/functions.ts';
import { listOperators } from '../control/lists.ts';
import type { Structure } from '../graph/scope.ts';
import { arithmeticOperators } from './arithmetic.ts';
import { basicMathOperators } from './basic-math.ts';
import { spectralOperators } from './complex.ts';
import { convolutionOperators } from './convolution.ts';
import { creationOperators } from './creation.ts';
import { detectionOperators } from './detection.ts';
import { imageOperators } from './image.ts';
import { indexingOperators } from './indexing.ts';
import { logicalOperators } from './logical.ts';
import { lookupStructures } from './lookup.ts';
import { matrixOperators } from './matrices.ts';
import { normalizationOperators } from './normalization.ts';
import type { OperatorTable } from './operator.ts';
import { poolingOperators } from './pooling.ts';
import { projectiveOperators } from './projective.ts';
import { reductionOperators } from './reduction.ts';
import { shapingOperators } from './shaping.ts';
import { slicingOperators } from './slicing.ts';
import { sparseOperators } from './sparse.ts';
import { plainStructures } from './structures.ts';

/** Operators that are more than a function of their inputs. */
export const structures: Readonly<Record<string, Structure>> = {
  ...plainStructures,
  ...functionStructures,
  ...frameStructures,
  ...lookupStructures,
};

export const operators: OperatorTable = {
  ...arithmeticOperators,
  ...basicMathOperators,
  ...convolutionOperators,
  ...creationOperators,
  ...detectionOperators,
  ...imageOperators,
  ...indexingOperators,
  ...listOperators,
  ...logicalOperators,
  ...matrixOperators,
  ...normalizationOperators,
  ...poolingOperators,
  ...projectiveOperators,
  ...reductionOperators,
  ...shapingOperators,
  ...slicingOperators,
  ...sparseOperators,
  ...spectralOperators,
};
