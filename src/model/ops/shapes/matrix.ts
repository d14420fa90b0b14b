/** Matrix products. */

import { shapeConflict } from '../../../support/diagnostics/graph.ts';
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Dim, Shape } from '../../ir/type.ts';
import { broadcastDim, unify } from '../dims.ts';
import { einsumTerms } from '../einsum.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { broadcastShapes, requireRank, tensor } from './common.ts';

/** [..., M, K] × [..., K, N] → [..., M, N], with numpy's rule for vectors. @throws SHAPE_CONFLICT when K differs */
export function matMulShape(a: Shape | null, b: Shape | null): Shape | null {
  if (!a || !b) return null;
  requireRank(a, 1, 'A');
  requireRank(b, 1, 'B');
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const inner = left[left.length - 1]!;
  const other = right[right.length - 2]!;
  if (typeof inner === 'number' && typeof other === 'number' && inner !== other)
    throw shapeConflict(`inner sizes ${inner} and ${other} differ`);
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2))!;
  const rows = a.length === 1 ? [] : [left[left.length - 2]!];
  const columns = b.length === 1 ? [] : [right[right.length - 1]!];
  return [...batch, ...rows, ...columns];
}

/** Swaps the last two axes when the attribute says so. */
export const swapped = (shape: Shape | null, flag: boolean): Shape | null =>
  shape && flag && shape.length >= 2
    ? [...shape.slice(0, -2), shape[shape.length - 1]!, shape[shape.length - 2]!]
    : shape;

const matMul =
  (a: number, b: number, dtype: DType | ((c: ShapeContext) => DType | null)): ShapeRule =>
  (c) => [tensor(typeof dtype === 'string' ? dtype : dtype(c), matMulShape(c.shape(a), c.shape(b)))];

const gemm: ShapeRule = (c) => {
  const a = swapped(c.shape(0), intAttribute(c.node, 'transA', 0) !== 0);
  const b = swapped(c.shape(1), intAttribute(c.node, 'transB', 0) !== 0);
  return [tensor(c.dtype(0), matMulShape(a, b))];
};

/** com.microsoft FusedMatMul: transBatch moves the leading axis to the place before the last. */
const fusedMatMul: ShapeRule = (c) => {
  const arrange = (index: number, which: 'A' | 'B') => {
    const shape = c.shape(index);
    const batch = intAttribute(c.node, `transBatch${which}`, 0) !== 0;
    const moved =
      shape && batch && shape.length > 2
        ? [...shape.slice(1, -1), shape[0]!, shape[shape.length - 1]!]
        : shape;
    return swapped(moved, intAttribute(c.node, `trans${which}`, 0) !== 0);
  };
  return [tensor(c.dtype(0), matMulShape(arrange(0, 'A'), arrange(1, 'B')))];
};

/** Size of every letter of an Einsum, and the letters of its output. @throws SHAPE_CONFLICT */
export function einsumSizes(
  equation: string,
  shapes: readonly Shape[],
): { sizes: Map<string, Dim>; output: string[] } {
  const ranks = shapes.map((s) => s.length);
  const terms = einsumTerms(equation, ranks);
  const sizes = new Map<string, Dim>();
  terms.inputs.forEach((letters, i) => {
    const shape = shapes[i];
    if (letters.length !== shape?.length)
      throw shapeConflict(`input ${i} has rank ${shape?.length}, its equation ${letters.length} letters`);
    letters.forEach((l, axis) => {
      const known = sizes.get(l);
      const dim = shape[axis]!;
      sizes.set(l, known === undefined ? dim : /\d/.test(l) ? broadcastDim(known, dim) : unify(known, dim));
    });
  });
  return { sizes, output: terms.output };
}

const einsum: ShapeRule = (c) => {
  const shapes = c.node.inputs.map((_, i) => c.shape(i));
  if (shapes.some((s) => s === null)) return [tensor(c.dtype(0), null)];
  const { sizes, output } = einsumSizes(textAttribute(c.node, 'equation', ''), shapes as Shape[]);
  return [
    tensor(
      c.dtype(0),
      output.map((l) => sizes.get(l) ?? 1),
    ),
  ];
};

export const matrixShapes: ShapeTable = {
  MatMul: matMul(0, 1, (c) => c.dtype(0)),
  MatMulInteger: matMul(0, 1, 'int32'),
  QLinearMatMul: matMul(0, 3, (c) => c.dtype(7)),
  Gemm: gemm,
  Einsum: einsum,
  Det: (c) => [tensor(c.dtype(0), c.shape(0)?.slice(0, -2) ?? null)],
  'com.microsoft:FusedGemm': gemm,
  'com.microsoft:FusedMatMul': fusedMatMul,
  'com.microsoft:FusedMatMulActivation': fusedMatMul,
  'com.microsoft:TransposeMatMul': fusedMatMul,
  'com.microsoft:MatMulInteger16': matMul(0, 1, 'int32'),
  'com.microsoft:MatMulIntegerToFloat': matMul(0, 1, (c) => c.dtype(2)),
  'com.microsoft:DynamicQuantizeMatMul': matMul(0, 1, (c) => c.dtype(0)),
  'com.microsoft:QGemm': (c) => {
    const a = swapped(c.shape(0), intAttribute(c.node, 'transA', 0) !== 0);
    const b = swapped(c.shape(3), intAttribute(c.node, 'transB', 0) !== 0);
    return [tensor(c.has(8) ? c.dtype(8) : 'float32', matMulShape(a, b))];
  },
  'com.microsoft:MatMulNBits': (c) => {
    const a = c.shape(0);
    const n = intAttribute(c.node, 'N');
    return [tensor(c.dtype(0), a && [...a.slice(0, -1), n ?? null])];
  },
  'com.microsoft:MatMulBnb4': (c) => {
    const a = c.shape(0);
    const n = intAttribute(c.node, 'N');
    return [tensor(c.dtype(0), a && [...a.slice(0, -1), n ?? null])];
  },
};
