/** Whether two runs made the same files, but for what a clock says. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listing } from './tree.ts';

/** Reports say when they were made and how long steps took; all else must be the same to the byte. */
const clocks: readonly RegExp[] = [
  /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g,
  /"(ms|seconds)": ?[\d.e+-]+/g,
  /data-title="Time">[^<]*</g,
];

const withoutClocks = (text: string) => clocks.reduce((left, clock) => left.replace(clock, ''), text);

const isReport = (name: string) => /\.report\.(json|html|md)$/.test(name);

/** @returns what differs, a line each */
export function differences(expected: string, found: string): string[] {
  const [wanted, there] = [listing(expected), listing(found)];
  return [
    ...wanted.filter((name) => !there.includes(name)).map((name) => `${name} is missing`),
    ...there.filter((name) => !wanted.includes(name)).map((name) => `${name} was left behind`),
    ...wanted
      .filter((name) => there.includes(name) && !same(join(expected, name), join(found, name)))
      .map((name) => `${name} has other bytes`),
  ];
}

function same(a: string, b: string): boolean {
  if (statSync(a).isDirectory()) return statSync(b).isDirectory();
  const [one, other] = [readFileSync(a), readFileSync(b)];
  if (!isReport(a)) return one.equals(other);
  return withoutClocks(one.toString('utf8')) === withoutClocks(other.toString('utf8'));
}
