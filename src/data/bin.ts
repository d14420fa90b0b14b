/** Numbers as they stand in memory, without a header: their type is told, or taken to be the input's, and their shape is the input's. */
import { byteLength, type DType, isFloat } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { denseTensor, elementCount, numbers, type Tensor } from '../model/ir/tensor.ts';
import { type BinType, binTypes } from '../support/bin-types.ts';
import { binShape, binSize, binType } from '../support/diagnostics/sample-files.ts';
import { formatInput } from './picture-input.ts';

/** Little-endian bytes as [samples, …]; as one sample where a size beside the batch is open, which the file's length then says.
 *  @param type  undefined: the input's
 *  @throws BIN_SHAPE where the input's shape does not say how large a sample is; BIN_SIZE where bytes are left over; BIN_TYPE where a
 *    type that nobody told gives numbers that nothing has */
export function tensorOfBin(bytes: Uint8Array, port: Port, type: BinType | undefined, where: string): Tensor {
  const dtype = type ?? port.dtype;
  const { shape } = port;
  if (!shape || dtype === 'string') throw binShape(where, port.name, formatInput(port));
  const isBatched = shape.length > 0 && (typeof shape[0] !== 'number' || shape[0] === 1);
  const own = isBatched ? shape.slice(1) : shape;
  const open = own.filter((d) => typeof d !== 'number').length;
  if (open > 1) throw binShape(where, port.name, formatInput(port));
  const step = byteLength(dtype, elementCount(own.filter((d) => typeof d === 'number')));
  const count = bytes.length / step;
  if (!Number.isInteger(count) || count === 0)
    throw binSize(where, bytes.length, {
      ...{ input: port.name, takes: formatInput(port), dtype, step },
      fitting: binTypes.filter((t) => t !== dtype && bytes.length % sizeAs(step, dtype, t) === 0),
    });
  const dims = open === 1 ? own.map((d) => (typeof d === 'number' ? d : count)) : own;
  const tensor = denseTensor(dtype, [open === 1 ? 1 : count, ...(dims as number[])], bytes, port.name);
  if (type === undefined && isFloat(dtype) && numbers(tensor).some(isOdd)) throw binType(where, dtype);
  return tensor;
}

const sizeAs = (step: number, dtype: DType, other: DType) =>
  (step / byteLength(dtype, 1)) * byteLength(other, 1);

/** Bytes of another type give such numbers when they are read as floats. */
const isOdd = (value: number) => !Number.isFinite(value) || Math.abs(value) > 1e30;

/** What was assumed of a type that nobody told. */
export const binNote = ({ name, dtype }: Port): string =>
  `numbers of .bin files are ${dtype}, as input "${name}" (--dtype says it otherwise)`;
