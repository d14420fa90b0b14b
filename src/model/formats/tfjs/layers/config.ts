/** The settings of a layer, each read with what is expected of it. */
import { z } from 'zod';
import { tfjsLayerInvalid } from '../../../../support/diagnostics/tfjs-layers.ts';

export type RawConfig = Readonly<Record<string, unknown>>;

export interface LayerConfig {
  readonly className: string;
  readonly name: string;
  /** A setting under its name, or the first of several names that is there. null is the same as not there.
   *  @throws TFJS_LAYER_INVALID when it is not of the schema, or neither there nor has a fallback */
  read<T>(key: string | readonly string[], schema: z.ZodType<T>, fallback?: T): T;
  has(key: string): boolean;
  /** @throws TFJS_LAYER_INVALID */
  fail(problem: string): never;
}

export function layerConfig(className: string, name: string, raw: RawConfig): LayerConfig {
  const given = (key: string) => (Object.hasOwn(raw, key) ? (raw[key] ?? undefined) : undefined);
  const fail = (problem: string): never => {
    throw tfjsLayerInvalid(className, name, problem);
  };
  return {
    className,
    name,
    fail,
    has: (key) => given(key) !== undefined,
    read<T>(key: string | readonly string[], schema: z.ZodType<T>, fallback?: T): T {
      const keys = typeof key === 'string' ? [key] : key;
      const found = keys.find((k) => given(k) !== undefined);
      if (found === undefined) return fallback ?? fail(`${keys.join(' or ')} is missing`);
      const parsed = schema.safeParse(given(found));
      if (parsed.success) return parsed.data;
      return fail(`${found} is ${shown(raw[found])}, ${parsed.error.issues[0]!.message}`);
    },
  };
}

/** A value of the file in a message. What lies deep isn't written out. */
export function shown(value: unknown): string {
  if (Array.isArray(value))
    return value.length <= 8 && value.every((v) => typeof v !== 'object' || v === null)
      ? JSON.stringify(value)
      : `a list of ${value.length}`;
  return typeof value === 'object' && value !== null
    ? 'an object'
    : String(JSON.stringify(value)).slice(0, 60);
}

/** Larger numbers than a layer can mean: no tensor has so many elements. */
const largest = 2 ** 31;

export const number = z.number();
export const whole = z.number().int().min(-largest).max(largest);
export const count = z.number().int().positive().max(largest);
export const flag = z.boolean();
export const words = z.string();

const numberOrName = z.union([z.number(), z.null()]);
/** Sizes with null for what is open. */
export const openSizes = z.array(
  numberOrName.refine((d) => d === null || (Number.isInteger(d) && Math.abs(d) < largest)),
);

/** One number for each of `rank` axes; a single one counts for all. */
export const sizes = (rank: number): z.ZodType<number[]> =>
  z.union([count, z.array(count).length(1), z.array(count).length(rank)]).transform((value) => {
    const list = typeof value === 'number' ? [value] : value;
    return list.length === rank ? list : Array.from({ length: rank }, () => list[0]!);
  });

const amount = z.number().int().nonnegative().max(largest);

/** [before, after] for each of `rank` axes, from one number, one for each axis, or pairs. Of one axis, two numbers are
 *  its pair. */
export const pairs = (rank: number): z.ZodType<(readonly [number, number])[]> =>
  z
    .union([
      amount,
      z
        .array(amount)
        .max(2)
        .min(rank === 1 ? 1 : rank),
      z.array(amount).length(rank),
      z.array(z.tuple([amount, amount])).length(rank),
    ])
    .transform((value): (readonly [number, number])[] => {
      if (typeof value === 'number') return Array.from({ length: rank }, () => [value, value] as const);
      if (rank === 1 && typeof value[0] === 'number')
        return [[value[0], (value[1] as number | undefined) ?? value[0]]];
      return value.map((v) => (typeof v === 'number' ? ([v, v] as const) : v));
    });

/** One of some words; "channelsLast" as JavaScript's configurations write it counts as "channels_last". */
export const oneOf = <const T extends readonly [string, ...string[]]>(...options: T): z.ZodType<T[number]> =>
  z
    .string()
    .transform((word) => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
    .pipe(z.enum(options)) as z.ZodType<T[number]>;

export const dataFormat = oneOf('channels_last', 'channels_first');

/** Whether the channels are the first axis behind the batch. */
export const channelsFirst = (config: LayerConfig) =>
  config.read('data_format', dataFormat, 'channels_last') === 'channels_first';
