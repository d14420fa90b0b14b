/** Composite operators written out in simpler ones before differentiation, and what differs in training: batch
 *  statistics, dropout. */

import type { LoweringTable } from '../rule.ts';
import { activationLowerings } from './activations.ts';
import { attentionLowerings } from './attention.ts';
import { dropoutLowerings } from './dropout.ts';
import { fusedLowerings } from './fused.ts';
import { normalizationLowerings } from './normalization.ts';
import { pooling } from './pooling.ts';
import { quantizationLowerings } from './quantization.ts';
import { recurrentLowerings } from './recurrent.ts';

const families: readonly LoweringTable[] = [
  activationLowerings,
  quantizationLowerings,
  dropoutLowerings,
  pooling,
  recurrentLowerings,
  normalizationLowerings,
  attentionLowerings,
  fusedLowerings,
];

/** By opKey. */
export const lowerings: LoweringTable = Object.assign(Object.create(null), ...families);
