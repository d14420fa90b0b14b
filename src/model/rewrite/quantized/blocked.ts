/** Weights in blocks that share a scale, packed as onnxruntime stores them, as blocked DequantizeLinear.
 *    y = x·Wᵀ + bias,  W[n, k] = (q[n, k] − z[n, b])·s[n, b],  b = ⌊k/block⌋
 *  q [N, blocks, block·bits/8], z [N, ⌈blocks·bits/8⌉], low bits first; z is in the middle where it is left out. What
 *  `accuracy_level` allows (activations in 8 bits) isn't done. Sources: onnxruntime's MatMulNBits and GatherBlockQuantized. */
import { intAttribute } from '../../ir/attribute.ts';
import { dtypes, isFloat } from '../../ir/dtype.ts';
import { constantOf, type Value } from '../../ir/model.ts';
import { denseTensor, elementCount, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { normalAxis } from '../arguments.ts';
import { type Apart, type FusedOperators, inputAt } from '../fused/apart.ts';
import { type Emit, skip } from '../rule.ts';

/** The first `columns` numbers of each row of packed bytes, in uint8. */
function unpackRows(packed: Tensor, bits: number, dims: readonly number[]): Tensor {
  const bytes = packed.bytes();
  const columns = dims.at(-1)!;
  const rows = elementCount(dims.slice(0, -1));
  const [perByte, mask, width] = [8 / bits, (1 << bits) - 1, bytes.length / rows];
  const codes = new Uint8Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row++)
    for (let c = 0; c < columns; c++)
      codes[at++] = (bytes[row * width + Math.floor(c / perByte)]! >> ((c % perByte) * bits)) & mask;
  return tensorOf('uint8', dims, codes);
}

/** Zero points of [rows, blocks] as they are packed, or in the middle. */
const unpackZeros = (packed: Tensor | null, bits: number, dims: readonly number[]): Tensor =>
  packed
    ? unpackRows(packed, bits, dims)
    : tensorOf('uint8', dims, new Uint8Array(elementCount(dims)).fill(1 << (bits - 1)));

const dequantized = (emit: Emit, parts: readonly Tensor[], axis: number, block: number): Value =>
  emit('DequantizeLinear', parts, { attributes: { axis, block_size: block } });

const product = (emit: Emit, x: Value, rows: Value, bias: Value | null): Value => {
  const y = emit('MatMul', [x, emit('Transpose', [rows], { attributes: { perm: [1, 0] } })]);
  return bias ? emit('Add', [y, bias]) : y;
};

const matMulNBits: Apart = (node, emit) => {
  const [x, packed, scales, zeros, order, bias] = [0, 1, 2, 3, 4, 5].map((i) => inputAt(node, i));
  const [bits, block] = [intAttribute(node, 'bits', 4), intAttribute(node, 'block_size', 0)];
  const [rows, columns] = [intAttribute(node, 'N', 0), intAttribute(node, 'K', 0)];
  const [bytes, scale, zero] = [
    constantOf(packed),
    constantOf(scales),
    zeros ? constantOf(zeros) : undefined,
  ];
  if (order) return skip('columns-in-an-order-of-their-own');
  if (!x || !bytes || !scale || zero === null) return skip('weights-computed-at-run-time');
  const each = [rows, Math.ceil(columns / block)];
  const codes = unpackRows(bytes, bits, [rows, columns]);
  const values = withDims(scale, each);
  if (zero && isFloat(zero.dtype)) {
    if (columns % block !== 0) return skip('real-zero-points-of-a-block-that-is-not-full');
    return product(emit, x, aroundReals(emit, codes, values, withDims(zero, each)), bias ?? null);
  }
  const points = unpackZeros(zero ?? null, bits, each);
  return product(emit, x, dequantized(emit, [codes, values, points], 1, block), bias ?? null);
};

const withDims = (t: Tensor, dims: readonly number[]): Tensor => denseTensor(t.dtype, dims, t.bytes());

/** [rows, columns] of codes less zero points that no integer type has. */
function aroundReals(emit: Emit, codes: Tensor, scale: Tensor, zero: Tensor): Value {
  const [rows, blocks] = scale.dims as readonly [number, number];
  const split = withDims(codes, [rows, blocks, codes.dims[1]! / blocks]);
  const real = emit('Cast', [split], { attributes: { to: dtypes[scale.dtype].code } });
  const each = [rows, blocks, 1];
  const matrix = emit('Mul', [emit('Sub', [real, withDims(zero, each)]), withDims(scale, each)]);
  return emit('Reshape', [matrix, tensorOf('int64', [2], codes.dims)]);
}

const gather: Apart = (node, emit) => {
  const [data, indices, scales, zeros] = [0, 1, 2, 3].map((i) => inputAt(node, i));
  const [table, scale, zero] = [constantOf(data), constantOf(scales), zeros ? constantOf(zeros) : undefined];
  if (!table || !indices || !scale || zero === null) return skip('table-computed-at-run-time');
  const bits = intAttribute(node, 'bits', 4);
  const axis = normalAxis(intAttribute(node, 'quantize_axis', 1), table.dims.length);
  const block = intAttribute(node, 'block_size', 128);
  const parts =
    table.dtype === 'uint8'
      ? unpackedTable(table, scale, zero, bits)
      : [table, scale, ...(zero ? [zero] : [])];
  const rows = dequantized(emit, parts, axis, block);
  return emit('Gather', [rows, indices], { attributes: { axis: intAttribute(node, 'gather_axis', 0) } });
};

/** Bytes of several numbers each along the last axis. */
function unpackedTable(table: Tensor, scale: Tensor, zero: Tensor | undefined, bits: number): Tensor[] {
  const columns = (table.dims.at(-1)! * 8) / bits;
  const codes = unpackRows(table, bits, table.dims.with(-1, columns));
  return [codes, scale, unpackZeros(zero ?? null, bits, scale.dims)];
}

export const quantizedBlocks: FusedOperators = {
  'com.microsoft:MatMulNBits': matMulNBits,
  'com.microsoft:GatherBlockQuantized': gather,
};
