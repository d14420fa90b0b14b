/** What makes one input of a sample that nobody took. */
import { dtypes, isFloat } from '../../model/ir/dtype.ts';
import type { Port } from '../../model/ir/port.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { syntheticType } from '../../support/diagnostics/data.ts';
import type { Random } from '../../support/random.ts';
import { formatInput } from '../picture-input.ts';

/** A way in which an input may be meant. */
export interface Maker {
  /** In words: 'drawn pictures, prepared as "imagenet"'; empty for what says nothing of a sample. */
  readonly what: string;
  readonly make: (random: Random, index: number) => Tensor;
}

/** Of axes that the graph leaves open, but for the first, which counts samples. */
const openSize = 32;

/** @throws SYNTHETIC_TYPE for strings, and where not even the rank is known */
export function dimsOf(port: Port): number[] {
  const isKnown = isFloat(port.dtype) || port.dtype === 'bool' || /^u?int/.test(dtypes[port.dtype].kind);
  if (!port.shape || !isKnown) throw syntheticType(port.name, formatInput(port));
  const isOfSamples = port.shape.length > 1;
  return port.shape.map((d, axis) => (typeof d === 'number' ? d : axis === 0 && isOfSamples ? 1 : openSize));
}

/** The same number everywhere. */
export function constantMaker(port: Port, value: number): Maker {
  const dims = dimsOf(port);
  return { what: '', make: () => tensorOf(port.dtype, dims, new Array(elementCount(dims)).fill(value)) };
}

/** Uniform under `limit`; 0 and 1 where that is not known, which any table or index has. */
export function integerMaker(port: Port, limit: number | null): Maker {
  const dims = dimsOf(port);
  const most = limit ?? 2;
  return {
    what: `integers under ${most}`,
    make: (random) =>
      tensorOf(
        port.dtype,
        dims,
        Array.from({ length: elementCount(dims) }, () => random.integer(most)),
      ),
  };
}
