/** Matrix products. */
import { floatAttribute, intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { isStatic, type Shape } from '../../../../ir/type.ts';
import { permuted } from '../../../lowered/weights.ts';
import { type Emitter, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { scaled } from './activations.ts';
import { einsum } from './einsum.ts';
import { cast } from './elementwise.ts';
import { concat, reshape, shapeTensor, sizeOf, sliceVector, transpose } from './shaping.ts';

interface Side {
  readonly ref: Ref;
  readonly shape: Shape;
}

/** Rows of any number of axes times one matrix are rows of one: TensorFlow.js's wasm kernel is fast for two matrices. Other
 *  batches are brought to one size, which not every backend does itself. */
function product(e: Emitter, a: Side, b: Side): Ref {
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (right.length === 0) return left.length === 0 ? matrices(e, a.ref, b.ref) : rowsTimes(e, a, b);
  const batch = isStatic(left) && isStatic(right) ? broadcast(left, right) : null;
  const wide = ({ ref, shape }: Side, own: Shape) =>
    batch && isStatic(shape) && own.join() !== batch.join()
      ? e.op('BroadcastTo', [ref, e.int([...batch, ...shape.slice(-2)])])
      : ref;
  return e.op('BatchMatMulV2', [wide(a, left), wide(b, right)], {
    adj_x: { bool: false },
    adj_y: { bool: false },
  });
}

const matrices = (e: Emitter, a: Ref, b: Ref): Ref =>
  e.op('MatMul', [a, b], { transpose_a: { bool: false }, transpose_b: { bool: false } });

function rowsTimes(e: Emitter, a: Side, b: Side): Ref {
  const width = a.shape.at(-1);
  if (typeof width !== 'number') return e.op('BatchMatMulV2', [a.ref, b.ref]);
  const rows = matrices(e, reshape(e, a.ref, [-1, width]), b.ref);
  const columns = b.shape.at(-1);
  const dims = [...a.shape.slice(0, -1), columns ?? null];
  const open = dims.filter((d) => typeof d !== 'number');
  if (open.length <= 1 && !dims.includes(0))
    return reshape(
      e,
      rows,
      dims.map((d) => (typeof d === 'number' ? d : -1)),
    );
  const outer = sliceVector(e, shapeTensor(e, a.ref), 0, a.shape.length - 1);
  return e.op('Reshape', [
    rows,
    concat(e, [outer, typeof columns === 'number' ? e.int([columns]) : sizeOf(e, b.ref, 1)]),
  ]);
}

/** NumPy's: sizes from the right, 1 meets any. */
const broadcast = (a: readonly number[], b: readonly number[]): number[] => {
  const rank = Math.max(a.length, b.length);
  const at = (dims: readonly number[], i: number) => dims[i - (rank - dims.length)] ?? 1;
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
};

/** A vector on the left is a row, on the right a column, whose axis goes afterwards. */
const matMul: TfOperator = (node, e) => {
  const shapes = [0, 1].map((i) => shapeAt(node, i)) as [Shape, Shape];
  const ranks = shapes.map((shape) => shape.length);
  const a = asFloat(e, e.input(node, 0));
  const b = asFloat(e, e.input(node, 1));
  const [row, column] = [ranks[0] === 1, ranks[1] === 1];
  const left = row ? e.op('ExpandDims', [a, e.int(0)]) : a;
  const right = column ? e.op('ExpandDims', [b, e.int(1)]) : b;
  const y = product(
    e,
    { ref: left, shape: row ? [1, ...shapes[0]] : shapes[0] },
    { ref: right, shape: column ? [...shapes[1], 1] : shapes[1] },
  );
  const gone = [...(row ? [-2] : []), ...(column ? [-1] : [])].map((axis) => axis + Math.max(2, ...ranks));
  const squeezed = gone.length > 0 ? e.op('Squeeze', [y], { squeeze_dims: { ints: gone } }) : y;
  return cast(e, squeezed, e.input(node, 0).dtype);
};

const asFloat = (e: Emitter, x: Ref): Ref => cast(e, x, 'float32');

/** An operand of Gemm, turned where it is to be turned. TensorFlow.js's wasm kernel takes its slow path for turned operands:
 *  constants are stored turned. */
function operand(node: Node, e: Emitter, index: number, flag: string): Ref {
  if (intAttribute(node, flag, 0) === 0) return e.input(node, index);
  const weight = e.weightOf(node.inputs[index]);
  return weight ? e.weight(permuted(weight, [1, 0])) : transpose(e, e.input(node, index), [1, 0]);
}

/** α·A·B + β·C */
const gemm: TfOperator = (node, e) => {
  const made = matrices(e, operand(node, e, 0, 'transA'), operand(node, e, 1, 'transB'));
  const y = scaled(e, made, floatAttribute(node, 'alpha', 1));
  const bias = node.inputs[2];
  const beta = floatAttribute(node, 'beta', 1);
  if (!bias || beta === 0) return y;
  const c = scaled(e, e.ref(bias), beta);
  const isRow = shapeOf(bias)?.length === 1 && shapeOf(bias)![0] === shapeOf(node.outputs[0])?.at(-1);
  return isRow ? e.op('BiasAdd', [y, c], { data_format: { text: 'NHWC' } }) : e.op('AddV2', [y, c]);
};

const einsumOf: TfOperator = (node, e) =>
  einsum(
    node,
    e,
    textAttribute(node, 'equation', '').replaceAll(' ', ''),
    node.inputs.map((_, i) => ({ ref: e.input(node, i), rank: shapeAt(node, i).length })),
  );

/** com.microsoft FusedMatMul: α·op(A)·op(B). */
const fusedMatMul: TfOperator = (node, e) => {
  const other = ['transBatchA', 'transBatchB'].some((name) => intAttribute(node, name, 0) !== 0);
  if (other) return refuse(node, 'it turns batches');
  const y = e.op('BatchMatMulV2', [e.input(node, 0), e.input(node, 1)], {
    adj_x: { bool: intAttribute(node, 'transA', 0) !== 0 },
    adj_y: { bool: intAttribute(node, 'transB', 0) !== 0 },
  });
  return scaled(e, y, floatAttribute(node, 'alpha', 1));
};

export const products: TfOperators = {
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsumOf,
  'com.microsoft:FusedMatMul': fusedMatMul,
};
