/** What a Resize of ONNX picks or mixes, and TensorFlow's conventions for the same: those of TensorFlow.js and of LiteRT.
 *  Source: ONNX Resize-19; tfjs-backend-cpu/src/kernels/Resize{Bilinear,NearestNeighbor}.ts; LiteRT's
 *  tflite/kernels/internal/reference/resize_{bilinear,nearest_neighbor}.h. */
import { intsAttribute, textAttribute } from '../../ir/attribute.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import type { Dim } from '../../ir/type.ts';
import { constantNumbers, normalAxis } from '../../rewrite/arguments.ts';
import { shapeAt } from './arguments.ts';
import { refuse } from './refusal.ts';

export interface ResizedAxis {
  readonly axis: number;
  readonly from: Dim;
  readonly to: Dim;
  /** As the model has it: to/from, except where a size was rounded. null: computed while running. */
  readonly scale: number | null;
}

export interface SampleMode {
  readonly coordinates: string;
  readonly nearest: string;
}

/** Where an axis of the node's settings is in its tensors: [N, C, …] as ONNX has them, or channels last. */
export type Place = (axis: number, rank: number) => number;

/** Axes that change their size, or may. */
export function resizedAxes(node: Node, place: Place): ResizedAxis[] {
  const shape = shapeAt(node, 0);
  const out = shapeOf(node.outputs[0]) ?? shape.map(() => null);
  const every = shape.map((_, axis) => axis);
  const listed = intsAttribute(node, 'axes', every).map((axis) =>
    place(normalAxis(axis, shape.length), shape.length),
  );
  const scales =
    node.inputs[2] && shapeOf(node.inputs[2])?.[0] !== 0 ? constantNumbers(node.inputs[2]) : undefined;
  if (scales === null) return refuse(node, 'its scales are computed while it runs');
  const sizes = node.inputs[3] ? constantNumbers(node.inputs[3]) : undefined;
  if (sizes && textAttribute(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    return refuse(node, 'it keeps the aspect ratio');
  return listed.flatMap((axis, i): ResizedAxis[] => {
    const from = shape[axis] ?? null;
    const to = sizes?.[i] ?? out[axis] ?? null;
    const ratio = typeof from === 'number' && typeof to === 'number' ? to / from : null;
    const scale = scales?.[i] ?? ratio;
    const stays = scale === 1 || (from !== null && from === to);
    return stays ? [] : [{ axis, from, to, scale }];
  });
}

export type Flags = { readonly align: boolean; readonly half: boolean };

/** The convention of TensorFlow's bilinear kernels, which divide sizes: a scale that isn't their quotient moves every sample.
 *  @returns why there is none, where there is none */
export function linearFlags(axes: readonly ResizedAxis[], coordinates: string): Flags | string {
  const exact = axes.every(({ from, to, scale }) =>
    typeof from === 'number' && typeof to === 'number'
      ? Math.abs((scale ?? to / from) - to / from) < 1e-6 * (to / from)
      : scale === null || Number.isInteger(scale),
  );
  if (!exact) return 'its scale is not the quotient of its sizes';
  if (coordinates === 'align_corners') return { align: true, half: false };
  if (coordinates === 'half_pixel') return { align: false, half: true };
  if (coordinates === 'asymmetric') return { align: false, half: false };
  const long = axes.every(({ to }) => typeof to === 'number' && to > 1);
  if (coordinates === 'pytorch_half_pixel' && long) return { align: false, half: true };
  return `its coordinates are ${coordinates}`;
}

const conventions: readonly Flags[] = [
  { align: false, half: false },
  { align: false, half: true },
  { align: true, half: false },
];

/** The convention that picks the very same elements. */
export const matchingFlags = (axes: readonly ResizedAxis[], mode: SampleMode): Flags | null =>
  conventions.find((flags) =>
    axes.every((axis) => {
      const wanted = sources(axis, mode);
      return wanted.every((source, i) => source === tfSource(i, axis, flags));
    }),
  ) ?? null;

function tfSource(i: number, { from, to }: ResizedAxis, { align, half }: Flags): number {
  const [a, b] = [from as number, to as number];
  const scale = align && b > 1 ? (a - 1) / (b - 1) : a / b;
  const at = scale * (half ? i + 0.5 : i);
  const near = align ? Math.round(at) : Math.floor(at);
  return Math.max(0, Math.min(a - 1, near));
}

const rounding: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
};

/** Which element each place takes. */
export function sources(axis: ResizedAxis, { coordinates, nearest }: SampleMode): number[] {
  const [from, to] = [axis.from as number, axis.to as number];
  const scale = axis.scale ?? to / from;
  const round = rounding[nearest] ?? Math.floor;
  return Array.from({ length: to }, (_, i) => {
    const at = coordinate(coordinates, i, { scale, from, to });
    return Math.max(0, Math.min(from - 1, round(at)));
  });
}

/** Where a place lies among the elements. */
export function coordinate(
  mode: string,
  i: number,
  { scale, from, to }: { scale: number; from: number; to: number },
): number {
  if (mode === 'asymmetric') return i / scale;
  if (mode === 'align_corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
  if (mode === 'tf_half_pixel_for_nn') return (i + 0.5) / scale;
  if (mode === 'pytorch_half_pixel' && to === 1) return 0;
  const half = (i + 0.5) / scale - 0.5;
  if (mode !== 'half_pixel_symmetric') return half;
  const adjusted = to / (scale * from);
  return (from / 2) * (1 - adjusted) + half;
}

export const inPlace: Place = (axis) => axis;
export const channelsToEnd: Place = (axis, rank) => (axis === 0 ? 0 : axis === 1 ? rank - 1 : axis - 1);
