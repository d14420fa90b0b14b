/** Stores tables of int64 and int32 – indices, positions, masks – in the narrowest integers that hold them, behind a Cast that a
 *  runtime computes once, when it loads the model. Exporters write every index in 64 bits; most are under 256 or 65536.
 *  It belongs last: passes after it don't see these constants.
 *  Left alone: tables that save less than `minBytes`, those of a caller's or that are graph outputs, and what quantised operators
 *  read, whose types are part of what they are.
 *  Source: ONNX Cast-13. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { type DType, dtypes } from '../src/model/ir/dtype.ts';
import { addInitializer, addNode, removeInitializer, replaceAllUses } from '../src/model/ir/edit.ts';
import { type Graph, isGraphOutput, type Node, readers, type Value } from '../src/model/ir/model.ts';
import { elementCount, type Tensor, tensorOf, typedArray } from '../src/model/ir/tensor.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { initializersOf } from '../src/model/ir/walk.ts';

const options = z.strictObject({
  /** Least gain; a Cast takes some hundred bytes of the file itself. */
  minBytes: z.number().int().min(0).default(1024),
});

/** The narrowest first. */
const narrow = [
  { dtype: 'uint8', from: 0, to: 255 },
  { dtype: 'int8', from: -128, to: 127 },
  { dtype: 'uint16', from: 0, to: 65535 },
  { dtype: 'int16', from: -32768, to: 32767 },
  { dtype: 'int32', from: -(2 ** 31), to: 2 ** 31 - 1 },
] as const;

export const narrowIntegers = definePass({
  name: 'narrow-integers',
  summary: 'Stores tables of integers in as few bytes as hold them',
  effect: 'exact',
  describe: counted('table of integers narrowed', 'tables of integers narrowed'),
  prominence: 8,
  options,
  needs: () => ({ opset: 13 }),
  apply(model, { minBytes }) {
    let changed = 0;
    for (const { graph, value } of [...initializersOf(model)])
      if (isTable(value) && narrowed(graph, value, minBytes)) changed++;
    return { changed, skipped: [] };
  },
});

const isTable = (value: Value) =>
  (value.constant?.dtype === 'int64' || value.constant?.dtype === 'int32') &&
  !value.overridable &&
  !isGraphOutput(value) &&
  value.uses.length > 0 &&
  readers(value).every(isPlain);

/** Operators of integers with scales take exactly the types that they name; those of other domains are not known. */
const isPlain = ({ domain, opType }: Node) =>
  (domain === '' || domain === 'ai.onnx') && !/Linear|Integer$/.test(opType);

function narrowed(graph: Graph, value: Value, minBytes: number): boolean {
  const tensor = value.constant as Tensor;
  const saved = (dtype: DType) =>
    (elementCount(tensor.dims) * (dtypes[tensor.dtype].bits - dtypes[dtype].bits)) / 8;
  if (saved('int8') < minBytes) return false;
  const values = Array.from(typedArray(tensor), Number);
  const dtype = narrowestFor(values);
  if (!dtype || saved(dtype) < minBytes) return false;
  const stored = addInitializer(graph, `${value.name}/${dtype}`, tensorOf(dtype, tensor.dims, values));
  const cast = addNode(
    graph,
    {
      opType: 'Cast',
      inputs: [stored],
      outputs: [`${value.name}/${tensor.dtype}`],
      attributes: { to: dtypes[tensor.dtype].code },
    },
    graph.nodes[0],
  );
  const [wider] = cast.outputs as [Value];
  wider.type = tensorType(tensor.dtype, tensor.dims);
  replaceAllUses(value, wider);
  removeInitializer(graph, value);
  return true;
}

function narrowestFor(values: readonly number[]): DType | null {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) {
    if (v < least) least = v;
    if (v > most) most = v;
  }
  return narrow.find(({ from, to }) => least >= from && most <= to)?.dtype ?? null;
}
