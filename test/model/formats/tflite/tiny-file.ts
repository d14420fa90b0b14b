/** .tflite files of one operator or a few, written table by table with the FlatBuffers writer. */
import type { FlatTable, FlatValue } from '../../../../src/model/formats/flatbuffers/schema.ts';
import { writeFlatbuffer } from '../../../../src/model/formats/flatbuffers/write.ts';
import {
  builtinOperators,
  type TfliteType,
  tensorTypes,
} from '../../../../src/model/formats/tflite/codes.ts';
import {
  furtherOptionTables,
  optionTables,
  type TfliteOptions,
} from '../../../../src/model/formats/tflite/options.ts';
import { tfliteSchema } from '../../../../src/model/formats/tflite/schema.ts';
import { elementCount, type Tensor } from '../../../../src/model/ir/tensor.ts';

export interface TinyTensor {
  readonly dims: readonly number[];
  readonly type: TfliteType;
  /** Of a constant. */
  readonly bytes?: Uint8Array;
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly number[];
  readonly axis?: number;
  readonly signature?: readonly number[];
  readonly isVariable?: boolean;
  readonly fields?: FlatTable;
}

export type Settings = Readonly<Record<string, number | string | Uint8Array | readonly number[]>>;

export interface TinyOperator {
  /** A builtin operator, or the name of a custom one. */
  readonly op: string;
  /** Names of tensors; '' for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly options?: readonly [TfliteOptions, Settings];
  readonly customOptions?: Uint8Array;
  readonly version?: number;
  /** Names of tensors that are computed on the way. */
  readonly intermediates?: readonly string[];
}

export interface TinyGraph {
  readonly tensors: Readonly<Record<string, TinyTensor>>;
  readonly operators: readonly TinyOperator[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export const int32s = (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);
const float32s = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
const int64s = (values: readonly number[]) => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);

/** A constant. */
export const constant = (t: Tensor, more: Partial<TinyTensor> = {}): TinyTensor => ({
  dims: t.dims,
  type: t.dtype as TfliteType,
  bytes: t.bytes(),
  ...more,
});

/** @param graphs  the first is the model's, others are called from it
 *  @param more  further fields of the root table */
export function tinyFile(graphs: readonly TinyGraph[], more: FlatTable = {}): Uint8Array {
  const buffers: FlatTable[] = [{}];
  const codes: FlatTable[] = [];
  const subgraphs = graphs.map((graph) => subgraphOf(graph, buffers, codes));
  return writeFlatbuffer(
    { version: 3, operatorCodes: codes, subgraphs, buffers, ...more } as FlatTable,
    tfliteSchema,
  );
}

function subgraphOf(graph: TinyGraph, buffers: FlatTable[], codes: FlatTable[]): FlatTable {
  const names = Object.keys(graph.tensors);
  const places = (list: readonly string[]) =>
    int32s(
      list.map((name) => {
        if (name !== '' && !names.includes(name)) throw new Error(`no tensor ${name}`);
        return name === '' ? -1 : names.indexOf(name);
      }),
    );
  return {
    tensors: names.map((name) => tensorTable(name, graph.tensors[name]!, buffers)),
    inputs: places(graph.inputs),
    outputs: places(graph.outputs),
    name: 'main',
    operators: graph.operators.map(
      (operator): FlatTable => ({
        opcodeIndex: codeOf(operator, codes),
        inputs: places(operator.inputs),
        outputs: places(operator.outputs),
        ...(operator.intermediates ? { intermediates: places(operator.intermediates) } : {}),
        ...optionFields(operator),
        ...(operator.customOptions ? { customOptions: operator.customOptions } : {}),
      }),
    ),
  };
}

function tensorTable(name: string, tensor: TinyTensor, buffers: FlatTable[]): FlatTable {
  const { dims, type, bytes, scale, zeroPoint, axis = 0, signature, isVariable } = tensor;
  if (bytes) buffers.push({ data: bytes });
  return {
    shape: int32s(dims),
    type: tensorTypes.indexOf(type),
    buffer: bytes ? buffers.length - 1 : 0,
    name,
    ...(scale
      ? {
          quantization: {
            scale: float32s(scale),
            zeroPoint: int64s(zeroPoint ?? scale.map(() => 0)),
            quantizedDimension: axis,
          },
        }
      : {}),
    ...(signature ? { shapeSignature: int32s(signature) } : {}),
    ...(isVariable ? { isVariable: 1 } : {}),
    ...tensor.fields,
  };
}

function codeOf({ op, version = 1 }: TinyOperator, codes: FlatTable[]): number {
  const builtin = (builtinOperators as readonly string[]).indexOf(op);
  const code = builtin >= 0 ? builtin : builtinOperators.indexOf('CUSTOM');
  codes.push({
    deprecatedBuiltinCode: Math.min(code, 127),
    builtinCode: code,
    version,
    ...(builtin >= 0 ? {} : { customCode: op }),
  });
  return codes.length - 1;
}

function optionFields({ options }: TinyOperator): FlatTable {
  if (!options) return {};
  const [table, settings] = options;
  const values = Object.fromEntries(
    Object.entries(settings).map(([name, value]): [string, FlatValue] => [
      name,
      typeof value === 'object' && !(value instanceof Uint8Array) ? int32s(value) : value,
    ]),
  );
  const further = furtherOptionTables.indexOf(table);
  return further >= 0
    ? { builtinOptions2Type: further, builtinOptions2: values }
    : { builtinOptionsType: optionTables.indexOf(table), builtinOptions: values };
}

/** Elements of a type that takes a byte each. */
export const bytesOf = (dims: readonly number[], value: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length: elementCount(dims) }, (_, i) => value(i) & 255);
