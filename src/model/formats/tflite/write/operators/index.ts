/** Operators that are written, category by category. */
import type { LiteRows } from '../emitter.ts';
import { activations } from './activations.ts';
import { convolutions } from './convolutions.ts';
import { elementwise } from './elementwise.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import { shaping } from './shaping.ts';
import { slicing } from './slicing.ts';

/** By opKey. */
export const operators: LiteRows = {
  ...activations,
  ...elementwise,
  ...products,
  ...reductions,
  ...shaping,
  ...slicing,
};

/** By the operator's name, for nodes that are marked as channels-last. */
export const channelsLastOperators: LiteRows = { ...convolutions, ...pooling };
