/** Tensors with one value that stands in many places (a zero, or the zero point), stored as a bit for each place and the
 *  other values, and put together by ordinary operators on constants:
 *    bit[i] = bits[i / 8] >> (i mod 8) mod 2,   at = cumsum(bit)·bit,   tensor[i] = values[at[i]],   values[0] the common one
 *  A runtime computes that once, when it loads the model. Measured by bench/sparse-storage.ts. */
import { byteLength, type DType } from '../../model/ir/dtype.ts';
import { addInitializer, addNode, removeInitializer, replaceAllUses } from '../../model/ir/edit.ts';
import type { Graph, Value } from '../../model/ir/model.ts';
import { denseTensor, elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';

/** Types whose elements are whole bytes. */
const packable: Partial<Record<DType, number>> = { float32: 4, float16: 2, int8: 1, uint8: 1 };

export interface SparseContent {
  /** 1 where the element is not the common value; low bits first. */
  readonly bits: Uint8Array;
  /** The common value, then the others in order. */
  readonly values: Uint8Array;
  readonly common: number;
}

/** Null where the type can't be packed. Common is zero for floats, the most frequent element for integers. */
export function sparseContent(t: Tensor): SparseContent | null {
  const width = packable[t.dtype];
  if (!width) return null;
  const bytes = t.bytes();
  const count = elementCount(t.dims);
  const fill = new Uint8Array(width);
  if (width === 1) fill[0] = mostFrequent(bytes);
  const isCommon = (i: number) => {
    for (let k = 0; k < width; k++) if (bytes[i * width + k] !== fill[k]) return false;
    return true;
  };
  const bits = new Uint8Array(Math.ceil(count / 8));
  let others = 0;
  for (let i = 0; i < count; i++)
    if (!isCommon(i)) {
      bits[i >> 3]! |= 1 << (i & 7);
      others++;
    }
  const values = new Uint8Array((others + 1) * width);
  values.set(fill);
  for (let i = 0, at = width; i < count; i++)
    if (bits[i >> 3]! & (1 << (i & 7))) {
      values.set(bytes.subarray(i * width, (i + 1) * width), at);
      at += width;
    }
  return { bits, values, common: count - others };
}

function mostFrequent(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const b of bytes) counts[b]!++;
  return counts.indexOf(Math.max(...counts));
}

/** Exchanges initializers of one type and one common value for the operators that make them; together they share one set. */
export function packTogether(
  graph: Graph,
  weights: readonly { readonly value: Value; readonly content: SparseContent }[],
): void {
  const [{ value: first }] = weights as [(typeof weights)[number]];
  const { dtype } = first.constant as Tensor;
  const width = packable[dtype] as number;
  const at = graph.nodes[0];
  const op = (opType: string, inputs: readonly Value[], attributes = {}, outputs = 1) =>
    addNode(graph, { opType, name: `${first.name}/${opType.toLowerCase()}`, inputs, attributes, outputs }, at)
      .outputs as Value[];
  const put = (suffix: string, t: Tensor) => addInitializer(graph, `${first.name}/${suffix}`, t);
  const ints = (suffix: string, values: readonly number[], dims = [values.length]) =>
    put(suffix, tensorOf('int64', dims, values));

  // Every tensor begins with a byte of its own, and all take the common value from places of their own.
  const padded = weights.map(({ content }) => content.bits.length * 8);
  const bits = joined(weights.map(({ content }) => content.bits));
  const fills = new Set(weights.map(({ content }) => content.values.subarray(0, width).join()));
  if (fills.size > 1) throw new RangeError('Tensors packed together share their common value.');
  const values = joined(
    weights.map(({ content }, i) => (i === 0 ? content.values : content.values.subarray(width))),
  );
  const places = put('bits', tensorOf('uint8', [bits.length, 1], bits));
  const shifts = put('shifts', tensorOf('uint8', [8], [0, 1, 2, 3, 4, 5, 6, 7]));
  const [shifted] = op('BitShift', [places, shifts], { direction: 'RIGHT' });
  const [single] = op('Mod', [shifted!, put('two', tensorOf('uint8', [], [2]))]);
  const [flat] = op('Reshape', [single!, ints('all', [-1])]);
  const [bit] = op('Cast', [flat!], { to: 6 });
  const [running] = op('CumSum', [bit!, ints('axis', [0], [])]);
  const [index] = op('Mul', [running!, bit!]);
  const table = put('values', denseTensor(dtype, [values.length / width], values));
  const [all] = op('Gather', [table, index!], { axis: 0 });
  const parts =
    weights.length === 1 && padded[0] === elementCount(first.constant!.dims)
      ? [all as Value]
      : op(
          'Split',
          [all!, ints('sizes', sizesOf(weights, padded))],
          { axis: 0 },
          sizesOf(weights, padded).length,
        );
  let part = 0;
  weights.forEach(({ value }, i) => {
    const { dims } = value.constant as Tensor;
    const piece = parts[part++] as Value;
    if ((padded[i] as number) > elementCount(dims)) part++;
    const [whole] = addNode(
      graph,
      { opType: 'Reshape', name: `${value.name}/unpack`, inputs: [piece, ints('shape', dims)] },
      at,
    ).outputs;
    (whole as Value).type = tensorType(dtype, dims);
    replaceAllUses(value, whole as Value);
    removeInitializer(graph, value);
  });
}

/** Lengths to cut at: each tensor, and behind it the rest of its last byte where there is one. */
function sizesOf(weights: readonly { readonly value: Value }[], padded: readonly number[]): number[] {
  return weights.flatMap(({ value }, i) => {
    const count = elementCount((value.constant as Tensor).dims);
    const rest = (padded[i] as number) - count;
    return rest > 0 ? [count, rest] : [count];
  });
}

export const packedBytes = (content: SparseContent) => content.bits.length + content.values.length;

export const denseBytes = (t: Tensor) => byteLength(t.dtype, elementCount(t.dims));

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
