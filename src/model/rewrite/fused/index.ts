/** All fused operators that can be taken apart, by opKey. */
import type { FusedOperators } from './apart.ts';
import { fusedAttention } from './attention.ts';
import { fusedChannelsLast } from './channels-last.ts';
import { fusedEmbeddings } from './embedding.ts';
import { fusedProducts } from './products.ts';

export const fusedOperators: FusedOperators = {
  ...fusedProducts,
  ...fusedChannelsLast,
  ...fusedEmbeddings,
  ...fusedAttention,
};
