/** What the codec leaves on IR objects to find again when it writes. Values are named, since objects differ in a copy. */

import type { SparseTensor } from '../../ir/attribute.ts';
import type { Graph, Model, ModelFunction, Node, Value } from '../../ir/model.ts';
import { defineNote, type Note, type Notes } from '../../ir/note.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { ValueType } from '../../ir/type.ts';
import type { onnx } from './wire.ts';

interface Unknown {
  /** Fields that the schema of onnx-proto doesn't know. */
  readonly unknown?: readonly Uint8Array[] | undefined;
}

interface ModelNotes extends Unknown {
  readonly trainingInfo?: readonly onnx.ITrainingInfoProto[];
  /** The domain ai.onnx was spelled out in opset_import. */
  readonly spelledOut?: boolean | undefined;
}

export interface GraphNotes extends Unknown {
  readonly quantization?: readonly onnx.ITensorAnnotation[];
  /** Names in value_info, in order. */
  readonly described?: readonly string[];
  /** value_info of names that nothing in the graph has. */
  readonly dangling?: readonly onnx.IValueInfoProto[];
}

interface NodeNotes extends Unknown {
  readonly attributes?: ReadonlyMap<string, AttributeNotes>;
}

export interface AttributeNotes extends Unknown {
  readonly doc?: string;
  readonly types?: readonly onnx.ITypeProto[] | undefined;
}

interface ValueNotes extends Unknown {
  /** The name in the file of a subgraph's value, where it hides one of a value around. */
  readonly hiding?: string;
  /** Present when the type says more than ValueType can. */
  readonly type?: onnx.ITypeProto | undefined;
  /** Type declared for an input that is an initializer too. */
  readonly declared?: ValueType | null;
  /** The stored form of an initializer, valid while `tensor` is its constant. */
  readonly sparse?: { readonly tensor: Tensor; readonly stored: SparseTensor };
}

interface FunctionNotes extends Unknown {
  /** Of the attributes with a default. */
  readonly attributes?: ReadonlyMap<string, AttributeNotes>;
}

export const modelNotes = defineNote<Model, ModelNotes>('onnx model');
export const functionNotes = defineNote<ModelFunction, FunctionNotes>('onnx function');
export const graphNotes = defineNote<Graph, GraphNotes>('onnx graph');
export const nodeNotes = defineNote<Node, NodeNotes>('onnx node');
export const valueNotes = defineNote<Value, ValueNotes>('onnx value');

/** Adds to a note; what is empty is left out. */
export function addNotes<H extends { notes: Notes }, N extends Unknown>(
  note: Note<H, N>,
  holder: H,
  more: N,
): void {
  const entries = Object.entries(more).filter(([, v]) => !isEmpty(v));
  if (entries.length > 0) note.set(holder, { ...note.get(holder), ...(Object.fromEntries(entries) as N) });
}

const isEmpty = (note: unknown) =>
  note === undefined ||
  (Array.isArray(note) && note.length === 0) ||
  (note instanceof Map && note.size === 0);
