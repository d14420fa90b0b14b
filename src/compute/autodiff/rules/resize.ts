/** Resize. Every mode treats the axes one after another and is linear in the picture, so the gradient is the transposed
 *  map of each axis. Coordinates in float32, as onnxruntime computes them.
 *  Source: ONNX Resize-19; antialias widens the filter by the factor of reduction. */
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { type AxisMap, placeMap, repeats } from './axis-map.ts';
import { constantInput, dimsOf, fromFront, incoming, refused } from './pieces.ts';

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** Part of the picture that tf_crop_and_resize takes, 0 to 1. */
  readonly roi: readonly [number, number];
}

const round32 = Math.fround;

/** Position in the input of output element `j`; the centre of the first pixel is 0. */
function coordinate(mode: string, j: number, { from, to, scale, roi }: Axis): number {
  switch (mode) {
    case 'asymmetric':
      return round32(j / scale);
    case 'align_corners':
      return to === 1 ? 0 : round32((j * (from - 1)) / (to - 1));
    case 'pytorch_half_pixel':
      return to === 1 ? 0 : round32((j + 0.5) / scale - 0.5);
    case 'half_pixel_symmetric':
      return round32((from / 2) * (1 - to / (from * scale)) + (j + 0.5) / scale - 0.5);
    case 'tf_crop_and_resize': {
      const [start, end] = roi;
      const last = from - 1;
      return to === 1 ? 0.5 * (start + end) * last : start * last + (j * (end - start) * last) / (to - 1);
    }
    default:
      return round32((j + 0.5) / scale - 0.5);
  }
}

function nearest(mode: string, x: number): number {
  if (mode === 'floor') return Math.floor(x);
  if (mode === 'ceil') return Math.ceil(x);
  return mode === 'round_prefer_ceil' ? Math.floor(x + 0.5) : Math.ceil(x - 0.5);
}

const triangle = (d: number) => Math.max(0, 1 - Math.abs(d));

/** Keys' cubic with parameter a. */
function cubic(a: number, distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

type Pair = readonly [from: number, weight: number];

const normalized = (pairs: readonly Pair[]): Pair[] => {
  const total = pairs.reduce((sum, [, w]) => sum + w, 0);
  return pairs.map(([i, w]) => [i, w / total]);
};

interface Filter {
  readonly weight: (distance: number) => number;
  readonly reach: number;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
}

/** Input elements around x that the filter covers, the outer ones standing for what lies beyond the edge. */
function filtered(x: number, { from, scale }: Axis, f: Filter): Pair[] {
  const wide = f.antialias ? Math.max(1, 1 / scale) : 1;
  const radius = f.reach * wide;
  const pairs: Pair[] = [];
  for (let i = Math.ceil(x - radius); i <= Math.floor(x + radius); i++) {
    const inside = i >= 0 && i < from;
    if (!inside && f.excludeOutside) continue;
    pairs.push([Math.min(Math.max(i, 0), from - 1), f.weight((i - x) / wide)]);
  }
  return f.antialias || f.excludeOutside ? normalized(pairs) : pairs;
}

function axisMap(c: RuleContext, axis: Axis): AxisMap {
  const { node } = c;
  const mode = textAttribute(node, 'mode', 'nearest');
  const transformation = textAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const pick = textAttribute(node, 'nearest_mode', 'round_prefer_floor');
  const a = floatAttribute(node, 'cubic_coeff_a', -0.75);
  const filter: Filter = {
    weight: mode === 'linear' ? triangle : (d) => cubic(a, d),
    reach: mode === 'linear' ? 1 : 2,
    antialias: intAttribute(node, 'antialias', 0) !== 0,
    excludeOutside: intAttribute(node, 'exclude_outside', 0) !== 0,
  };
  const last = axis.from - 1;
  return Array.from({ length: axis.to }, (_, j) => {
    const x = coordinate(transformation, j, axis);
    if (transformation === 'tf_crop_and_resize' && (x < 0 || x > last)) return [];
    if (mode === 'nearest') return [[Math.min(Math.max(nearest(pick, x), 0), last), 1] as const];
    return filtered(x, axis, filter);
  });
}

/** One entry an axis of the input. */
function axesOf(c: RuleContext): Axis[] {
  const [dims, out] = [dimsOf(c), c.dims(c.output(0))];
  const listed = intsAttribute(c.node, 'axes') ?? dims.map((_, i) => i);
  const axes = listed.map((a) => fromFront(a, dims.length));
  const given = <T>(list: readonly T[] | undefined) => (list && list.length > 0 ? list : undefined);
  const scales = given(constantInput(c, 2, 'scales'));
  const sizes = given(constantInput(c, 3, 'sizes'));
  const crops = textAttribute(c.node, 'coordinate_transformation_mode') === 'tf_crop_and_resize';
  const roi = crops ? constantInput(c, 1, 'roi') : undefined;
  const ratios = axes.map((a, i) => (sizes?.[i] ?? 1) / (dims[a] ?? 1));
  const policy = textAttribute(c.node, 'keep_aspect_ratio_policy', 'stretch');
  const common = policy === 'stretch' ? undefined : Math[policy === 'not_larger' ? 'min' : 'max'](...ratios);
  return dims.map((from, i) => {
    const k = axes.indexOf(i);
    const to = out[i] ?? from;
    if (k < 0) return { from, to, scale: 1, roi: [0, 1] };
    const scale = scales?.[k] ?? common ?? to / from;
    return { from, to, scale, roi: [roi?.[k] ?? 0, roi?.[k + axes.length] ?? 1] };
  });
}

const isWhole = ({ from, to, scale, roi }: Axis) =>
  from === to && scale === 1 && roi[0] === 0 && roi[1] === 1;

const resize: GradientRule = (c) => {
  if (!['nearest', 'linear', 'cubic'].includes(textAttribute(c.node, 'mode', 'nearest')))
    throw refused(c, '"mode" must be nearest, linear or cubic');
  const maps = axesOf(c).map((axis) => (isWhole(axis) ? null : axisMap(c, axis)));
  const dims = dimsOf(c);
  const pooled = sumPooled(c, maps, dims);
  if (pooled) return [pooled];
  let g = incoming(c);
  maps.forEach((map, axis) => {
    if (map) g = placeMap(c, g, axis, map, dims[axis] ?? 1);
  });
  return [g];
};

/** Pictures whose pixels were repeated: the sum over each block is an average pooling, onnxruntime's quickest way. */
function sumPooled(c: RuleContext, maps: readonly (AxisMap | null)[], dims: readonly number[]): Value | null {
  if (dims.length !== 4 || maps[0] || maps[1]) return null;
  const window = [2, 3].map((i) => (maps[i] ? repeats(maps[i], dims[i] ?? 1) : 1));
  if (window.some((t) => t === 0)) return null;
  const mean = c.op('AveragePool', [incoming(c)], { kernel_shape: window, strides: window });
  return c.op('Mul', [mean, (window[0] ?? 1) * (window[1] ?? 1)]);
}

export const resizing: GradientTable = { Resize: resize };
