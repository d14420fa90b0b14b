/** Operators over integers with scales that can be taken apart into standard operators which say the same, by opKey. For
 *  formats and engines that don't have them: onnxruntime computes them in one kernel each. */
import type { FusedOperators } from '../fused/apart.ts';
import { quantizedBlocks } from './blocked.ts';
import { quantizedElementwise } from './elementwise.ts';
import { quantizedProducts } from './products.ts';

export const quantizedOperators: FusedOperators = {
  ...quantizedBlocks,
  ...quantizedProducts,
  ...quantizedElementwise,
};
