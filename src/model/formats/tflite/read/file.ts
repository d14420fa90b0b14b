/** A .tflite file as typed parts. Every number that stands for a name or a place is looked at here, once, so that what
 *  converts operators can follow them.
 *  Source: LiteRT tflite/core/interpreter_builder.cc, tflite/core/tools/verifier.cc. */
import { tfliteMalformed, tfliteUnsupported } from '../../../../support/diagnostics/tflite.ts';
import { bytesField, int32sField, numberField, tableField, tablesField } from '../../flatbuffers/fields.ts';
import { readFlatbuffer } from '../../flatbuffers/read.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import { builtinOperators } from '../codes.ts';
import { tfliteSchema } from '../schema.ts';
import { readTensor, type TfliteTensor } from './tensor.ts';

export interface TfliteFile {
  /** How messages call it. */
  readonly name: string;
  readonly description: string;
  readonly subgraphs: readonly Subgraph[];
  readonly signatures: readonly Signature[];
  /** By name. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

export interface Subgraph {
  readonly index: number;
  readonly tensors: readonly TfliteTensor[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** In the order in which they run. */
  readonly operators: readonly TfliteOperator[];
}

export interface TfliteOperator {
  readonly index: number;
  /** "CONV_2D", or the name of a custom operator. */
  readonly op: string;
  readonly isCustom: boolean;
  /** Tensors; −1 for an input that is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly intermediates: readonly number[];
  readonly options: FlatTable;
  /** Settings of a custom operator. */
  readonly customOptions: Uint8Array;
}

export interface Signature {
  readonly key: string;
  readonly subgraph: number;
  /** Tensors by public name. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
}

/** @throws TFLITE_MALFORMED, TFLITE_UNSUPPORTED */
export function parseTflite(bytes: Uint8Array, name: string): TfliteFile {
  const fail = (what: string) => tfliteMalformed(name, what);
  const root = readFlatbuffer(bytes, tfliteSchema, fail);
  const version = numberField(root, 'version');
  if (version !== 3)
    throw tfliteUnsupported(
      name,
      `it is of version ${version} of the format, and 3 was expected`,
      'Convert the model again with a current converter.',
    );
  const buffers = tablesField(root, 'buffers').map((buffer, i) => bufferBytes(buffer, bytes, i, fail));
  const codes = tablesField(root, 'operatorCodes').map((code, i) => operatorName(code, i, fail));
  const subgraphs = tablesField(root, 'subgraphs').map((table, index) =>
    readSubgraph(table, index, { name, buffers, codes, fail }),
  );
  if (subgraphs.length === 0) throw fail('it has no graph');
  const metadata = tablesField(root, 'metadata').map((entry): [string, Uint8Array] => [
    textField(entry, 'name'),
    buffers[numberField(entry, 'buffer')] ?? new Uint8Array(),
  ]);
  return {
    name,
    description: textField(root, 'description'),
    subgraphs,
    signatures: tablesField(root, 'signatureDefs').map((table) => readSignature(table, subgraphs, fail)),
    metadata: new Map(metadata),
  };
}

type Fail = (what: string) => Error;

interface Parts {
  readonly name: string;
  readonly buffers: readonly Uint8Array[];
  readonly codes: readonly { readonly op: string; readonly isCustom: boolean }[];
  readonly fail: Fail;
}

const textField = (t: FlatTable, field: string) => (t[field] ?? '') as string;

/** Where a file is larger than a flatbuffer can be, buffers stand behind it: `offset` from the start of the file. */
function bufferBytes(buffer: FlatTable, file: Uint8Array, index: number, fail: Fail): Uint8Array {
  const [offset, size] = [BigInt((buffer['offset'] ?? 0) as bigint), BigInt((buffer['size'] ?? 0) as bigint)];
  if (offset <= 1n) return bytesField(buffer, 'data');
  if (size < 0n || offset + size > BigInt(file.length))
    throw fail(`buffer ${index} is said to be ${size} bytes at ${offset}, beyond the end`);
  return file.subarray(Number(offset), Number(offset + size));
}

/** Old files have the code in a byte, new ones in both fields. */
function operatorName(code: FlatTable, index: number, fail: Fail) {
  const number = Math.max(numberField(code, 'deprecatedBuiltinCode'), numberField(code, 'builtinCode'));
  const op = builtinOperators[number];
  if (op === undefined) throw fail(`operator code ${index} is ${number}, which no version of the format has`);
  const isCustom = op === 'CUSTOM';
  return { op: isCustom ? textField(code, 'customCode') : op, isCustom };
}

function readSubgraph(table: FlatTable, index: number, parts: Parts): Subgraph {
  const { fail, name, buffers } = parts;
  const tensors = tablesField(table, 'tensors').map((tensor, i) =>
    readTensor(tensor, { file: name, subgraph: index, index: i, buffers }),
  );
  const places = (field: string, of: FlatTable, what: string, optional = false) =>
    int32sField(of, field).map((at) => {
      if ((optional && at === -1) || tensors[at]) return at;
      throw fail(`${what} refers to tensor ${at} of ${tensors.length}`);
    });
  return {
    index,
    tensors,
    inputs: places('inputs', table, `graph ${index}`),
    outputs: places('outputs', table, `graph ${index}`),
    operators: tablesField(table, 'operators').map((operator, i): TfliteOperator => {
      const code = parts.codes[numberField(operator, 'opcodeIndex')];
      const where = `operator ${i} of graph ${index}`;
      if (!code) throw fail(`${where} has an operator code that the file doesn't list`);
      const custom = bytesField(operator, 'customOptions');
      return {
        index: i,
        ...code,
        inputs: places('inputs', operator, where, true),
        outputs: places('outputs', operator, where),
        intermediates: places('intermediates', operator, where, true),
        options: tableField(operator, 'builtinOptions') ?? tableField(operator, 'builtinOptions2') ?? {},
        customOptions: custom,
      };
    }),
  };
}

function readSignature(table: FlatTable, subgraphs: readonly Subgraph[], fail: Fail): Signature {
  const key = textField(table, 'signatureKey');
  const subgraph = numberField(table, 'subgraphIndex');
  const found = subgraphs[subgraph];
  if (!found) throw fail(`signature "${key}" is of graph ${subgraph}, which isn't there`);
  const tensors = (field: string) =>
    new Map(
      tablesField(table, field).map((entry) => {
        const at = numberField(entry, 'tensorIndex');
        if (!found.tensors[at]) throw fail(`signature "${key}" refers to tensor ${at}`);
        return [textField(entry, 'name'), at];
      }),
    );
  return { key, subgraph, inputs: tensors('inputs'), outputs: tensors('outputs') };
}
