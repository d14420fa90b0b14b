import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nearbyPath } from '../../src/support/read-problem.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-nearby-'));
  mkdirSync(join(folder, 'photos'));
  writeFileSync(join(folder, 'photos', 'one.png'), '');
  writeFileSync(join(folder, 'mobilenet.onnx'), '');
  writeFileSync(join(folder, 'b1'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['the last name is misspelt', 'mobilent.onnx', 'mobilenet.onnx'],
  ['a folder on the way is', 'photso/one.png', 'photos/one.png'],
  ['a folder is named with a slash at its end', 'phtos/', 'photos/'],
])('finds what was meant where %s', (_, wrong, meant) => {
  expect(nearbyPath(join(folder, wrong))).toBe(join(folder, meant));
});

it.each(['something-else.bin', 'photso/two.jpeg', 'nowhere/at/all', '-'])('has no idea about %s', (wrong) => {
  expect(nearbyPath(join(folder, wrong))).toBeUndefined();
});
