/** Seeded made-up samples, only for when they are asked for: smoke tests and parity checks, not for
 *  accuracy. */

import { dtypes, isFloat } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { elementCount, type Tensor, tensorOf } from '../model/ir/tensor.ts';
import { syntheticType } from '../support/diagnostics/data.ts';
import { sha256Text } from '../support/hash.ts';
import { own } from '../support/own.ts';
import { createRandom, type Random } from '../support/random.ts';
import { formatInput } from './picture-input.ts';
import type { DataSource } from './source.ts';

interface SyntheticOptions {
  readonly seed: number;
  /** Sizes for open dimensions, by symbol ("batch") or by input name and axis ("x:0"); 1 otherwise. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Integers are uniform in [min, max]; [0, 1] otherwise, which any embedding or index can take. Of all
   *  inputs, or by name. */
  readonly integers?: IntegerRange | Readonly<Record<string, IntegerRange>>;
  /** Rank for inputs whose shape is unknown; refused otherwise. */
  readonly rank?: number;
}

type IntegerRange = readonly [min: number, max: number];

/** Standard normal floats, uniform integers in a range, random booleans.
 *  @throws SYNTHETIC_TYPE for strings and other types that have no natural random value, and for unknown
 *  ranks */
export function syntheticInputs(ports: readonly Port[], options: SyntheticOptions): Record<string, Tensor> {
  const random = createRandom(options.seed);
  return Object.fromEntries(ports.map((port) => [port.name, syntheticTensor(port, options, random)]));
}

function syntheticTensor(port: Port, options: SyntheticOptions, random: Random): Tensor {
  const info = dtypes[port.dtype];
  const shape = port.shape ?? (options.rank === undefined ? null : new Array<null>(options.rank).fill(null));
  const known = isFloat(port.dtype) || ((info.kind === 'int' || info.kind === 'uint') && info.bits >= 8);
  if (!shape || !(known || port.dtype === 'bool')) throw syntheticType(port.name, formatInput(port));
  const dims = shape.map((d, axis) =>
    typeof d === 'number' ? d : (options.dims?.[d ?? ''] ?? options.dims?.[`${port.name}:${axis}`] ?? 1),
  );
  const values = new Float64Array(elementCount(dims));
  const [min, max] = port.dtype === 'bool' ? [0, 1] : rangeOf(port.name, options.integers);
  for (let i = 0; i < values.length; i++)
    values[i] = isFloat(port.dtype) ? random.normal() : min + random.integer(max - min + 1);
  return tensorOf(port.dtype, dims, values);
}

function rangeOf(name: string, integers: SyntheticOptions['integers']): IntegerRange {
  if (!integers) return [0, 1];
  return isRange(integers) ? integers : (own(integers, name) ?? [0, 1]);
}

const isRange = (integers: NonNullable<SyntheticOptions['integers']>): integers is IntegerRange =>
  Array.isArray(integers);

/** `length` samples of `syntheticInputs`, each with its own seed. */
export function createSyntheticSource(
  ports: readonly Port[],
  options: SyntheticOptions & { readonly length: number },
): DataSource {
  const { length, seed } = options;
  return {
    name: `${length} synthetic samples (seed ${seed})`,
    kind: 'synthetic',
    length,
    labelled: false,
    classes: null,
    guessed: ['synthetic data: standard normal floats, uniform integers; not a measure of accuracy'],
    preprocessing: null,
    hash: () => sha256Text(JSON.stringify([ports, options])),
    fingerprint: async (index) => `${seed}:${index}`,
    read: async (index) => ({
      id: `synthetic[${index}]`,
      inputs: syntheticInputs(ports, { ...options, seed: mixed(seed, index) }),
    }),
  };
}

/** Seeds of neighbouring samples far apart, so that seeds 1 and 2 share no sample. */
export const mixed = (seed: number, index: number) =>
  Math.imul(seed ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b);
