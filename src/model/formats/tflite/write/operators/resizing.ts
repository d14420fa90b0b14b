/** Resize. LiteRT has nearest and linear over the space of [batch, height, width, channels], each in three conventions. A nearest
 *  resize that none of them matches picks its elements by constant indices; any other mixture along an axis is a product with
 *  a constant matrix. */
import { floatAttribute, intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import {
  channelsToEnd,
  coordinate,
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
import { type Emitter, type LiteRow, type LiteRows, refuse, reshaped, shapeAt, shaped } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { gathered } from './arithmetic.ts';
import { transposed } from './shaping.ts';

const modeOf = (node: Node): SampleMode => ({
  coordinates: textAttribute(node, 'coordinate_transformation_mode', 'half_pixel'),
  nearest: textAttribute(node, 'nearest_mode', 'round_prefer_floor'),
});

const isNearest = (node: Node) => textAttribute(node, 'mode', 'nearest') === 'nearest';

/** The convention of LiteRT that is the model's; null where none is. */
function flagsOf(node: Node, axes: readonly ResizedAxis[]): Flags | null {
  if (isNearest(node)) return matchingFlags(axes, modeOf(node));
  if (textAttribute(node, 'mode', 'nearest') !== 'linear' || intAttribute(node, 'antialias', 0) !== 0)
    return null;
  const flags = linearFlags(axes, modeOf(node).coordinates);
  return typeof flags === 'string' ? null : flags;
}

/** Whether only height and width of [batch, height, width, channels] change. */
const isPlane = (node: Node, axes: readonly ResizedAxis[]) =>
  shapeAt(node, 0).length === 4 && axes.every(({ axis }) => axis === 1 || axis === 2);

const resizeAt = (place: Place): LiteRow => ({
  integers: {
    kind: 'blends',
    ready(node) {
      const axes = resizedAxes(node, place);
      return isPlane(node, axes) && flagsOf(node, axes) !== null;
    },
  },
  emit(node, e) {
    const mode = modeOf(node);
    if (mode.coordinates === 'tf_crop_and_resize') return refuse(node, 'it crops a region');
    const axes = resizedAxes(node, place);
    if (axes.some(({ from, to }) => typeof from !== 'number' || typeof to !== 'number'))
      return refuse(node, 'its sizes are computed while it runs');
    const x = e.input(node, 0);
    const flags = flagsOf(node, axes);
    if (flags && isPlane(node, axes)) return plane(e, x, flags, isNearest(node));
    if (isNearest(node))
      return axes.reduce((y, axis) => gathered(e, y, e.int(sources(axis, mode)), axis.axis), x);
    if (intAttribute(node, 'antialias', 0) !== 0) return refuse(node, 'it filters against aliasing');
    const cubic = textAttribute(node, 'mode', 'nearest') === 'cubic';
    return axes.reduce((y, axis) => mixed(e, y, axis, mixture(node, axis, cubic)), x);
  },
});

function plane(e: Emitter, x: LiteTensor, { align, half }: Flags, nearest: boolean): LiteTensor {
  const result = e.result();
  const values = { alignCorners: align ? 1 : 0, halfPixelCenters: half ? 1 : 0 };
  const size = e.int(result.shape.slice(1, 3));
  return nearest
    ? e.op('RESIZE_NEAREST_NEIGHBOR', [x, size], result, ['ResizeNearestNeighborOptions', values])
    : e.op('RESIZE_BILINEAR', [x, size], result, ['ResizeBilinearOptions', values]);
}

/** Rows of a matrix [to, from]: how much of each element goes into each place. Source: ONNX Resize-19. */
function mixture(node: Node, { from, to, scale }: ResizedAxis, cubic: boolean): Float32Array {
  const [size, count] = [from as number, to as number];
  const { coordinates } = modeOf(node);
  const rows = new Float32Array(size * count);
  const excludes = intAttribute(node, 'exclude_outside', 0) !== 0;
  const a = floatAttribute(node, 'cubic_coeff_a', -0.75);
  for (let i = 0; i < count; i++) {
    const at = coordinate(coordinates, i, { scale: scale ?? count / size, from: size, to: count });
    const first = Math.floor(at);
    const share = at - first;
    const taps = cubic ? cubicTaps(share, a) : [1 - share, share];
    const places = taps.map((_, k) => first + k - (cubic ? 1 : 0));
    const kept = taps.map((tap, k) => (excludes && (places[k]! < 0 || places[k]! >= size) ? 0 : tap));
    const sum = excludes ? kept.reduce((s, tap) => s + tap, 0) : 1;
    kept.forEach((tap, k) => {
      rows[i * size + Math.max(0, Math.min(size - 1, places[k]!))]! += tap / sum;
    });
  }
  return rows;
}

/** Keys' kernel at the four elements around. */
function cubicTaps(t: number, a: number): number[] {
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Each place of an axis as a sum of elements. */
function mixed(e: Emitter, x: LiteTensor, { axis, from, to }: ResizedAxis, rows: Float32Array): LiteTensor {
  const last = x.shape.length - 1;
  const order = x.shape.map((_, i) => i).filter((i) => i !== axis);
  const turned = transposed(e, x, [...order, axis]);
  const matrix = e.constant(tensorOf('float32', [to as number, from as number], rows));
  const zeros = e.constant(tensorOf('float32', [to as number], new Float32Array(to as number)));
  const shape = turned.shape.with(last, to as number);
  const flat = reshaped(e, turned, [turned.shape.slice(0, -1).reduce((a, b) => a * b, 1), from as number]);
  const product = e.op(
    'FULLY_CONNECTED',
    [flat, matrix, zeros],
    shaped(flat, [flat.shape[0]!, to as number]),
    ['FullyConnectedOptions', { keepNumDims: 0 }],
  );
  const back = [...order, axis].map((_, i) => [...order, axis].indexOf(i));
  return transposed(e, reshaped(e, product, shape), back);
}

export const resizing: LiteRows = { Resize: resizeAt(inPlace) };

/** Settings stay in ONNX's order: batch, channels, space. */
export const channelsLastResizing: LiteRows = { Resize: resizeAt(channelsToEnd) };
