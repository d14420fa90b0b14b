/** Resize. TensorFlow.js has nearest and linear over two axes between batch and channels, each in three conventions; a nearest
 *  resize that none of them matches picks its elements by constant indices. Others are refused. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import {
  channelsToEnd,
  type Flags,
  inPlace,
  linearFlags,
  matchingFlags,
  type Place,
  type ResizedAxis,
  resizedAxes,
  type SampleMode,
  sources,
} from '../../../lowered/resize.ts';
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
  const flags = linearFlags(axes, coordinates);
  if (typeof flags === 'string') return refuse(node, flags);
  return planes(node, e, x, axes, 'ResizeBilinear', flags);
}

const flagAttributes = ({ align, half }: Flags): TfAttributes => ({
  align_corners: { bool: align },
  half_pixel_centers: { bool: half },
});

/** Resizes up to two axes as the height and width of [batch, height, width, channels]. */
function planes(node: Node, e: Emitter, x: Ref, axes: readonly ResizedAxis[], op: string, flags: Flags): Ref {
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

function plane(e: Emitter, x: Ref, axes: readonly ResizedAxis[], { spatial, rest, op, flags }: Plane): Ref {
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
function line(node: Node, e: Emitter, x: Ref, axes: readonly ResizedAxis[], op: string, flags: Flags): Ref {
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
function sizeTo(e: Emitter, x: Ref, at: number, axis: ResizedAxis | undefined): Ref {
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

function nearest(node: Node, e: Emitter, x: Ref, axes: readonly ResizedAxis[], mode: SampleMode): Ref {
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
function openFlags(
  node: Node,
  axes: readonly ResizedAxis[],
  { coordinates, nearest }: SampleMode,
): Flags | null {
  const whole = axes.every(({ scale }) => scale !== null && Number.isInteger(scale));
  if (!whole) return refuse(node, 'its sizes are not known and its scales are not whole');
  if (coordinates === 'asymmetric' && nearest === 'floor') return { align: false, half: false };
  // Upwards by a whole factor, half-pixel centres land in the cell that they come from, however they are rounded.
  if (coordinates.endsWith('half_pixel') && nearest.startsWith('round')) return { align: false, half: true };
  return null;
}

export const resizing: TfOperators = { Resize: resizeAt(inPlace) };

/** Settings stay in ONNX's order: batch, channels, space. */
export const channelsLastResizing: TfOperators = {
  Resize: resizeAt(channelsToEnd),
};
