/** All shape rules, by opKey. */
import { rulesOf } from '../operators.ts';
import type { ShapeTable } from '../types.ts';
import { attentionShapes } from './attention.ts';
import { controlShapes } from './control.ts';
import { convolutionShapes } from './convolution.ts';
import { elementwiseShapes } from './elementwise.ts';
import { generationShapes } from './generation.ts';
import { matrixShapes } from './matrix.ts';
import { movementShapes } from './movement.ts';
import { normalizationShapes } from './normalization.ts';
import { otherShapes } from './other.ts';
import { quantizationShapes } from './quantization.ts';
import { recurrentShapes } from './recurrent.ts';
import { reductionShapes } from './reduction.ts';
import { resamplingShapes } from './resampling.ts';
import { sequenceShapes } from './sequence.ts';

export const shapeRules: ShapeTable = {
  ...rulesOf('shape'),
  ...attentionShapes,
  ...controlShapes,
  ...convolutionShapes,
  ...elementwiseShapes,
  ...generationShapes,
  ...matrixShapes,
  ...movementShapes,
  ...normalizationShapes,
  ...otherShapes,
  ...quantizationShapes,
  ...recurrentShapes,
  ...reductionShapes,
  ...resamplingShapes,
  ...sequenceShapes,
};
