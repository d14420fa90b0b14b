/** Amounts as budgets are written: a number and its unit in one word. */
import { z } from 'zod';

/** A size, a time, or a share of what it is compared with (0.5 for "50%"). */
export interface Amount {
  readonly unit: 'bytes' | 'ms' | 'share';
  readonly value: number;
}

/** How much one of a unit is. Decimal, as they are printed; binary where the word says so. */
const units: Readonly<Record<string, Amount>> = {
  b: { unit: 'bytes', value: 1 },
  kb: { unit: 'bytes', value: 1e3 },
  mb: { unit: 'bytes', value: 1e6 },
  gb: { unit: 'bytes', value: 1e9 },
  kib: { unit: 'bytes', value: 2 ** 10 },
  mib: { unit: 'bytes', value: 2 ** 20 },
  gib: { unit: 'bytes', value: 2 ** 30 },
  µs: { unit: 'ms', value: 1e-3 },
  us: { unit: 'ms', value: 1e-3 },
  ms: { unit: 'ms', value: 1 },
  s: { unit: 'ms', value: 1e3 },
  '%': { unit: 'share', value: 0.01 },
};

/** "4MB", "500 kB", "20ms", "50%"; undefined for anything else. */
export function readAmount(text: string): Amount | undefined {
  const [, number, word = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-zµ]+|%)\s*$/i.exec(text) ?? [];
  const one = Object.hasOwn(units, word.toLowerCase()) ? units[word.toLowerCase()] : undefined;
  if (number === undefined || !one) return undefined;
  const product = Number(number) * one.value;
  // 4.1 times a million is a hair less than 4100000.
  const value = one.unit === 'bytes' ? Math.round(product) : Number(product.toPrecision(12));
  return { unit: one.unit, value };
}

/** A field that takes amounts of some units. @param error  what was expected, with an example */
export const amount = (allowed: readonly Amount['unit'][], error: string) =>
  z.string(error).transform((text, context) => {
    const read = readAmount(text);
    if (read && allowed.includes(read.unit)) return read;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
