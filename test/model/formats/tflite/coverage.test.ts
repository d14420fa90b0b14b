/** The operators that a .tflite file may have, against those that are read. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { builtinOperators } from '../../../../src/model/formats/tflite/codes.ts';
import { operators } from '../../../../src/model/formats/tflite/read/operators/index.ts';

it('reads every builtin operator, except those that the README names', () => {
  const path = new URL('../../../../src/model/formats/tflite/README.md', import.meta.url);
  const table = readFileSync(path, 'utf8').split('## Not read')[1]!.split('\n## ')[0]!;
  const cells = table.split('\n').flatMap((line) => (line.split('|')[1] ?? '').match(/`[\w*]+`/g) ?? []);
  const named = cells.map((name) => name.slice(1, -1)).filter((name) => name !== 'STABLEHLO_*');
  const own = builtinOperators.filter((name) => !name.startsWith('STABLEHLO_'));
  expect(named.sort()).toEqual(own.filter((name) => !Object.hasOwn(operators, name)).sort());
});
