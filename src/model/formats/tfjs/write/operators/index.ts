/** How each operator is written, by opKey. */
import type { TfOperators } from '../emitter.ts';
import { activations } from './activations.ts';
import { control } from './control.ts';
import { convolutions } from './convolutions.ts';
import { creation } from './creation.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { quantized } from './quantized.ts';
import { recurrent } from './recurrent.ts';
import { reductions } from './reductions.ts';
import { channelsLastResizing, resizing } from './resizing.ts';
import { shaping } from './shaping.ts';
import { slicing } from './slicing.ts';

export const operators: TfOperators = {
  ...elementwise,
  ...activations,
  ...shaping,
  ...slicing,
  ...indexing,
  ...reductions,
  ...resizing,
  ...products,
  ...quantized,
  ...creation,
  ...recurrent,
  ...control,
};

/** Operators over channels-last values, by name. */
export const channelsLastOperators: TfOperators = { ...convolutions, ...pooling, ...channelsLastResizing };
