/** Windows of convolutions and poolings over channels-last values. */
import { type Node, shapeOf } from '../../ir/model.ts';
import { elementCount } from '../../ir/tensor.ts';
import type { Dim, Shape } from '../../ir/type.ts';
import { type ConvGeometry, convGeometry } from '../../ops/defaults.ts';
import { shapeAt } from './arguments.ts';
import { refuse } from './refusal.ts';

export interface Window extends ConvGeometry {
  /** [begin, end] of every spatial axis; null for SAME_UPPER over sizes that are not known. */
  readonly sides: readonly (readonly [number, number])[] | null;
  /** Sizes of the spatial axes of the input. */
  readonly spatial: readonly Dim[];
}

/** The window of a node whose input is [batch, …spatial, channels]; its weight is as ONNX has it.
 *  @throws RefusedNode when its kernel or its pads are not known */
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

/** Begin and end of axes. */
export type Sides = readonly (readonly [number, number])[];

/** What ceil_mode adds at the end of each axis, so that the last window is whole. A window that would begin in the padding
 *  at the end does not count. Source: onnxruntime core/providers/cpu/nn/pool_attributes.h. */
export function ceilSides(node: Node, w: Window): number[] {
  if (!w.ceilMode || !w.sides) return w.spatial.map(() => 0);
  return extents(w).map((extent, i) => {
    const size = w.spatial[i];
    const [begin, end] = w.sides![i]!;
    const stride = w.strides[i]!;
    if (typeof size !== 'number') return refuse(node, 'ceil_mode over sizes that are not known');
    let count = Math.ceil((size + begin + end - extent) / stride) + 1;
    if ((count - 1) * stride >= size + begin) count--;
    return Math.max(0, (count - 1) * stride + extent - (size + begin + end));
  });
}

/** Kernel size / number of elements that count, for every place of an average pooling over padded, known sizes.
 *  @param sides  all pads @param counting  those that count as elements; null: none does */
export function countFactors(
  w: Window,
  sides: Sides,
  counting: Sides | null,
): { readonly dims: readonly number[]; readonly values: Float32Array } {
  const perAxis = w.kernel.map((k, i) => {
    const size = w.spatial[i] as number;
    const [begin, end] = sides[i]!;
    const from = counting ? -counting[i]![0] : 0;
    const to = size + (counting ? counting[i]![1] : 0);
    const places = Math.floor((size + begin + end - k) / w.strides[i]!) + 1;
    return Array.from({ length: places }, (_, at) => {
      const start = at * w.strides[i]! - begin;
      return k / (Math.min(to, start + k) - Math.max(from, start));
    });
  });
  const dims = perAxis.map((list) => list.length);
  const inner = dims.map((_, i) => elementCount(dims.slice(i + 1)));
  const values = Float32Array.from({ length: elementCount(dims) }, (_, at) =>
    perAxis.reduce((product, list, i) => product * list[Math.floor(at / inner[i]!) % list.length]!, 1),
  );
  return { dims, values };
}
