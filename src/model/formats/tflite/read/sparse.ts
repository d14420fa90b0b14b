/** Constants that a file holds as a sparse tensor: levels, dense or compressed, of a tree whose leaves are the values.
 *  Source: tflite/kernels/internal/utils/sparsity_format_converter.cc. */
import { byteLength, type DType } from '../../../ir/dtype.ts';
import { denseTensor, elementCount, type Tensor } from '../../../ir/tensor.ts';
import { bytesField, int32sField, numberField, tableField, tablesField } from '../../flatbuffers/fields.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import type { TfliteType } from '../codes.ts';

interface Stored {
  readonly dims: readonly number[];
  readonly type: TfliteType;
  readonly dtype: DType;
  /** The values that aren't left out. */
  readonly bytes: Uint8Array;
  /** @param what  follows the tensor's name */
  readonly fail: (what: string) => Error;
}

type Level =
  | { readonly kind: 'dense'; readonly size: number }
  | { readonly kind: 'sparse'; readonly segments: readonly number[]; readonly indices: readonly number[] };

/** How many times its stored values a tensor may be; what is pruned keeps one in twenty. */
const largestGrowth = 1024;

/** @throws what `fail` makes when the tree doesn't fit the shape or the values */
export function denseTensorOf(sparsity: FlatTable, { dims, type, dtype, bytes, fail }: Stored): Tensor {
  const size = byteLength(dtype, 1);
  const rank = dims.length;
  const order = int32sField(sparsity, 'traversalOrder');
  const blockMap = int32sField(sparsity, 'blockMap');
  const levels = tablesField(sparsity, 'dimMetadata').map((level) => readLevel(level, fail));
  const fits =
    !/^u?int[24]$/.test(type) &&
    levels.length === rank + blockMap.length &&
    isOrder(order, rank, levels.length) &&
    blockMap.every((axis) => axis >= 0 && axis < rank) &&
    new Set(blockMap).size === blockMap.length;
  if (!fits) throw fail(`of ${type} [${dims}] has a sparsity of ${levels.length} levels that doesn't fit it`);
  const total = byteLength(dtype, elementCount(dims));
  if (!(total <= largestGrowth * (bytes.length + 1))) throw fail(`has ${bytes.length} bytes for [${dims}]`);
  const blockSizes = blockMap.map((_, block) => {
    const level = levels[order.indexOf(rank + block)]!;
    return level.kind === 'dense' ? level.size : 0;
  });
  const dense = new Uint8Array(total);
  const at = levels.map(() => 0);
  let next = 0;
  const place = (): number => {
    const index = dims.map(() => 0);
    order.forEach((axis, level) => {
      const block = axis - rank;
      if (block < 0) index[axis] = at[level]!;
      else index[blockMap[block]!] = index[blockMap[block]!]! * blockSizes[block]! + at[level]!;
    });
    if (index.some((i, axis) => i < 0 || i >= dims[axis]!)) throw fail('has a value outside its shape');
    return index.reduce((flat, i, axis) => flat * dims[axis]! + i, 0);
  };
  const visit = (level: number, before: number): void => {
    const one = levels[level];
    if (!one) {
      if (next + size > bytes.length) throw fail('has fewer values than its sparsity says');
      dense.set(bytes.subarray(next, next + size), place() * size);
      next += size;
      return;
    }
    const [from, to] =
      one.kind === 'dense' ? [0, one.size] : [one.segments[before], one.segments[before + 1]];
    if (
      from === undefined ||
      to === undefined ||
      from < 0 ||
      (one.kind === 'sparse' && to > one.indices.length)
    )
      throw fail('has a sparsity whose levels do not fit');
    for (let i = from; i < to; i++) {
      at[level] = one.kind === 'dense' ? i : one.indices[i]!;
      visit(level + 1, one.kind === 'dense' ? before * one.size + i : i);
    }
  };
  visit(0, 0);
  return denseTensor(dtype, dims, dense);
}

/** Axes first, then blocks, each once. */
const isOrder = (order: readonly number[], rank: number, length: number) =>
  order.length === length &&
  new Set(order).size === length &&
  order.every((axis, level) => axis >= 0 && axis < length && axis < rank === level < rank);

function readLevel(level: FlatTable, fail: (what: string) => Error): Level {
  if (numberField(level, 'format') === 0) {
    const size = numberField(level, 'denseSize');
    if (size <= 0) throw fail(`has a level of ${size} in its sparsity`);
    return { kind: 'dense', size };
  }
  return {
    kind: 'sparse',
    segments: integers(level, 'arraySegments'),
    indices: integers(level, 'arrayIndices'),
  };
}

/** Of 32, 16 or 8 bits, as its kind says. */
function integers(level: FlatTable, field: string): number[] {
  const vector = tableField(level, field) ?? {};
  const kind = numberField(level, `${field}Type`);
  if (kind === 1) return int32sField(vector, 'values');
  const bytes = bytesField(vector, 'values');
  return kind === 2 ? [...new Uint16Array(Uint8Array.from(bytes).buffer)] : [...bytes];
}
