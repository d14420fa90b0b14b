/** Windows of convolutions and poolings over channels-last values, and how TensorFlow.js pads for them. */
import { type Node, shapeOf } from '../../../ir/model.ts';
import type { Dim, Shape } from '../../../ir/type.ts';
import { type ConvGeometry, convGeometry } from '../../../ops/defaults.ts';
import { refuse, shapeAt, type TfAttributes } from './emitter.ts';

export interface Window extends ConvGeometry {
  /** [begin, end] of every spatial axis; null for SAME_UPPER over sizes that are not known. */
  readonly sides: readonly (readonly [number, number])[] | null;
  /** Sizes of the spatial axes of the input. */
  readonly spatial: readonly Dim[];
}

/** The window of a node whose input is [batch, …spatial, channels]; its weight is as ONNX has it.
 *  @throws TFJS_OPERATOR when its kernel or its pads are not known */
export function windowOf(node: Node, weight?: Shape): Window {
  const shape = shapeAt(node, 0);
  const spatial = shape.slice(1, -1);
  const channelsFirst = [shape[0]!, shape.at(-1)!, ...spatial];
  const found = convGeometry(node, { input: channelsFirst, weight: weight ?? shapeOf(node.inputs[1]) });
  if (!found) return refuse(node, 'the size of its kernel is not known');
  const { pads, autoPad } = found;
  if (!pads && autoPad !== 'SAME_UPPER')
    return refuse(node, `auto_pad ${autoPad} over sizes that are not known`);
  const n = spatial.length;
  const reach = extents(found);
  const single = reach.every((extent) => extent === 1);
  // TensorFlow.js's wasm kernels pad by a negative number then.
  if (!pads && !single && reach.some((extent, i) => extent < found.strides[i]!))
    return refuse(node, 'its strides exceed its kernel under SAME_UPPER, over sizes that are not known');
  const sides = pads
    ? spatial.map((_, i) => [pads[i]!, pads[i + n]!] as const)
    : single
      ? spatial.map(() => [0, 0] as const)
      : null;
  if (sides?.flat().some((p) => p < 0)) return refuse(node, 'its pads are negative');
  return { ...found, sides, spatial };
}

/** Elements that the kernel spans along each spatial axis. */
export const extents = ({ kernel, dilations }: ConvGeometry): number[] =>
  kernel.map((k, i) => (k - 1) * dilations[i]! + 1);

export type PaddingKind = 'SAME' | 'VALID' | 'EXPLICIT';

/** SAME where it means the very same pads at every size that the input may have. */
export function paddingOf(w: Window): PaddingKind {
  if (!w.sides) return 'SAME';
  if (w.sides.flat().every((p) => p === 0)) return 'VALID';
  return extents(w).every((extent, i) => isSame(w.sides![i]!, extent, w.strides[i]!, w.spatial[i]!))
    ? 'SAME'
    : 'EXPLICIT';
}

function isSame([begin, end]: readonly [number, number], extent: number, stride: number, size: Dim): boolean {
  if (stride !== 1 && typeof size !== 'number') return false;
  const total =
    stride === 1
      ? extent - 1
      : Math.max(0, (Math.ceil((size as number) / stride) - 1) * stride + extent - (size as number));
  return begin === Math.floor(total / 2) && end === total - begin;
}

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

/** A window over [1, W] instead of [W]. */
export const lifted = (w: Window): Window => ({
  ...w,
  kernel: [1, ...w.kernel],
  strides: [1, ...w.strides],
  dilations: [1, ...w.dilations],
  outputPadding: [0, ...w.outputPadding],
  outputShape: w.outputShape && [1, ...w.outputShape],
  sides: w.sides && [[0, 0], ...w.sides],
  spatial: [1, ...w.spatial],
});
