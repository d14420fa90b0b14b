/** What the codec leaves on IR objects (annotation 'onnx') to find again when it writes. Values are never changed and
 *  hold no graph objects, so that copies of a model can share them; values are named, since objects differ. */

import type { SparseTensor } from '../../ir/attribute.ts';
import type { Annotations } from '../../ir/model.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { ValueType } from '../../ir/type.ts';
import type { onnx } from './wire.ts';

interface Notes {
  /** Fields that the schema of onnx-proto doesn't know. */
  readonly unknown?: readonly Uint8Array[] | undefined;
}

export interface ModelNotes extends Notes {
  readonly trainingInfo?: readonly onnx.ITrainingInfoProto[];
  /** The domain ai.onnx was spelled out in opset_import. */
  readonly spelledOut?: boolean;
}

export interface GraphNotes extends Notes {
  readonly quantization?: readonly onnx.ITensorAnnotation[];
  /** Names in value_info, in order. */
  readonly described?: readonly string[];
  /** value_info of names that nothing in the graph has. */
  readonly dangling?: readonly onnx.IValueInfoProto[];
}

export interface NodeNotes extends Notes {
  readonly attributes?: ReadonlyMap<string, AttributeNotes>;
}

export interface AttributeNotes extends Notes {
  readonly doc?: string;
  readonly types?: readonly onnx.ITypeProto[];
}

export interface ValueNotes extends Notes {
  /** Present when the type says more than ValueType can. */
  readonly type?: onnx.ITypeProto;
  /** Type declared for an input that is an initializer too. */
  readonly declared?: ValueType | null;
  /** The stored form of an initializer, valid while `tensor` is its constant. */
  readonly sparse?: { readonly tensor: Tensor; readonly stored: SparseTensor };
}

export interface FunctionNotes extends Notes {
  /** Of the attributes with a default. */
  readonly attributes?: ReadonlyMap<string, AttributeNotes>;
}

const key = 'onnx';

export const notesOf = <N extends Notes>(holder: { annotations: Annotations }): Partial<N> =>
  (holder.annotations.get(key) as N | undefined) ?? {};

/** Adds notes; empty ones are left out. */
export function addNotes<N extends Notes>(holder: { annotations: Annotations }, notes: N): void {
  const entries = Object.entries(notes).filter(([, v]) => !isEmpty(v));
  if (entries.length === 0) return;
  holder.annotations.set(key, { ...notesOf<N>(holder), ...Object.fromEntries(entries) });
}

const isEmpty = (note: unknown) =>
  note === undefined ||
  (Array.isArray(note) && note.length === 0) ||
  (note instanceof Map && note.size === 0);
