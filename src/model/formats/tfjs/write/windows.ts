/** How TensorFlow.js pads for windows. */
import { paddingOf, type Window } from '../../lowered/window.ts';
import type { TfAttributes } from './emitter.ts';

const around = (inside: readonly number[], edge: number) => [edge, ...inside, edge];

/** Attributes that a convolution over two spatial axes takes. */
export function convAttributes(w: Window, dilations: readonly number[]): TfAttributes {
  const padding = paddingOf(w);
  const explicit =
    padding === 'EXPLICIT' ? { explicit_paddings: { ints: [0, 0, ...w.sides!.flat(), 0, 0] } } : {};
  return {
    strides: { ints: around(w.strides, 1) },
    padding: { text: padding },
    ...explicit,
    data_format: { text: w.spatial.length === 3 ? 'NDHWC' : 'NHWC' },
    dilations: { ints: around(dilations, 1) },
  };
}
