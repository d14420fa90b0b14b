/** Types of values: tensors with symbolic shapes, and ONNX's other kinds. */
import type { DType } from './dtype.ts';

/** A number, a symbol shared by name across the model ("batch"), or unknown. */
export type Dim = number | string | null;
export type Shape = readonly Dim[];

export type ValueType =
  /** shape null: even the rank is unknown */
  | { readonly kind: 'tensor'; readonly dtype: DType; readonly shape: Shape | null }
  | { readonly kind: 'sparse'; readonly dtype: DType; readonly shape: Shape | null }
  | { readonly kind: 'sequence'; readonly element: ValueType | null }
  | { readonly kind: 'optional'; readonly element: ValueType | null }
  | { readonly kind: 'map'; readonly key: DType; readonly value: ValueType | null };

export const tensorType = (dtype: DType, shape: Shape | null): ValueType => ({
  kind: 'tensor',
  dtype,
  shape,
});

export const isStatic = (shape: Shape | null | undefined): shape is readonly number[] =>
  shape?.every((d) => typeof d === 'number') ?? false;

/** "float32 [N,3,224,224]" as people and messages write it. */
export function formatType(type: ValueType | null): string {
  if (!type) return 'unknown';
  if (type.kind === 'tensor') return `${type.dtype} ${formatShape(type.shape)}`;
  if (type.kind === 'sparse') return `sparse ${type.dtype} ${formatShape(type.shape)}`;
  if (type.kind === 'map') return `map(${type.key}, ${formatType(type.value)})`;
  return `${type.kind}(${formatType(type.element)})`;
}

export const formatShape = (shape: Shape | null | undefined) =>
  shape == null ? '[?]' : `[${shape.map((d) => d ?? '?').join(',')}]`;
