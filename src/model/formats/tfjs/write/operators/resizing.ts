/** Resize. TensorFlow.js has nearest and linear over two axes between batch and channels, each in three conventions; a nearest
 *  resize that none of them matches picks its elements by constant indices. Others are refused.
 *  Source: ONNX Resize-19; tfjs-backend-cpu/src/kernels/Resize{Bilinear,NearestNeighbor}.ts. */
import { intAttribute, intsAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import type { Dim } from '../../../../ir/type.ts';
import { constantNumbers, normalAxis } from '../../../../rewrite/arguments.ts';
import {
  type Emitter,
  refuse,
  shapeAt,
  type TfAttributes,
  type TfOperator,
  type TfOperators,
} from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { concat, sizeOf, transpose } from './shaping.ts';

interface Axis {
  readonly axis: number;
  readonly from: Dim;
  readonly to: Dim;
  /** As the model has it: to/from, except where a size was rounded. null: computed while running. */
  readonly scale: number | null;
}

interface Mode {
  readonly coordinates: string;
  readonly nearest: string;
}

/** Where an axis of the node's settings is in its tensors. */
type Place = (axis: number, rank: number) => number;

const resizeAt =
  (place: Place): TfOperator =>
  (node, e) =>
    resize(node, e, place);

function resize(node: Node, e: Emitter, place: Place): Ref {
  const mode = textAttribute(node, 'mode', 'nearest');
  const coordinates = textAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  if (intAttribute(node, 'antialias', 0) !== 0) return refuse(node, 'it filters against aliasing');
  if (coordinates === 'tf_crop_and_resize') return refuse(node, 'it crops a region');
  const axes = resizedAxes(node, place);
  const x = e.input(node, 0);
  if (axes.length === 0) return e.op('Identity', [x]);
  const how = { coordinates, nearest: textAttribute(node, 'nearest_mode', 'round_prefer_floor') };
  if (mode === 'nearest') return nearest(node, e, x, axes, how);
  if (mode !== 'linear') return refuse(node, `its mode is ${mode}`);
  return planes(node, e, x, axes, 'ResizeBilinear', linearFlags(node, axes, coordinates));
}

/** Axes that change their size, or may. */
function resizedAxes(node: Node, place: Place): Axis[] {
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
  return listed.flatMap((axis, i): Axis[] => {
    const from = shape[axis] ?? null;
    const to = sizes?.[i] ?? out[axis] ?? null;
    const ratio = typeof from === 'number' && typeof to === 'number' ? to / from : null;
    const scale = scales?.[i] ?? ratio;
    const stays = scale === 1 || (from !== null && from === to);
    return stays ? [] : [{ axis, from, to, scale }];
  });
}

type Flags = { readonly align: boolean; readonly half: boolean };

const flagAttributes = ({ align, half }: Flags): TfAttributes => ({
  align_corners: { bool: align },
  half_pixel_centers: { bool: half },
});

/** TensorFlow.js divides sizes; a scale of the model that isn't their quotient moves every sample. */
function linearFlags(node: Node, axes: readonly Axis[], coordinates: string): Flags {
  const exact = axes.every(({ from, to, scale }) =>
    typeof from === 'number' && typeof to === 'number'
      ? Math.abs((scale ?? to / from) - to / from) < 1e-6 * (to / from)
      : scale === null || Number.isInteger(scale),
  );
  if (!exact) return refuse(node, 'its scale is not the quotient of its sizes');
  if (coordinates === 'align_corners') return { align: true, half: false };
  if (coordinates === 'half_pixel') return { align: false, half: true };
  if (coordinates === 'asymmetric') return { align: false, half: false };
  const long = axes.every(({ to }) => typeof to === 'number' && to > 1);
  if (coordinates === 'pytorch_half_pixel' && long) return { align: false, half: true };
  return refuse(node, `its coordinates are ${coordinates}`);
}

/** Resizes up to two axes as the height and width of [batch, height, width, channels]. */
function planes(node: Node, e: Emitter, x: Ref, axes: readonly Axis[], op: string, flags: Flags): Ref {
  const rank = shapeAt(node, 0).length;
  const [first, second] = axes;
  if (axes.length > 2 || rank > 4 || !first) return refuse(node, `it resizes ${axes.length} axes of ${rank}`);
  const spatial = second ? [first.axis, second.axis] : partner(first.axis, rank);
  const rest = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !spatial.includes(axis));
  if (rest.length !== 2 && rank !== 3) return refuse(node, `it resizes an axis of ${rank}`);
  return rank === 3 ? line(node, e, x, axes, op, flags) : plane(e, x, axes, { spatial, rest, op, flags });
}

/** An axis that stays beside the one that is resized. */
const partner = (axis: number, rank: number): number[] => {
  const other = axis > 1 ? axis - 1 : Math.min(axis + 1, rank - 1);
  return [Math.min(axis, other), Math.max(axis, other)];
};

interface Plane {
  readonly spatial: readonly number[];
  readonly rest: readonly number[];
  readonly op: string;
  readonly flags: Flags;
}

function plane(e: Emitter, x: Ref, axes: readonly Axis[], { spatial, rest, op, flags }: Plane): Ref {
  const order = [rest[0]!, ...spatial, rest[1]!];
  const turned = transpose(e, x, order);
  const sizes = spatial.map((axis, i) =>
    sizeTo(
      e,
      turned,
      i + 1,
      axes.find((a) => a.axis === axis),
    ),
  );
  const y = e.op(op, [turned, concat(e, sizes)], flagAttributes(flags), 'float32');
  return transpose(
    e,
    y,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

/** [batch, channels, width], or with channels last, by way of an axis of size 1. */
function line(node: Node, e: Emitter, x: Ref, axes: readonly Axis[], op: string, flags: Flags): Ref {
  const [only] = axes;
  if (axes.length !== 1 || !only) return refuse(node, `it resizes ${axes.length} axes of 3`);
  const others = [0, 1, 2].filter((axis) => axis !== only.axis);
  const order = [others[0]!, only.axis, others[1]!];
  const wide = e.op('ExpandDims', [transpose(e, x, order), e.int(1)]);
  const y = e.op(
    op,
    [wide, concat(e, [e.int([1]), sizeTo(e, wide, 2, only)])],
    flagAttributes(flags),
    'float32',
  );
  const flat = e.op('Squeeze', [y], { squeeze_dims: { ints: [1] } });
  return transpose(
    e,
    flat,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

/** The size of an axis afterwards, as a vector of one. */
function sizeTo(e: Emitter, x: Ref, at: number, axis: Axis | undefined): Ref {
  if (typeof axis?.to === 'number') return e.int([axis.to]);
  const size = sizeOf(e, x, at);
  if (!axis || axis.scale === null) return size;
  if (Number.isInteger(axis.scale)) return e.op('Mul', [size, e.int(axis.scale)]);
  const real = e.op('Mul', [
    e.op('Cast', [size], { DstT: { type: 'float32' } }, 'float32'),
    e.float(axis.scale),
  ]);
  return e.op('Cast', [e.op('Floor', [real])], { DstT: { type: 'int32' } }, 'int32');
}

function nearest(node: Node, e: Emitter, x: Ref, axes: readonly Axis[], mode: Mode): Ref {
  const open = axes.some(({ from, to }) => typeof from !== 'number' || typeof to !== 'number');
  const flags = open ? openFlags(node, axes, mode) : matchingFlags(axes, mode);
  const fits = axes.length <= 2 && shapeAt(node, 0).length <= 4 && shapeAt(node, 0).length >= 3;
  if (flags && fits) return planes(node, e, x, axes, 'ResizeNearestNeighbor', flags);
  if (open) return refuse(node, 'its sizes are not known');
  return axes.reduce(
    (y, axis) =>
      e.op('GatherV2', [y, e.int(sources(axis, mode)), e.int(axis.axis)], { batch_dims: { int: 0 } }),
    x,
  );
}

/** Sizes that are not known: conventions that agree at every size. */
function openFlags(node: Node, axes: readonly Axis[], { coordinates, nearest }: Mode): Flags | null {
  const whole = axes.every(({ scale }) => scale !== null && Number.isInteger(scale));
  if (!whole) return refuse(node, 'its sizes are not known and its scales are not whole');
  if (coordinates === 'asymmetric' && nearest === 'floor') return { align: false, half: false };
  // Upwards by a whole factor, half-pixel centres land in the cell that they come from, however they are rounded.
  if (coordinates.endsWith('half_pixel') && nearest.startsWith('round')) return { align: false, half: true };
  return null;
}

const conventions: readonly Flags[] = [
  { align: false, half: false },
  { align: false, half: true },
  { align: true, half: false },
];

/** The convention of TensorFlow.js that picks the very same elements. */
const matchingFlags = (axes: readonly Axis[], mode: Mode): Flags | null =>
  conventions.find((flags) =>
    axes.every((axis) => {
      const wanted = sources(axis, mode);
      return wanted.every((source, i) => source === tfSource(i, axis, flags));
    }),
  ) ?? null;

function tfSource(i: number, { from, to }: Axis, { align, half }: Flags): number {
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
function sources(axis: Axis, { coordinates, nearest }: Mode): number[] {
  const [from, to] = [axis.from as number, axis.to as number];
  const scale = axis.scale ?? to / from;
  const round = rounding[nearest] ?? Math.floor;
  return Array.from({ length: to }, (_, i) => {
    const at = coordinate(coordinates, i, { scale, from, to });
    return Math.max(0, Math.min(from - 1, round(at)));
  });
}

function coordinate(
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

export const resizing: TfOperators = { Resize: resizeAt((axis) => axis) };

/** Settings stay in ONNX's order: batch, channels, space. */
export const channelsLastResizing: TfOperators = {
  Resize: resizeAt((axis, rank) => (axis === 0 ? 0 : axis === 1 ? rank - 1 : axis - 1)),
};
