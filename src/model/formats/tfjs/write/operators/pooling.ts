/** Poolings and other spatial operators over channels-last values. */
import { floatAttribute, intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import { isStatic, type Shape } from '../../../../ir/type.ts';
import {
  ceilSides,
  countFactors,
  lifted,
  paddingOf,
  type Sides,
  type Window,
  windowOf,
} from '../../../lowered/window.ts';
import { type Emitter, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';
import { reshape, transpose } from './shaping.ts';
import { padded } from './slicing.ts';

/** The lowest float32: what padding adds never wins, and no backend makes NaN of it. */
const lowest = -3.4028234663852886e38;

/** Halves of even sizes, the last one of odd sizes alone: what SAME means for a kernel and stride of 2. */
const isCeilOfHalves = (w: Window) =>
  w.ceilMode &&
  w.kernel.every((k, i) => k === 2 && w.strides[i] === 2) &&
  (w.sides?.flat().every((p) => p === 0) ?? false);

function poolOp(e: Emitter, op: string, x: Ref, w: Window, padding: 'SAME' | 'VALID'): Ref {
  const volume = w.spatial.length === 3;
  return e.op(volume ? `${op}3D` : op, [x], {
    ksize: { ints: [1, ...w.kernel, 1] },
    strides: { ints: [1, ...w.strides, 1] },
    padding: { text: padding },
    data_format: { text: volume ? 'NDHWC' : 'NHWC' },
  });
}

/** The largest of a volume: of its planes, then across them. TensorFlow.js's wasm kernel for volumes is wrong. */
function maxOfVolume(node: Node, e: Emitter, x: Ref, w: Window): Ref {
  if (!isStatic(w.spatial)) return refuse(node, 'the sizes of the volume are not known');
  const [depth, height, width] = w.spatial as readonly [number, number, number];
  const channels = staticChannels(node);
  const after = (i: number, size: number) => Math.floor((size - w.kernel[i]!) / w.strides[i]!) + 1;
  const [h, v] = [after(1, height), after(2, width)];
  const plane = { ...w, spatial: [height, width], kernel: w.kernel.slice(1), strides: w.strides.slice(1) };
  const planes = poolOp(e, 'MaxPool', reshape(e, x, [-1, height, width, channels]), plane, 'VALID');
  const line = { ...w, spatial: [depth, h * v], kernel: [w.kernel[0]!, 1], strides: [w.strides[0]!, 1] };
  const across = poolOp(e, 'MaxPool', reshape(e, planes, [-1, depth, h * v, channels]), line, 'VALID');
  return reshape(e, across, [-1, after(0, depth), h, v, channels]);
}

function planar(node: Node, e: Emitter): { x: Ref; w: Window; out: (y: Ref) => Ref } {
  const w = windowOf(node);
  if (w.dilations.some((d) => d > 1)) return refuse(node, 'its window is dilated');
  const x = e.input(node, 0);
  if (w.spatial.length !== 1) return { x, w, out: (y) => y };
  return {
    x: e.op('ExpandDims', [x, e.int(1)]),
    w: lifted(w),
    out: (y) => e.op('Squeeze', [y], { squeeze_dims: { ints: [1] } }),
  };
}

/** Pools integers as floats, which hold those of 24 bits. */
const inFloat =
  (pool: TfOperator): TfOperator =>
  (node, e) => {
    const x = e.input(node, 0);
    if (x.dtype === 'float32') return pool(node, e);
    const asFloat: Emitter = { ...e, input: () => cast(e, x, 'float32') };
    return cast(e, pool(node, asFloat) as Ref, x.dtype);
  };

const grown = (sides: Sides, more: readonly number[]): Sides =>
  sides.map(([begin, end], i) => [begin, end + more[i]!] as const);

/** Of what is pooled, a line as a plane. */
const pooledShape = (node: Node, w: Window): Shape => {
  const shape = shapeAt(node, 0);
  return [shape[0]!, ...w.spatial, shape.at(-1)!];
};

const maxPool: TfOperator = (node, e) => {
  if (node.outputs[1]?.uses.length) return refuse(node, 'its indices are read');
  const { x, w, out } = planar(node, e);
  const volume = w.spatial.length === 3;
  if (isCeilOfHalves(w) && !volume) return out(poolOp(e, 'MaxPool', x, w, 'SAME'));
  const more = ceilSides(node, w);
  const padding = paddingOf(w);
  if (volume && w.sides) {
    const sides = grown(w.sides, more);
    const sizes = w.spatial.map((d, i) => (typeof d === 'number' ? d + sides[i]![0] + sides[i]![1] : d));
    const wide = padded(e, x, pooledShape(node, w), [[0, 0], ...sides, [0, 0]], e.float(lowest));
    return maxOfVolume(node, e, wide, { ...w, spatial: sizes });
  }
  if (padding !== 'EXPLICIT' && more.every((p) => p === 0)) return out(poolOp(e, 'MaxPool', x, w, padding));
  const wide = padded(
    e,
    x,
    pooledShape(node, w),
    [[0, 0], ...grown(w.sides!, more), [0, 0]],
    e.float(lowest),
  );
  return out(poolOp(e, 'MaxPool', wide, w, 'VALID'));
};

/** TensorFlow.js leaves padding out of the mean; where it counts, or isn't SAME, the mean over a padded input is multiplied
 *  by what it should have been divided by. */
const averagePool: TfOperator = (node, e) => {
  const { x, w, out } = planar(node, e);
  const counts = intAttribute(node, 'count_include_pad', 0) !== 0;
  const more = w.ceilMode && isCeilOfHalves(w) ? w.spatial.map(() => 0) : ceilSides(node, w);
  const padding = paddingOf(w);
  const whole = more.every((p) => p === 0);
  if (isCeilOfHalves(w)) return out(poolOp(e, 'AvgPool', x, w, 'SAME'));
  if (padding === 'VALID' && whole) return out(poolOp(e, 'AvgPool', x, w, 'VALID'));
  if (padding === 'SAME' && whole && !counts) return out(poolOp(e, 'AvgPool', x, w, 'SAME'));
  const { sides } = w;
  if (!sides) return refuse(node, 'count_include_pad with auto_pad over sizes that are not known');
  const all: Sides = [[0, 0], ...grown(sides, more), [0, 0]];
  const mean = poolOp(e, 'AvgPool', padded(e, x, pooledShape(node, w), all, e.float(0)), w, 'VALID');
  if (counts && whole) return out(mean);
  if (!isStatic(w.spatial)) return refuse(node, 'its pads are not SAME, over sizes that are not known');
  return out(e.op('Mul', [mean, factors(e, w, grown(sides, more), counts ? sides : null)]));
};

/** What a mean over all of the window is multiplied by. */
function factors(e: Emitter, w: Window, sides: Sides, counting: Sides | null): Ref {
  const { dims, values } = countFactors(w, sides, counting);
  return e.constant(tensorOf('float32', [1, ...dims, 1], values));
}

/** x/(bias + α/size·Σ x²)^β over channels near by; TensorFlow's α is for one element. */
const lrn: TfOperator = (node, e) => {
  const size = intAttribute(node, 'size', 1);
  if (size % 2 === 0 || shapeAt(node, 0).length !== 4)
    return refuse(node, 'its size is even, or its rank is not 4');
  return e.op('LRN', [e.input(node, 0)], {
    depth_radius: { int: (size - 1) / 2 },
    bias: { float: floatAttribute(node, 'bias', 1) },
    alpha: { float: floatAttribute(node, 'alpha', 1e-4) / size },
    beta: { float: floatAttribute(node, 'beta', 0.75) },
  });
};

/** DCR is TensorFlow's order; for CRD the channels are brought into it first. */
const depthToSpace: TfOperator = (node, e) => {
  const block = intAttribute(node, 'blocksize', 1);
  const channels = staticChannels(node);
  const x = e.input(node, 0);
  const deep = channels / (block * block);
  const order = Array.from({ length: channels }, (_, i) => (i % deep) * block * block + Math.floor(i / deep));
  const ordered =
    textAttribute(node, 'mode', 'DCR') === 'DCR'
      ? x
      : e.op('GatherV2', [x, e.int(order), e.int(3)], { batch_dims: { int: 0 } });
  return e.op('DepthToSpace', [ordered], { block_size: { int: block }, data_format: { text: 'NHWC' } });
};

function staticChannels(node: Node): number {
  const channels = shapeAt(node, 0).at(-1);
  return typeof channels === 'number' ? channels : refuse(node, 'the number of its channels is not known');
}

const spaceToDepth: TfOperator = (node, e) => {
  const block = intAttribute(node, 'blocksize', 1);
  const [, height, width, channels] = shapeAt(node, 0);
  const [h, w, c] = [height, width, channels].map((d) =>
    typeof d === 'number' ? d : refuse(node, 'the sizes of its input are not known'),
  ) as [number, number, number];
  const cells = reshape(e, e.input(node, 0), [-1, h / block, block, w / block, block, c]);
  const turned = transpose(e, cells, [0, 1, 3, 2, 4, 5]);
  return reshape(e, turned, [-1, h / block, w / block, block * block * c]);
};

/** By the operator's name, over channels-last values. */
export const pooling: TfOperators = {
  MaxPool: inFloat(maxPool),
  AveragePool: averagePool,
  LRN: lrn,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
