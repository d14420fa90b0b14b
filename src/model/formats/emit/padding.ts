/** TensorFlow's paddings of convolutions and pools. */
import type { Value } from '../../ir/model.ts';
import type { Dim } from '../../ir/type.ts';
import type { Emitter } from './emitter.ts';

/** 'same': ⌈size / stride⌉ outputs, the odd cell of padding last. Explicit: [before, after] for each spatial axis. */
export type Padding = 'same' | 'valid' | readonly (readonly [before: number, after: number])[];

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations?: readonly number[] | undefined;
  readonly padding: Padding;
}

/** The attributes of a Conv or pool over `sizes`, the spatial sizes of its input. Numbers wherever they follow; auto_pad
 *  only for strides over a size that is open.
 *  Total padding max(0, (⌈size/stride⌉ − 1)·stride + (kernel − 1)·dilation + 1 − size), the smaller half first.
 *  Source: tensorflow core/framework/common_shape_fns.cc, GetWindowedOutputSizeVerbose. */
export function windowAttributes(e: Emitter, window: Window, sizes: readonly Dim[]) {
  const { kernel, strides, padding } = window;
  const dilations = window.dilations ?? kernel.map(() => 1);
  for (const [what, numbers] of Object.entries({ 'a kernel': kernel, strides, dilations }))
    if (numbers.length !== sizes.length || !numbers.every((n) => Number.isSafeInteger(n) && n > 0))
      e.refuse(
        `${what} of [${numbers.slice(0, 8)}], where ${sizes.length} positive whole numbers were expected`,
      );
  if (typeof padding !== 'string' && padding.length !== sizes.length)
    e.refuse(`padding of ${padding.length} axes, where ${sizes.length} were expected`);
  const shared = {
    kernel_shape: kernel,
    strides,
    dilations: dilations.some((d) => d !== 1) ? dilations : undefined,
  };
  if (padding === 'valid') return shared;
  const pairs =
    padding === 'same'
      ? kernel.map((k, i) => samePadding(sizes[i]!, (k - 1) * dilations[i]! + 1, strides[i]!))
      : padding;
  if (pairs.some((pair) => pair === null)) {
    if (dilations.some((d) => d !== 1))
      e.refuse('SAME padding with stride and dilation over a size that is not known');
    return { ...shared, auto_pad: 'SAME_UPPER' };
  }
  const pads = [...pairs.map((pair) => pair![0]), ...pairs.map((pair) => pair![1])];
  return pads.some((p) => p !== 0) ? { ...shared, pads } : shared;
}

/** [before, after]; null when it depends on a size that is not known. @param extent  (kernel − 1)·dilation + 1 */
export function samePadding(size: Dim, extent: number, stride: number): readonly [number, number] | null {
  // With stride 1 the size cancels out; a window of one cell never reaches over the edge.
  if (stride === 1) return halves(extent - 1);
  if (typeof size !== 'number') return extent <= 1 ? [0, 0] : null;
  return halves(Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size));
}

const halves = (total: number): readonly [number, number] => [
  Math.floor(total / 2),
  total - Math.floor(total / 2),
];

/** Spatial sizes of a channels-first value. */
export const spatialSizes = (e: Emitter, x: Value): readonly Dim[] => e.sizes(x).slice(2);
