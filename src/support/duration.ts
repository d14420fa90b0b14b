/** Lengths of time as people write them: a number and its unit in one word. */
import { z } from 'zod';

const units: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, min: 60e3, h: 3600e3 };

/** "90s", "10m", "1.5h" as milliseconds; undefined for anything else, and for nothing at all. */
export function readDuration(text: string): number | undefined {
  const [, number, word = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const unit = word.toLowerCase();
  if (number === undefined || !Object.hasOwn(units, unit)) return undefined;
  const ms = Number(number) * units[unit]!;
  return ms > 0 && Number.isFinite(ms) ? ms : undefined;
}

/** A field that takes such a word. @param error  what was expected, with an example */
export const duration = (error: string) =>
  z.string(error).transform((text, context) => {
    const ms = readDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
