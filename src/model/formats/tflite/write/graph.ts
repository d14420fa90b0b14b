/** A .tflite subgraph under construction. Operators refer to tensors and graphs as objects; numbers are given when the file is
 *  written (serialize.ts). */
import type { Node } from '../../../ir/model.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import type { BuiltinOperator, TfliteType } from '../codes.ts';
import type { TfliteOptions } from '../options.ts';

/** Integers that stand for (code − zeroPoint)·scale. */
export interface Quantization {
  /** One for the tensor, or one for each index of `axis`. */
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
}

/** What a tensor is, without its name. */
export interface LiteType {
  readonly type: TfliteType;
  readonly shape: readonly number[];
  readonly quantization: Quantization | null;
}

export interface LiteTensor extends LiteType {
  name: string;
  quantization: Quantization | null;
  /** Its sizes, −1 for those that a caller may change; absent where none is. */
  signature?: readonly number[];
  /** Little-endian bytes of a constant. */
  readonly data: (() => Uint8Array) | null;
}

/** A table of settings and what it holds; absent fields are 0. @param graphs  fields that say a graph by its number */
export type LiteOptions = readonly [
  table: TfliteOptions,
  values: FlatTable,
  graphs?: Readonly<Record<string, LiteGraph>>,
];

export interface LiteOperator {
  readonly op: BuiltinOperator;
  /** null: left out. */
  readonly inputs: readonly (LiteTensor | null)[];
  readonly outputs: readonly LiteTensor[];
  readonly options: LiteOptions | null;
}

export interface LitePort {
  /** As the model calls it. */
  readonly name: string;
  readonly tensor: LiteTensor;
}

/** A node that computes in floats, where others of its model compute in integers. */
export interface FloatNode {
  readonly node: Node;
  readonly reason: string;
}

export interface LiteGraph {
  readonly name: string;
  readonly operators: readonly LiteOperator[];
  readonly inputs: readonly LitePort[];
  readonly outputs: readonly LitePort[];
}

export const sameQuantization = (a: Quantization | null, b: Quantization | null): boolean =>
  a === b || (a !== null && b !== null && JSON.stringify(a) === JSON.stringify(b));

export const isPerChannel = (t: LiteType | null | undefined): boolean =>
  (t?.quantization?.scale.length ?? 0) > 1;

/** Operators that no node of a model stands for, as a rule. */
const carriers: readonly BuiltinOperator[] = ['QUANTIZE', 'TRANSPOSE', 'RESHAPE'];

/** Whether it computes in 8-bit integers. */
export const isInteger = ({ op, inputs, outputs }: LiteOperator): boolean =>
  !carriers.includes(op) && outputs[0]?.type === 'int8' && inputs.some((t) => t?.type === 'int8');
