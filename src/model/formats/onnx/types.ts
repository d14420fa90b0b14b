/** TypeProto ↔ ValueType. What ValueType has no place for (denotations, opaque types, newer fields) is found again in
 *  the message that the type was read from. */
import { type DType, dtypeFromCode, dtypes } from '../../ir/dtype.ts';
import type { Dim, Shape, ValueType } from '../../ir/type.ts';
import { bigintOf, type onnx, unknownOf, wireInt } from './wire.ts';

/** null for no type, an undefined element type, and kinds that the IR doesn't model (opaque).
 *  @throws UNKNOWN_DTYPE */
export function decodeType(type: onnx.ITypeProto | null | undefined, where: string): ValueType | null {
  if (!type) return null;
  if (type.tensorType) return decodeArray('tensor', type.tensorType, where);
  if (type.sparseTensorType) return decodeArray('sparse', type.sparseTensorType, where);
  if (type.sequenceType) return { kind: 'sequence', element: decodeType(type.sequenceType.elemType, where) };
  if (type.optionalType) return { kind: 'optional', element: decodeType(type.optionalType.elemType, where) };
  if (!type.mapType?.keyType) return null;
  return {
    kind: 'map',
    key: dtypeFromCode(type.mapType.keyType, where),
    value: decodeType(type.mapType.valueType, where),
  };
}

function decodeArray(
  kind: 'tensor' | 'sparse',
  type: onnx.TypeProto.ITensor,
  where: string,
): ValueType | null {
  if (!type.elemType) return null;
  const shape = type.shape ? (type.shape.dim ?? []).map(decodeDim) : null;
  return { kind, dtype: dtypeFromCode(type.elemType, where), shape };
}

function decodeDim(dim: onnx.TensorShapeProto.IDimension): Dim {
  if (Object.hasOwn(dim, 'dimValue')) {
    const size = Number(bigintOf(dim.dimValue));
    // Old exporters write -1 for a size they don't know.
    return size >= 0 && Number.isSafeInteger(size) ? size : null;
  }
  return dim.dimParam || null;
}

/** The message for a type. Returns `original` itself while it still says the same as `type`; denotations of its
 *  dimensions are carried over while the rank stays. */
export function encodeType(type: ValueType | null, original?: onnx.ITypeProto): onnx.ITypeProto | undefined {
  if (original && sameType(decodeType(original, ''), type)) return original;
  if (!type) return undefined;
  const made = encodeKind(type, original);
  return original?.denotation ? { ...made, denotation: original.denotation } : made;
}

function encodeKind(type: ValueType, original?: onnx.ITypeProto): onnx.ITypeProto {
  switch (type.kind) {
    case 'tensor':
      return { tensorType: encodeArray(type.dtype, type.shape, original?.tensorType?.shape) };
    case 'sparse':
      return { sparseTensorType: encodeArray(type.dtype, type.shape, original?.sparseTensorType?.shape) };
    case 'sequence':
      return { sequenceType: element(type.element, original?.sequenceType?.elemType) };
    case 'optional':
      return { optionalType: element(type.element, original?.optionalType?.elemType) };
    case 'map':
      return {
        mapType: {
          keyType: dtypes[type.key].code,
          ...optional('valueType', encodeType(type.value, original?.mapType?.valueType ?? undefined)),
        },
      };
  }
}

const element = (type: ValueType | null, original: onnx.ITypeProto | null | undefined) =>
  optional('elemType', encodeType(type, original ?? undefined));

const optional = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };

function encodeArray(dtype: DType, shape: Shape | null, was: onnx.ITensorShapeProto | null | undefined) {
  const elemType = dtypes[dtype].code;
  if (!shape) return { elemType };
  const old = was?.dim?.length === shape.length ? was.dim : undefined;
  const dim = shape.map((d, i) => ({ ...encodeDim(d), ...denotation(old?.[i]) }));
  return { elemType, shape: { dim } };
}

const encodeDim = (d: Dim): onnx.TensorShapeProto.IDimension =>
  typeof d === 'number' ? { dimValue: wireInt(d) } : d === null ? {} : { dimParam: d };

const denotation = (d: onnx.TensorShapeProto.IDimension | undefined) =>
  d?.denotation ? { denotation: d.denotation } : {};

export const sameType = (a: ValueType | null, b: ValueType | null) => JSON.stringify(a) === JSON.stringify(b);

/** Whether a type message says more than its ValueType does. */
export function holdsMore(message: object): boolean {
  if (unknownOf(message).length > 0) return true;
  return Object.entries(message).some(([key, value]) => {
    if (key === 'denotation') return value !== '';
    if (key === 'dimValue') return bigintOf(value) < 0n;
    return typeof value === 'object' && value !== null && holdsMore(value);
  });
}
