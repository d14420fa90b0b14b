/** What samples a map at other places than it has: resizes, grids, regions, blocks to and from depth. */
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from '../../ir/attribute.ts';
import type { Node } from '../../ir/model.ts';
import type { Dim } from '../../ir/type.ts';
import { divideFloor, multiply } from '../dims.ts';
import type { ShapeRule, ShapeTable } from '../types.ts';
import { requireRank, tensor } from './common.ts';

const roiAlign: ShapeRule = (c) => [
  tensor(c.dtype(0), [
    c.shape(2)?.[0] ?? c.shape(1)?.[0] ?? null,
    c.shape(0)?.[1] ?? null,
    intAttribute(c.node, 'output_height', 1),
    intAttribute(c.node, 'output_width', 1),
  ]),
];

const gridSample: ShapeRule = (c) => {
  const [x, grid] = [c.shape(0), c.shape(1)];
  if (x) requireRank(x, 2, 'GridSample');
  return [tensor(c.dtype(0), x && grid && [x[0]!, x[1]!, ...grid.slice(1, -1)])];
};

/** theta [N, 2, 3] with size [N, C, H, W] → [N, H, W, 2]; 3-D alike. */
const affineGrid: ShapeRule = (c) => {
  const size = c.data(1)?.values;
  return [tensor(c.dtype(0), size ? [size[0]!, ...size.slice(2), size.length - 2] : null)];
};

const depthToSpace: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (shape) requireRank(shape, 4, c.node.opType);
  const b = intAttribute(c.node, 'blocksize', 1);
  return [
    tensor(
      c.dtype(0),
      shape && [shape[0]!, divideFloor(shape[1]!, b * b), multiply(shape[2]!, b), multiply(shape[3]!, b)],
    ),
  ];
};

const spaceToDepth: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (shape) requireRank(shape, 4, c.node.opType);
  const b = intAttribute(c.node, 'blocksize', 1);
  return [
    tensor(
      c.dtype(0),
      shape && [shape[0]!, multiply(shape[1]!, b * b), divideFloor(shape[2]!, b), divideFloor(shape[3]!, b)],
    ),
  ];
};

/** Floor of size·scale; exact for whole scales over symbols. */
function scaled(d: Dim, scale: Dim): Dim {
  if (typeof scale !== 'number') return null;
  // float32 scales: 0.8 · 5 must give 4 as the runtimes compute it.
  if (typeof d === 'number') return Math.floor(Math.fround(d * Math.fround(scale)));
  if (Number.isInteger(scale)) return multiply(d, scale);
  return Number.isInteger(1 / scale) ? divideFloor(d, 1 / scale) : null;
}

/** Inputs by opset: 9 (Upsample) and 10: X, scales; from 11: X, roi, scales, sizes. */
const resize: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null)];
  const early = c.node.opType === 'Upsample' || c.opset < 11;
  const scales = c.data(early ? 1 : 2)?.values;
  const sizes = early ? undefined : c.data(3)?.values;
  const axes = (intsAttribute(c.node, 'axes') ?? shape.map((_, i) => i)).map(
    (a) => (a + shape.length) % shape.length,
  );
  const dims = axes.map((axis, i): Dim => {
    if (sizes && sizes.length === axes.length) return sizes[i]!;
    return scales && scales.length === axes.length ? scaled(shape[axis]!, scales[i]!) : null;
  });
  const policy = textAttribute(c.node, 'keep_aspect_ratio_policy', 'stretch');
  const out: Dim[] = [...shape];
  axes.forEach((axis, i) => {
    out[axis] = dims[i]!;
  });
  if (sizes && policy !== 'stretch') {
    const ratios = axes.map((axis, i) => Number(dims[i]) / Number(shape[axis]));
    const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    axes.forEach((axis) => {
      out[axis] = Number.isFinite(ratio) ? Math.round(Number(shape[axis]) * ratio) : null;
    });
  }
  return [tensor(c.dtype(0), out)];
};

const upsample: ShapeRule = (c) => {
  const scales = upsampleScales(c.node);
  const shape = c.shape(0);
  if (!scales || !shape) return resize(c);
  return [
    tensor(
      c.dtype(0),
      shape.map((d, i) => scaled(d, scales[i] ?? 1)),
    ),
  ];
};

/** From opset 7 on a list, before of height and width alone; undefined: an input, from 9 on. */
function upsampleScales(node: Node): readonly number[] | undefined {
  const scales = node.attributes.get('scales');
  if (scales?.type === 'floats') return scales.value;
  if (!node.attributes.has('height_scale')) return undefined;
  return [1, 1, floatAttribute(node, 'height_scale', 1), floatAttribute(node, 'width_scale', 1)];
}

export const resamplingShapes: ShapeTable = {
  RoiAlign: roiAlign,
  MaxRoiPool: (c) => {
    const pooled = intsAttribute(c.node, 'pooled_shape', [1, 1]);
    return [tensor(c.dtype(0), [c.shape(1)?.[0] ?? null, c.shape(0)?.[1] ?? null, ...pooled])];
  },
  GridSample: gridSample,
  'com.microsoft:GridSample': gridSample,
  AffineGrid: affineGrid,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Upsample: upsample,
};
