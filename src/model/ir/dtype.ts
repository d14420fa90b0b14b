/** Element types of ONNX 1.20, with what each needs in storage. */
import { unknownDtype } from '../../support/diagnostics/graph.ts';

export type DType =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2';

interface DTypeInfo {
  /** TensorProto.DataType. */
  readonly code: number;
  /** Bits an element takes in raw data; 0 for strings. */
  readonly bits: number;
  readonly kind: 'float' | 'int' | 'uint' | 'bool' | 'string' | 'complex';
  /** Least opset-independent IR version that knows the type. */
  readonly irVersion: number;
  /** Limits of the integer types. */
  readonly min?: number;
  readonly max?: number;
}

const row = (
  code: number,
  bits: number,
  kind: DTypeInfo['kind'],
  irVersion = 3,
  min?: number,
  max?: number,
) =>
  ({ code, bits, kind, irVersion, ...(min === undefined ? {} : { min, max: max as number }) }) as DTypeInfo;

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: row(1, 32, 'float'),
  uint8: row(2, 8, 'uint', 3, 0, 255),
  int8: row(3, 8, 'int', 3, -128, 127),
  uint16: row(4, 16, 'uint', 3, 0, 65535),
  int16: row(5, 16, 'int', 3, -32768, 32767),
  int32: row(6, 32, 'int', 3, -2147483648, 2147483647),
  int64: row(7, 64, 'int'),
  string: row(8, 0, 'string'),
  bool: row(9, 8, 'bool'),
  float16: row(10, 16, 'float'),
  float64: row(11, 64, 'float'),
  uint32: row(12, 32, 'uint', 3, 0, 4294967295),
  uint64: row(13, 64, 'uint'),
  complex64: row(14, 64, 'complex'),
  complex128: row(15, 128, 'complex'),
  bfloat16: row(16, 16, 'float', 4),
  float8e4m3fn: row(17, 8, 'float', 9),
  float8e4m3fnuz: row(18, 8, 'float', 9),
  float8e5m2: row(19, 8, 'float', 9),
  float8e5m2fnuz: row(20, 8, 'float', 9),
  uint4: row(21, 4, 'uint', 10, 0, 15),
  int4: row(22, 4, 'int', 10, -8, 7),
  float4e2m1: row(23, 4, 'float', 11),
  float8e8m0: row(24, 8, 'float', 12),
  uint2: row(25, 2, 'uint', 13, 0, 3),
  int2: row(26, 2, 'int', 13, -2, 1),
};

const byCode = new Map(Object.entries(dtypes).map(([name, info]) => [info.code, name as DType]));

/** @throws UNKNOWN_DTYPE */
export function dtypeFromCode(code: number, where: string): DType {
  const name = byCode.get(code);
  if (!name) throw unknownDtype(code, where);
  return name;
}

/** By its name in TensorProto: "FLOAT", "INT64". */
export function dtypeFromName(name: string): DType | undefined {
  const word = name.toLowerCase();
  const known = word === 'float' ? 'float32' : word === 'double' ? 'float64' : word;
  return isDType(known) ? known : undefined;
}

export const isDType = (name: string): name is DType => Object.hasOwn(dtypes, name);

export const isFloat = (dtype: DType | null | undefined) =>
  dtype === 'float32' || dtype === 'float16' || dtype === 'float64' || dtype === 'bfloat16';

/** Bytes that `count` elements take, sub-byte types packed. */
export const byteLength = (dtype: DType, count: number) => Math.ceil((count * dtypes[dtype].bits) / 8);
