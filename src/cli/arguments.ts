/** Reads the values of options; what it can't read is a message to the user. */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  const n = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(n)) return n;
  throw new InvalidArgumentError('A whole number was expected.');
}

export function portNumber(text: string): number {
  const n = wholeNumber(text);
  if (n <= 65535) return n;
  throw new InvalidArgumentError('A port is a number up to 65535.');
}

export function positive(text: string): number {
  const n = wholeNumber(text);
  if (n > 0) return n;
  throw new InvalidArgumentError('A number from 1 up was expected.');
}

const all = Number.MAX_SAFE_INTEGER;
export const wholeNumberOrAll = (text: string) => (text === 'all' ? all : wholeNumber(text));
export function positiveOrAll(text: string): number {
  return text === 'all' ? all : positive(text);
}

export function percentage(text: string): number {
  const n = Number(text.replace(/%$/, ''));
  if (/^\d+(\.\d+)?%?$/.test(text) && n <= 100) return n;
  throw new InvalidArgumentError('A percentage from 0 to 100 was expected.');
}

export function decibels(text: string): number {
  const n = Number(text);
  if (/^-?\d+(\.\d+)?$/.test(text)) return n;
  throw new InvalidArgumentError('A number of decibels was expected.');
}

/** A number from 0 up, as 0.7 or 1e-4. */
export function nonNegative(text: string): number {
  const n = Number(text);
  if (/^\d*\.?\d+(e[+-]?\d+)?$/i.test(text) && Number.isFinite(n)) return n;
  throw new InvalidArgumentError('A number from 0 up was expected.');
}

/** A share above 0, at most 1. */
export function probability(text: string): number {
  const n = nonNegative(text);
  if (n > 0 && n <= 1) return n;
  throw new InvalidArgumentError('A number above 0 and at most 1 was expected.');
}

const targetNames = ['wasm', 'webgpu', 'node', 'mobile'];

export function targetList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !targetNames.includes(name));
  if (unknown === undefined) return [...new Set(names)];
  throw new InvalidArgumentError(`"${unknown}" is no target; there are ${targetNames.join(', ')}.`);
}

/** Texts between commas. */
export function listed(text: string, known?: readonly string[]): string[] {
  const items = text.split(',').map((item) => item.trim());
  const bad = items.find((item) => item === '' || (known && !known.includes(item)));
  if (bad === undefined) return items;
  throw new InvalidArgumentError(known ? `Expected ${known.join(', ')}, with commas.` : 'An item is empty.');
}

/** "height=224" */
export function dimension(text: string, before: Record<string, number> = {}): Record<string, number> {
  const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? [];
  if (name === undefined || size === undefined)
    throw new InvalidArgumentError('Expected a name and a size, as height=224.');
  return { ...before, [name]: positive(size) };
}

export const collect = (text: string, before: string[] | undefined) => [...(before ?? []), text];

/** The command as it was typed, for reports. */
export const commandLine = () => `compress ${process.argv.slice(2).join(' ')}`;

/** "flip,crop=4,mixup=0.2" */
export function augmentation(text: string): Record<string, number | boolean> {
  return Object.fromEntries(
    listed(text).map((item) => {
      const [name = '', size] = item.split('=');
      if (name === 'flip' && size === undefined) return ['flip', true];
      if (!['crop', 'colour', 'mixup'].includes(name))
        throw new InvalidArgumentError(
          `"${item}" is unknown; there are flip, crop=4, colour=0.2 and mixup=0.2.`,
        );
      return [name, nonNegative(size ?? '')];
    }),
  );
}

export interface NamePair {
  readonly student: string;
  readonly teacher: string;
}

/** "student value=teacher value"; repeatable. */
export function pairOf(text: string, before: readonly NamePair[] = []): NamePair[] {
  const [student, teacher, more] = text.split('=');
  if (!student || !teacher || more !== undefined)
    throw new InvalidArgumentError('Two names were expected, as student=teacher.');
  return [...before, { student, teacher }];
}

/** "2:4" */
export function pattern(text: string): string {
  const [, n, m] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (n === undefined || m === undefined || Number(n) < 1 || Number(n) >= Number(m))
    throw new InvalidArgumentError('Expected N:M with N below M, as 2:4.');
  return text;
}
