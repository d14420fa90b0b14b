/** What stands in a written file, by the tables' own reader. */

import { readFlatbuffer } from '../../../../../src/model/formats/flatbuffers/read.ts';
import type { FlatTable } from '../../../../../src/model/formats/flatbuffers/schema.ts';
import { builtinOperators, tensorTypes } from '../../../../../src/model/formats/tflite/codes.ts';
import { tfliteSchema } from '../../../../../src/model/formats/tflite/schema.ts';

export interface WrittenTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Empty where no size is open. */
  readonly signature: readonly number[];
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
}

export interface WrittenOperator {
  readonly op: string;
  readonly version: number;
  readonly inputs: readonly (WrittenTensor | null)[];
  readonly outputs: readonly WrittenTensor[];
  readonly options: FlatTable;
}

export function readTables(bytes: Uint8Array) {
  const root = readFlatbuffer(bytes, tfliteSchema, (reason) => new Error(reason));
  const [graph] = root['subgraphs'] as readonly FlatTable[];
  const tensors = (graph!['tensors'] as readonly FlatTable[]).map(tensorOf);
  const codes = root['operatorCodes'] as readonly FlatTable[];
  const at = (list: unknown) => integers(list).map((i) => tensors[i] ?? null);
  const operators = (graph!['operators'] as readonly FlatTable[]).map((o): WrittenOperator => {
    const code = codes[Number(o['opcodeIndex'] ?? 0)]!;
    return {
      op: builtinOperators[Number(code['builtinCode'])]!,
      version: Number(code['version']),
      inputs: at(o['inputs']),
      outputs: at(o['outputs']) as WrittenTensor[],
      options: (o['builtinOptions'] ?? {}) as FlatTable,
    };
  });
  const ports = (field: string) => at(graph![field]) as WrittenTensor[];
  return { root, operators, inputs: ports('inputs'), outputs: ports('outputs') };
}

function tensorOf(t: FlatTable): WrittenTensor {
  const grid = (t['quantization'] ?? {}) as FlatTable;
  return {
    name: t['name'] as string,
    type: tensorTypes[Number(t['type'] ?? 0)]!,
    shape: integers(t['shape']),
    signature: integers(t['shapeSignature']),
    scale: [...new Float32Array(copied(grid['scale']))],
    zeroPoint: Array.from(new BigInt64Array(copied(grid['zeroPoint'])), Number),
    axis: Number(grid['quantizedDimension'] ?? 0),
  };
}

const integers = (list: unknown): number[] => [...new Int32Array(copied(list))];

/** The file's vectors need not begin where an array of numbers may. */
const copied = (list: unknown): ArrayBuffer => Uint8Array.from((list ?? []) as Uint8Array).buffer;
