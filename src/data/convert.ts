/** Element types of stored samples against those of the model's inputs. */

import { type DType, dtypes, isFloat } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import type { Steps } from '../model/ir/steps.ts';
import { numbers, type Tensor, tensorOf, typedArray } from '../model/ir/tensor.ts';
import { calibrationShape } from '../support/diagnostics/data.ts';
import { formatInput } from './picture-input.ts';

interface Converted {
  readonly tensor: Tensor;
  /** What was done, in plain words; null when nothing was. */
  readonly note: string | null;
}

/** The tensor in the type of the input. Done without loss, checked value by value where the type alone does
 *  not assure it; the exceptions are a narrower float (float64 to float32, float32 to float16), which
 *  rounds and is noted, and floats for an input in integers that has a scale.
 *  @throws CALIBRATION_SHAPE for any other pair, or when a value doesn't fit */
export function convertTensor(tensor: Tensor, port: Port, where: string): Converted {
  const { dtype: from, dims } = tensor;
  const { dtype: to } = port;
  if (from === to) return { tensor, note: null };
  const refused = (why: string) =>
    calibrationShape(
      where,
      `${from} [${dims.join(',')}]`,
      port.name,
      formatInput(port),
      `${why}; store the samples as ${to}.`,
    );
  if (isFloat(from) && port.steps) return { tensor: coded(tensor, port.steps), note: codedNote(port, from) };
  if (!canConvert(from, to)) throw refused(`${from} is not turned into ${to} silently`);
  // int64 beyond 2^53 would lose digits as a number; such arrays only fit an input of the same width.
  if (isFloat(to)) {
    const note = `${from} samples read as ${to} for input "${port.name}"`;
    const values = numbers(tensor);
    if (!isFloat(from) && values.some((v) => Math.abs(v) > exactUpTo[to]!))
      throw refused(`values are beyond ${exactUpTo[to]}, which ${to} can't hold exactly`);
    return { tensor: tensorOf(to, dims, values), note: isFloat(from) ? `${note} (rounded)` : note };
  }
  const { min, max } = dtypes[to];
  const values = typedArray(tensor) as ArrayLike<number | bigint>;
  if (min !== undefined && max !== undefined && outside(values, min, max))
    throw refused(`values are outside ${min} to ${max}`);
  if (to === 'uint64' && outside(values, 0, 2 ** 63)) throw refused('values are negative');
  const plain = to === 'int64' || to === 'uint64' ? values : Array.from(values, Number);
  return {
    tensor: tensorOf(to, dims, plain),
    note: `${from} samples read as ${to} for input "${port.name}"`,
  };
}

/** Real numbers as the integers that stand for them, rounded half to even and cut off as QuantizeLinear does. */
function coded(tensor: Tensor, { dtype, scale, zeroPoint }: Steps): Tensor {
  const { min, max } = dtypes[dtype];
  const codes = numbers(tensor).map((v) => Math.min(max!, Math.max(min!, toEven(v / scale) + zeroPoint)));
  return tensorOf(dtype, tensor.dims, codes);
}

function toEven(v: number): number {
  const below = Math.floor(v);
  return v - below === 0.5 && below % 2 === 0 ? below : Math.round(v);
}

const codedNote = ({ name, dtype }: Port, from: DType) =>
  `${from} samples quantised to ${dtype} with the scale of input "${name}"`;

/** Largest whole number below which all are exact. */
const exactUpTo: Partial<Record<DType, number>> = {
  float16: 2 ** 11,
  bfloat16: 2 ** 8,
  float32: 2 ** 24,
  float64: 2 ** 53,
};

function canConvert(from: DType, to: DType): boolean {
  const [a, b] = [dtypes[from], dtypes[to]];
  if (a.bits < 8 || b.bits < 8 || a.kind === 'complex' || b.kind === 'complex') return false;
  const whole = a.kind === 'int' || a.kind === 'uint' || a.kind === 'bool';
  if (isFloat(to)) return isFloat(from) || whole;
  if (to === 'bool') return false;
  return whole && (b.kind === 'int' || b.kind === 'uint');
}

function outside(values: ArrayLike<number | bigint>, min: number, max: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! < min || values[i]! > max) return true;
  return false;
}
