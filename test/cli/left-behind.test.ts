import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportFailure } from '../../src/cli/failure.ts';
import { makeHiddenFolder } from '../../src/support/hidden-folder.ts';
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
  const { code, stderr } = await w.start(['glyphs-mlp.onnx', '--int8', '--no-measure', '-q']);
  expect(code, stderr).toBe(0);
  expect([own, gone, foreign, old].map((folder) => existsSync(folder))).toEqual([true, false, true, false]);
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a command that is killed', { timeout: 300_000 }, () => {
  /** Runs before the program: where it would make its output, the process that works computes without a pause instead. It has a
   *  temporary file then, and says who it is. */
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(
    `import fs from 'node:fs'; import os from 'node:os';
    if (process.env.EDGEPRESS_SUPERVISED) fs.mkdtempSync = () => {
      fs.writeFileSync(os.tmpdir() + '/a', '');
      fs.writeSync(2, 'worker ' + process.pid + ' in ' + os.tmpdir() + '.');
      for (;;);
    };`,
  )}`;

  let temporary: string;
  // A browser's socket must have room there: the name is short.
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 't-'));
  });
  afterEach(() => rmSync(temporary, { recursive: true, force: true }));

  /** Kills the command, and the process that works, if so wished. */
  async function killed(both: boolean): Promise<void> {
    let [worker, folder] = [0, ''];
    const { code } = await w.start(['glyphs-mlp.onnx', '--no-measure'], {
      env: { NODE_OPTIONS, TMPDIR: temporary },
      onStderr(text, child) {
        const [, pid, at] = /worker (\d+) in (\S+)\./.exec(text) ?? [];
        if (!pid || worker > 0) return;
        [worker, folder] = [Number(pid), at!];
        child.kill('SIGKILL');
        if (both) process.kill(worker, 'SIGKILL');
      },
    });
    // Its standard error is the worker's too: nobody holds it any more.
    expect(code).toBe(null);
    expect(folder.startsWith(temporary)).toBe(true);
    // It stays on the list until the system has noted its end.
    await expect.poll(() => isThere(worker), { timeout: 60_000 }).toBe(false);
  }

  it('takes the process that does its work along, and its temporary files', async () => {
    await killed(false);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('leaves temporary files to the next one where all was killed', async () => {
    await killed(true);
    expect(readdirSync(temporary)).toHaveLength(1);
    const { code, stderr } = await w.start(['inspect', 'glyphs-mlp.onnx'], { env: { TMPDIR: temporary } });
    expect(code, stderr).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });
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
