/** Poolings over channels-last values. */
import { floatAttribute, intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import {
  ceilSides,
  countFactors,
  lifted,
  paddingOf,
  type Sides,
  type Window,
  windowOf,
} from '../../../lowered/window.ts';
import { paddings } from '../../codes.ts';
import {
  activated,
  type Emitter,
  type LiteRow,
  type LiteRows,
  refuse,
  reshaped,
  shaped,
} from '../emitter.ts';
import type { LiteTensor, LiteType } from '../graph.ts';
import { cast, gathered } from './arithmetic.ts';
import { planeOf } from './convolutions.ts';
import { padded } from './padding.ts';

/** Less than what any network has, and finite. */
const lowest = -3.4028234663852886e38;

function planar(node: Node, e: Emitter) {
  const window = windowOf(node);
  if (window.dilations.some((d) => d > 1)) return refuse(node, 'its window is dilated');
  const x = e.input(node, 0);
  const result = e.result();
  const type = shaped(result, planeOf(result));
  return window.spatial.length !== 1
    ? { x, w: window, type, result }
    : { x: reshaped(e, x, planeOf(x)), w: lifted(window), type, result };
}

type Pooling = 'MAX_POOL_2D' | 'AVERAGE_POOL_2D';

/** @param bare  without the activation behind it */
function pool(e: Emitter, op: Pooling, { x, w, type }: Pooled, same: boolean, bare = false): LiteTensor {
  if (w.kernel.length === 3) return poolVolume(e, op, { x, w, type }, bare);
  const [filterHeight, filterWidth] = w.kernel as readonly [number, number];
  const [strideH, strideW] = w.strides as readonly [number, number];
  const padding = paddings.indexOf(same ? 'SAME' : 'VALID');
  const values = { padding, strideW, strideH, filterWidth, filterHeight, ...(bare ? {} : activated(e)) };
  return e.op(op, [x], type, ['Pool2DOptions', values]);
}

/** Of a padded volume: its planes, then across them. */
function poolVolume(e: Emitter, op: Pooling, { x, w, type }: Pooled, bare: boolean): LiteTensor {
  const [batch, depth, height, width, channels] = x.shape as readonly [
    number,
    number,
    number,
    number,
    number,
  ];
  const [, , rows, columns] = type.shape as readonly [number, number, number, number, number];
  const [planes, line] = [w.kernel.slice(1), [w.kernel[0]!, 1]];
  const flat = reshaped(e, x, [batch * depth, height, width, channels]);
  const made = shaped(type, [batch * depth, rows, columns, channels]);
  const inner = { ...w, kernel: planes, strides: w.strides.slice(1) };
  const pooled = pool(e, op, { x: flat, w: inner, type: made }, false, true);
  const stacked = reshaped(e, pooled, [batch, depth, rows * columns, channels]);
  const across = { ...w, kernel: line, strides: [w.strides[0]!, 1] };
  const last = shaped(type, [batch, type.shape[1]!, rows * columns, channels]);
  return reshaped(e, pool(e, op, { x: stacked, w: across, type: last }, false, bare), type.shape);
}

interface Pooled {
  readonly x: LiteTensor;
  readonly w: Window;
  readonly type: LiteType;
}

/** Pads of the window and what ceil_mode adds. */
const allSides = (node: Node, w: Window): Sides => {
  const more = ceilSides(node, w);
  return [[0, 0], ...w.sides!.map(([begin, end], i) => [begin, end + more[i]!] as const), [0, 0]];
};

const maxPool: LiteRow = {
  fuses: true,
  integers: { kind: 'moves', ready: (node) => (shapeOf(node.inputs[0])?.length ?? 5) <= 4 },
  emit(node, e) {
    if (node.outputs[1]?.uses.length) return refuse(node, 'its indices are read');
    const { x, w, type, result } = planar(node, e);
    const sides = allSides(node, w);
    const same = isSame(w, sides);
    // LiteRT pools no int32.
    const held = x.type === 'int32' ? cast(e, x, 'float32') : x;
    const wide = same ? held : padded(e, held, sides, lowest);
    const most = pool(e, 'MAX_POOL_2D', { x: wide, w, type: { ...type, type: held.type } }, same);
    return reshaped(e, cast(e, most, x.type), result.shape);
  },
};

/** Whether LiteRT's SAME pads as much, ceil_mode included. */
function isSame(w: Window, sides: Sides): boolean {
  const inner = sides.slice(1, -1);
  return inner.length < 3 && inner.flat().some((p) => p > 0) && paddingOf({ ...w, sides: inner }) === 'SAME';
}

/** SAME leaves padding out of the mean. Where it counts, or isn't SAME, the mean over a padded input is multiplied by what it
 *  should have been divided by. */
const averagePool: LiteRow = {
  fuses: true,
  integers: { kind: 'blends', ready: isPlain },
  emit(node, e) {
    const { x, w, type, result } = planar(node, e);
    const sides = allSides(node, w);
    const counts = intAttribute(node, 'count_include_pad', 0) !== 0;
    const same = !counts && isSame(w, sides);
    const factors = same ? null : factorsOf(w, sides, counts);
    const mean = pool(
      e,
      'AVERAGE_POOL_2D',
      { x: same ? x : padded(e, x, sides, 0), w, type },
      same,
      factors !== null,
    );
    if (!factors) return reshaped(e, mean, result.shape);
    const by = e.constant(tensorOf('float32', [1, ...factors.dims, 1], factors.values));
    return reshaped(e, e.op('MUL', [mean, by], type, ['MulOptions', activated(e)]), result.shape);
  },
};

/** Whether no factor is needed: those are floats. */
function isPlain(node: Node): boolean {
  if ((shapeOf(node.inputs[0])?.length ?? 5) > 4) return false;
  const w = windowOf(node);
  const sides = allSides(node, w);
  const counts = intAttribute(node, 'count_include_pad', 0) !== 0;
  return (!counts && isSame(w, sides)) || factorsOf(w, sides, counts) === null;
}

/** null where it is 1 everywhere. */
function factorsOf(w: Window, sides: Sides, counts: boolean) {
  const factors = countFactors(w, sides.slice(1, -1), counts ? w.sides : null);
  return factors.values.every((f) => f === 1) ? null : factors;
}

/** x/(bias + α/size·Σ x²)^β over channels near by; LiteRT's α is for one element. */
const lrn: LiteRow = {
  emit(node, e) {
    const size = intAttribute(node, 'size', 1);
    const x = e.input(node, 0);
    if (size % 2 === 0 || x.shape.length !== 4) return refuse(node, 'its size is even, or its rank is not 4');
    const values = {
      radius: (size - 1) / 2,
      bias: floatAttribute(node, 'bias', 1),
      alpha: floatAttribute(node, 'alpha', 1e-4) / size,
      beta: floatAttribute(node, 'beta', 0.75),
    };
    return e.op('LOCAL_RESPONSE_NORMALIZATION', [x], x, ['LocalResponseNormalizationOptions', values]);
  },
};

/** DCR is LiteRT's order; for CRD the channels are brought into it first. */
const depthToSpace: LiteRow = {
  integers: { kind: 'moves' },
  emit(node, e) {
    const blockSize = intAttribute(node, 'blocksize', 1);
    const x = e.input(node, 0);
    const channels = x.shape[3]!;
    const deep = channels / (blockSize * blockSize);
    const place = (i: number) => (i % deep) * blockSize * blockSize + Math.floor(i / deep);
    const order = Array.from({ length: channels }, (_, i) => place(i));
    const crd = textAttribute(node, 'mode', 'DCR') !== 'DCR' && deep > 1;
    const ordered = crd ? gathered(e, x, e.int(order), 3) : x;
    return e.op('DEPTH_TO_SPACE', [ordered], e.result(), ['DepthToSpaceOptions', { blockSize }]);
  },
};

const spaceToDepth: LiteRow = {
  integers: { kind: 'moves' },
  emit: (node, e) =>
    e.op('SPACE_TO_DEPTH', [e.input(node, 0)], e.result(), [
      'SpaceToDepthOptions',
      { blockSize: intAttribute(node, 'blocksize', 1) },
    ]),
};

/** By the operator's name, over channels-last values. */
export const pooling: LiteRows = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LRN: lrn,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
