/** Poolings over channels-last values. */
import { intAttribute } from '../../../../ir/attribute.ts';
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
import { planeOf } from './convolutions.ts';
import { padded } from './padding.ts';

/** Less than what any network has, and finite. */
const lowest = -3.4028234663852886e38;

function planar(node: Node, e: Emitter) {
  const window = windowOf(node, refuse);
  if (window.dilations.some((d) => d > 1)) return refuse(node, 'its window is dilated');
  if (window.spatial.length > 2) return refuse(node, 'it has three spatial axes');
  const x = e.input(node, 0);
  const result = e.result();
  const type = shaped(result, planeOf(result));
  return window.spatial.length === 2
    ? { x, w: window, type, result }
    : { x: reshaped(e, x, planeOf(x)), w: lifted(window), type, result };
}

function pool(
  e: Emitter,
  op: 'MAX_POOL_2D' | 'AVERAGE_POOL_2D',
  { x, w, type }: Pooled,
  same: boolean,
  bare = false,
): LiteTensor {
  const [filterHeight, filterWidth] = w.kernel as readonly [number, number];
  const [strideH, strideW] = w.strides as readonly [number, number];
  const padding = paddings.indexOf(same ? 'SAME' : 'VALID');
  const values = { padding, strideW, strideH, filterWidth, filterHeight, ...(bare ? {} : activated(e)) };
  return e.op(op, [x], type, ['Pool2DOptions', values]);
}

interface Pooled {
  readonly x: LiteTensor;
  readonly w: Window;
  readonly type: LiteType;
}

/** Pads of the window and what ceil_mode adds. */
const allSides = (node: Node, w: Window): Sides => {
  const more = ceilSides(node, w, refuse);
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
    const wide = same ? x : padded(e, x, sides, lowest);
    return reshaped(e, pool(e, 'MAX_POOL_2D', { x: wide, w, type }, same), result.shape);
  },
};

/** Whether LiteRT's SAME pads as much, ceil_mode included. */
function isSame(w: Window, sides: Sides): boolean {
  const inner = sides.slice(1, -1);
  return inner.flat().some((p) => p > 0) && paddingOf({ ...w, sides: inner }) === 'SAME';
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
  const w = windowOf(node, refuse);
  const sides = allSides(node, w);
  const counts = intAttribute(node, 'count_include_pad', 0) !== 0;
  return (!counts && isSame(w, sides)) || factorsOf(w, sides, counts) === null;
}

/** null where it is 1 everywhere. */
function factorsOf(w: Window, sides: Sides, counts: boolean) {
  const factors = countFactors(w, sides.slice(1, -1), counts ? w.sides : null);
  return factors.values.every((f) => f === 1) ? null : factors;
}

/** By the operator's name, over channels-last values. */
export const pooling: LiteRows = { MaxPool: maxPool, AveragePool: averagePool };
