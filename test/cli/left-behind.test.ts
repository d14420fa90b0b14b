import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { reportFailure } from '../../src/cli/failure.ts';
import { makeHiddenFolder } from '../../src/ship/emit/hidden-folder.ts';
import { createWorkspace, program, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-mlp');
});
afterEach(() => w.remove());

it('what a killed run left behind goes with the next, and nothing of one that goes on', async () => {
  const own = makeHiddenFolder(w.path('mine'));
  // No process has so large a number.
  const gone = own.replace(`-${process.pid}-`, `-${2 ** 31 - 2}-`);
  const foreign = own.replace(/tmp-[0-9a-f]{8}/, 'tmp-00000000');
  const old = foreign.replace('.mine', '.old');
  for (const folder of [gone, foreign, old]) mkdirSync(folder);
  utimesSync(old, 0, 0);
  const { code, stderr } = await w.run(['glyphs-mlp.onnx', '--int8', '--no-measure', '-q']);
  expect(code, stderr).toBe(0);
  expect([own, gone, foreign, old].map((folder) => existsSync(folder))).toEqual([true, false, true, false]);
});

it.skipIf(!existsSync('/dev/full'))('what is printed onto a full disk is said to be lost', () => {
  const full = openSync('/dev/full', 'w');
  const { stderr, status } = spawnSync(
    process.execPath,
    [program, 'inspect', w.path('glyphs-mlp.onnx'), '--json'],
    { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' },
  );
  closeSync(full);
  expect(stderr).toMatch(/DISK_FULL.*standard output/);
  expect(status).toBe(5);
});

it('a full disk that nobody thought of is no bug', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const error = Object.assign(new Error('ENOSPC: no space left on device, mkdtemp'), { code: 'ENOSPC' });
  expect(reportFailure(error)).toBe(5);
  expect(said.mock.calls.flat().join('\n')).toMatch(/DISK_FULL/);
  said.mockRestore();
});
