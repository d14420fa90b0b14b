/** Convolutions over channels-last values. Filters turn from ONNX's OIHW to TensorFlow's HWIO; what TensorFlow.js lacks is
 *  taken apart exactly: groups are split, dilations beside strides become zeros in the filter. */
import { textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import {
  permuted,
  reshapedWeight,
  slicedWeight,
  spreadWeight,
  type Weight,
  widenedWeight,
} from '../../../lowered/weights.ts';
import { extents, lifted, paddingOf, type Window, windowOf } from '../../../lowered/window.ts';
import { type Emitter, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { convAttributes } from '../windows.ts';
import { concat, sizeOf } from './shaping.ts';
import { padded } from './slicing.ts';

interface Convolution {
  readonly x: Ref;
  readonly weight: Weight;
  readonly window: Window;
}

/** One spatial axis is two, the first of size 1. */
function onPlane(node: Node, e: Emitter): Convolution {
  const weight = e.weightOf(node.inputs[1]) ?? refuse(node, 'its weight is computed while it runs');
  const window = windowOf(node, weight.tensor.dims);
  const x = e.input(node, 0);
  if (window.spatial.length !== 1) return { x, weight, window };
  return {
    x: e.op('ExpandDims', [x, e.int(1)]),
    weight: widenedWeight(weight, 2),
    window: lifted(window),
  };
}

const isLine = (node: Node) => shapeAt(node, 0).length === 3;
const fromPlane = (node: Node, e: Emitter, y: Ref): Ref =>
  isLine(node) ? e.op('Squeeze', [y], { squeeze_dims: { ints: [1] } }) : y;

const withBias = (node: Node, e: Emitter, y: Ref): Ref =>
  node.inputs[2] ? e.op('BiasAdd', [y, e.ref(node.inputs[2])], { data_format: { text: 'NHWC' } }) : y;

/** [out, in, …k] → […k, in, out] */
const spatialFirst = (weight: Weight): number[] => {
  const rank = weight.tensor.dims.length;
  return [...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1, 0];
};

const conv: TfOperator = (node, e) => {
  const { x, weight, window } = onPlane(node, e);
  const channels = shapeAt(node, 0).at(-1);
  const { group } = window;
  const depthwise = group > 1 && group === channels && window.spatial.length === 2;
  const y = depthwise
    ? depthwiseConv(e, { x, weight, window })
    : group === 1
      ? plainConv(e, { x, weight, window })
      : grouped(e, { x, weight, window }, (part) => plainConv(e, part));
  return withBias(node, e, fromPlane(node, e, y));
};

/** TensorFlow.js takes strides or dilations, not both. */
function undilated({
  x,
  weight,
  window,
}: Convolution): Convolution & { readonly dilations: readonly number[] } {
  const { strides, dilations } = window;
  const both = strides.some((s) => s > 1) && dilations.some((d) => d > 1);
  if (!both) return { x, weight, window, dilations };
  return { x, weight: spreadWeight(weight, 2, dilations), window, dilations: dilations.map(() => 1) };
}

function plainConv(e: Emitter, convolution: Convolution): Ref {
  const { x, weight, window, dilations } = undilated(convolution);
  const filter = e.weight(permuted(weight, spatialFirst(weight)));
  if (window.spatial.length === 2) return e.op('Conv2D', [x, filter], convAttributes(window, dilations));
  const explicit = paddingOf(window) === 'EXPLICIT';
  const shape = [null, ...window.spatial, weight.tensor.dims[1]!];
  const input = explicit ? padded(e, x, shape, [[0, 0], ...window.sides!, [0, 0]], e.float(0)) : x;
  const inside = explicit ? { ...window, sides: window.sides!.map(() => [0, 0] as const) } : window;
  return e.op('Conv3D', [input, filter], convAttributes(inside, dilations));
}

/** [in·m, 1, h, w] → [h, w, in, m] */
function depthwiseConv(e: Emitter, convolution: Convolution): Ref {
  const { x, weight, window, dilations } = undilated(convolution);
  const [out, , height, width] = weight.tensor.dims as readonly [number, number, number, number];
  const multiplier = out / window.group;
  const split = multiplier === 1 ? weight : reshapedWeight(weight, [window.group, multiplier, height, width]);
  const filter = e.weight(permuted(split, [2, 3, 0, 1]));
  return e.op('DepthwiseConv2dNative', [x, filter], convAttributes(window, dilations));
}

/** @param axis  of the weight that the groups share out */
function grouped(e: Emitter, { x, weight, window }: Convolution, one: (part: Convolution) => Ref): Ref {
  const { group } = window;
  const last = window.spatial.length + 1;
  const rows = weight.tensor.dims[0]! / group;
  const split = e.ops('Split', [e.int(last), x], Array(group).fill('float32'), { num_split: { int: group } });
  const parts = split.map((part, i) =>
    one({
      x: part,
      weight: slicedWeight(weight, 0, i * rows, (i + 1) * rows),
      window: { ...window, group: 1 },
    }),
  );
  return concat(e, parts, last);
}

/** Pads and output sizes of a transposed convolution along one axis: out = s·(in − 1) + extent + more − begin − end. */
function transposedSides(node: Node, window: Window): readonly (readonly [number, number])[] {
  const { outputShape, spatial, strides, outputPadding } = window;
  if (!outputShape) return window.sides ?? refuse(node, 'auto_pad over sizes that are not known');
  return extents(window).map((extent, i) => {
    const size = spatial[i];
    if (typeof size !== 'number') return refuse(node, 'output_shape over sizes that are not known');
    const total = strides[i]! * (size - 1) + extent + outputPadding[i]! - outputShape[i]!;
    if (total < 0) return refuse(node, 'output_shape is larger than its kernel reaches');
    const half = Math.floor(total / 2);
    const begin = textAttribute(node, 'auto_pad', 'NOTSET') === 'SAME_UPPER' ? half : total - half;
    return [begin, total - begin] as const;
  });
}

/** Weight [in, out/group, h, w] → [h, w, out, in]. */
const convTranspose: TfOperator = (node, e) => {
  const { x, weight, window } = onPlane(node, e);
  if (window.spatial.length !== 2) return refuse(node, 'it has three spatial axes');
  const sides = transposedSides(node, window);
  const spread = spreadWeight(weight, 2, window.dilations);
  const made = { x, weight: spread, window: { ...window, sides, kernel: extents(window) } };
  const one = (part: Convolution) => transposedConv(node, e, part);
  const y = window.group === 1 ? one(made) : grouped(e, made, one);
  return withBias(node, e, fromPlane(node, e, y));
};

function transposedConv(node: Node, e: Emitter, { x, weight, window }: Convolution): Ref {
  const sides = window.sides!;
  const sizes = window.kernel.map((k, i) => {
    const more = k + window.outputPadding[i]! - sides[i]![0] - sides[i]![1] - window.strides[i]!;
    const size = window.spatial[i];
    if (typeof size === 'number') return e.int([window.strides[i]! * size + more]);
    const scaled = e.op('Mul', [sizeOf(e, x, i + 1), e.int(window.strides[i]!)]);
    return e.op('AddV2', [scaled, e.int(more)]);
  });
  const batch = shapeOf(node.inputs[0])?.[0];
  const rows = typeof batch === 'number' ? e.int([batch]) : sizeOf(e, x, 0);
  const shape = concat(e, [rows, ...sizes, e.int([weight.tensor.dims[1]!])]);
  const filter = e.weight(permuted(weight, [2, 3, 1, 0]));
  const padding = sides.flat().every((p) => p === 0) ? 'VALID' : 'EXPLICIT';
  const explicit =
    padding === 'EXPLICIT' ? { explicit_paddings: { ints: [0, 0, ...sides.flat(), 0, 0] } } : {};
  return e.op(
    'Conv2DBackpropInput',
    [shape, filter, x],
    {
      strides: { ints: [1, ...window.strides, 1] },
      padding: { text: padding },
      ...explicit,
      data_format: { text: 'NHWC' },
      dilations: { ints: [1, 1, 1, 1] },
    },
    'float32',
  );
}

/** By the operator's name, over channels-last values. */
export const convolutions: TfOperators = { Conv: conv, ConvTranspose: convTranspose };
