/** Operators that are written, category by category. */
import type { LiteRows } from '../emitter.ts';
import { activations } from './activations.ts';
import { control } from './control.ts';
import { convolutions } from './convolutions.ts';
import { creation } from './creation.ts';
import { einsums } from './einsum.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { recurrent } from './recurrent.ts';
import { reductions } from './reductions.ts';
import { channelsLastResizing, resizing } from './resizing.ts';
import { sampling } from './sampling.ts';
import { shaping } from './shaping.ts';
import { slicing } from './slicing.ts';

/** By opKey. */
export const operators: LiteRows = {
  ...activations,
  ...control,
  ...creation,
  ...einsums,
  ...elementwise,
  ...indexing,
  ...products,
  ...recurrent,
  ...reductions,
  ...resizing,
  ...shaping,
  ...slicing,
};

/** By the operator's name, for nodes that are marked as channels-last. */
export const channelsLastOperators: LiteRows = {
  ...convolutions,
  ...pooling,
  ...channelsLastResizing,
  ...sampling,
};
