/** Tensors of a .tflite file: what they are, how they are quantised, and the content of constants. */
import { tfliteMalformed, tfliteUnsupported } from '../../../../support/diagnostics/tflite.ts';
import { byteLength, type DType } from '../../../ir/dtype.ts';
import { denseTensor, elementCount, lazyTensor, type Tensor, unpack } from '../../../ir/tensor.ts';
import {
  float32sField,
  int32sField,
  int64sField,
  numberField,
  tableField,
} from '../../flatbuffers/fields.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import { type TfliteType, tensorTypes } from '../codes.ts';
import { denseTensorOf } from './sparse.ts';

export interface TfliteTensor {
  readonly index: number;
  /** Not empty. */
  readonly name: string;
  readonly type: TfliteType;
  /** −1 for sizes that are open. Files that say nothing of a shape don't say that it is a scalar's. */
  readonly shape: readonly number[];
  readonly quantization: Quantization | null;
  /** State that a run leaves to the next. */
  readonly isVariable: boolean;
  /** Of constants; null for what is computed. */
  readonly constant: Tensor | null;
  /** As messages call it: 'tensor 7 "weights"'. */
  readonly label: string;
}

/** real = scale · (stored − zero point), one pair for the tensor or one for each index of an axis. */
export interface Quantization {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** null for one pair. */
  readonly axis: number | null;
}

/** Where a tensor stands in its file. */
interface Place {
  readonly file: string;
  readonly subgraph: number;
  readonly index: number;
  readonly buffers: readonly Uint8Array[];
}

const largestRank = 32;

/** Types of ONNX with the same elements; those of fewer than 8 bits are widened. */
const sameElements: Partial<Record<TfliteType, DType>> = {
  float32: 'float32',
  float16: 'float16',
  float64: 'float64',
  bfloat16: 'bfloat16',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
  bool: 'bool',
  int4: 'int8',
  int2: 'int8',
  uint4: 'uint8',
};

/** The type of a tensor in ONNX; undefined for texts, complex numbers, resources. */
export const dtypeOfTensor = ({ type }: Pick<TfliteTensor, 'type'>): DType | undefined => sameElements[type];

/** @throws TFLITE_MALFORMED, TFLITE_UNSUPPORTED */
export function readTensor(table: FlatTable, place: Place): TfliteTensor {
  const { index, file, subgraph } = place;
  const name = (table['name'] as string | undefined) || `tensor_${subgraph}_${index}`;
  const label = `tensor ${index} "${name}"`;
  const fail = (what: string) => tfliteMalformed(file, `${label} ${what}`);
  const type = tensorTypes[numberField(table, 'type')];
  if (!type) throw fail(`has the type ${numberField(table, 'type')}, which no version of the format has`);
  const dims = int32sField(table, 'shape');
  const signature = int32sField(table, 'shapeSignature');
  if (dims.length > largestRank || dims.some((d) => d < 0))
    throw fail(`has the shape [${dims.slice(0, 40)}]`);
  if (signature.length > 0 && (signature.length !== dims.length || signature.some((d) => d < -1)))
    throw fail(`has the shapes [${dims}] and [${signature.slice(0, 40)}]`);
  return {
    index,
    name,
    type,
    label,
    shape: signature.length > 0 ? signature : dims,
    quantization: readQuantization(table, dims, file, label),
    isVariable: numberField(table, 'isVariable') !== 0,
    constant: constantOf(table, { ...place, dims, type, label }),
  };
}

function isConstant(table: FlatTable, { buffers }: Place): boolean {
  const buffer = numberField(table, 'buffer');
  return buffer > 0 && (buffers[buffer]?.length ?? 0) > 0;
}

interface Content extends Place {
  readonly dims: readonly number[];
  readonly type: TfliteType;
  readonly label: string;
}

function constantOf(table: FlatTable, content: Content): Tensor | null {
  const { file, label, buffers, dims, type } = content;
  const buffer = numberField(table, 'buffer');
  if (buffer < 0 || (buffer > 0 && buffer >= buffers.length))
    throw tfliteMalformed(file, `${label} has its data in buffer ${buffer} of ${buffers.length}`);
  if (numberField(table, 'externalBuffer') > 0)
    throw tfliteUnsupported(
      file,
      `${label} has its data in another file`,
      'Convert the model again with its weights in one file.',
    );
  const dtype = sameElements[type];
  if (!isConstant(table, content) || !dtype) return null;
  const bytes = buffers[buffer]!;
  const fail = (what: string) => tfliteMalformed(file, `${label} ${what}`);
  const sparsity = tableField(table, 'sparsity');
  if (sparsity) return denseTensorOf(sparsity, { dims, type, dtype, bytes, fail });
  const stored = type === 'int4' || type === 'int2' || type === 'uint4' ? type : dtype;
  const needed = byteLength(stored, elementCount(dims));
  if (needed !== bytes.length)
    throw fail(`of ${type} [${dims}] takes ${needed} bytes, and its buffer has ${bytes.length}`);
  const tensor = denseTensor(stored, dims, bytes, label);
  return stored === dtype ? tensor : widened(tensor, dtype);
}

/** Several elements a byte as one each. */
const widened = (packed: Tensor, dtype: DType): Tensor =>
  lazyTensor(dtype, packed.dims, () => Uint8Array.from(unpack(packed), (code) => code & 255));

/** Null where there is none: files that only note the range that was observed. */
function readQuantization(
  tensor: FlatTable,
  dims: readonly number[],
  file: string,
  label: string,
): Quantization | null {
  const table = tableField(tensor, 'quantization');
  if (!table) return null;
  if (numberField(table, 'detailsType') !== 0)
    throw tfliteUnsupported(
      file,
      `${label} is quantised by blocks or in a way of its own`,
      'Convert the model again with one scale for each tensor or channel.',
    );
  const fail = (what: string) => tfliteMalformed(file, `${label} ${what}`);
  const scales = float32sField(table, 'scale');
  const given = int64sField(table, 'zeroPoint').map(Number);
  // Old converters wrote a scale of 0 for what isn't quantised.
  if (scales.length === 0 || (scales.length === 1 && scales[0] === 0)) return null;
  const zeroPoints = given.length === 0 ? scales.map(() => 0) : given;
  if (zeroPoints.length !== scales.length)
    throw fail(`has ${scales.length} scales and ${zeroPoints.length} zero points`);
  if (!scales.every((scale) => Number.isFinite(scale) && scale > 0))
    throw fail(`has a scale of ${scales.find((scale) => !(scale > 0 && Number.isFinite(scale)))}`);
  if (scales.length === 1) return { scales, zeroPoints, axis: null };
  const axis = numberField(table, 'quantizedDimension');
  if (dims[axis] !== scales.length)
    throw fail(`of shape [${dims}] has ${scales.length} scales for axis ${axis}`);
  return { scales, zeroPoints, axis };
}
