/** Which operators have kernels that a reduced build can cut by element type, and what decides on the kernel. Facts
 *  from onnxruntime 1.31, tools/python/util/ort_format_model/operator_type_usage_processors.py and types.py. */
import type { FlatTable } from '../../model/formats/flatbuffers/schema.ts';

export interface TypeTrack {
  /** Inputs and outputs whose types are listed, by index. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Instead of the above: inputs whose types decide together, in the order in which a kernel is registered. */
  readonly together?: readonly number[];
}

const firstInput: TypeTrack = { inputs: [0], outputs: [] };
const secondInput: TypeTrack = { inputs: [1], outputs: [] };
const twoInputs: TypeTrack = { inputs: [0, 1], outputs: [] };
const output: TypeTrack = { inputs: [], outputs: [0] };

const byFirstInput = `Abs Add ArgMax ArgMin AveragePool BatchNormalization BitShift Ceil Clip Concat Conv CumSum
  DequantizeLinear Div Equal Exp Expand Floor Gemm Greater IsNaN Less Log LogSoftmax LpNormalization MatMul Max MaxPool
  Mean Min Mul Neg NonZero Pad QLinearConv QLinearMatMul Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
  ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Resize ReverseSequence
  RoiAlign Round Scatter ScatterElements ScatterND Shrink Sigmoid Sign Sin Softmax Split SplitToSequence Sqrt Sub Sum
  Tanh TopK Transpose Unique`;

const byOutput = `ConstantOfShape DynamicQuantizeLinear Multinomial QuantizeLinear RandomNormal RandomNormalLike
  RandomUniform RandomUniformLike`;

const named = (names: string, domain: string, track: TypeTrack) =>
  names.split(/\s+/).map((name) => [`${domain}:${name}`, track] as const);

const tracks: ReadonlyMap<string, TypeTrack> = new Map<string, TypeTrack>([
  ...named(byFirstInput, 'ai.onnx', firstInput),
  ...named(byOutput, 'ai.onnx', output),
  ...named('Gather GatherElements Pow Slice', 'ai.onnx', twoInputs),
  ...named('QLinearAdd QLinearMul QLinearConv', 'com.microsoft', firstInput),
  // The first input of Where is always bool.
  ['ai.onnx:Where', secondInput],
  ['ai.onnx:Cast', { inputs: [0], outputs: [0] }],
  // Registered by indices, values and depth.
  ['ai.onnx:OneHot', { inputs: [], outputs: [], together: [0, 2, 1] }],
]);

/** @param key  "domain:operator". @returns null for kernels that are the same for all types, or exist for one only */
export const trackOf = (key: string): TypeTrack | null => tracks.get(key) ?? null;

/** By number in the format's schema. */
const cppTypes: Readonly<Record<number, string>> = {
  1: 'float',
  2: 'uint8_t',
  3: 'int8_t',
  4: 'uint16_t',
  5: 'int16_t',
  6: 'int32_t',
  7: 'int64_t',
  8: 'std::string',
  9: 'bool',
  10: 'MLFloat16',
  11: 'double',
  12: 'uint32_t',
  13: 'uint64_t',
  16: 'BFloat16',
  17: 'Float8E4M3FN',
  18: 'Float8E4M3FNUZ',
  19: 'Float8E5M2',
  20: 'Float8E5M2FNUZ',
  21: 'UInt4x2',
  22: 'Int4x2',
};

/** Element type of a value by its C++ name; of a sequence that of its elements; '' when there is none to list.
 *  @param type  a TypeInfo of the file */
export function cppType(type: FlatTable | undefined): string {
  const value = type?.['value'] as FlatTable | undefined;
  if (!value) return '';
  const kind = Number(type?.['valueType']);
  if (kind === 1) return cppTypes[Number(value['elemType'] ?? 0)] ?? '';
  if (kind === 2) return cppType(value['elemType'] as FlatTable | undefined);
  const key = cppTypes[Number(value['keyType'] ?? 0)] ?? '';
  return `std::map<${key},${cppType(value['valueType'] as FlatTable | undefined)}>`;
}
