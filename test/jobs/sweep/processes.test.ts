/** Processes of jobs: one that died with nothing to do is not given the next job. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { versionsHere } from '../../../src/jobs/sweep/job.ts';
import type { CompressTask } from '../../../src/jobs/sweep/job-messages.ts';
import { openProcesses } from '../../../src/jobs/sweep/processes.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-processes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Refused at once, since there is no such model. */
const task = (): CompressTask => ({
  ...{ kind: 'compress', model: join(folder, 'none.onnx'), inputs: {}, output: folder },
  job: {
    ...{ kind: 'compress', model: 'a'.repeat(64), inputs: {}, recipe: {}, target: 'wasm', seed: 0 },
    versions: versionsHere(),
  },
});

/** Of this process, as the system lists them. */
const children = () =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('job-process'))
    .map((line) => Number.parseInt(line, 10));

it('another does what one would have done that died meanwhile', async () => {
  const processes = openProcesses();
  try {
    const run = () => processes.run(task(), { timeoutMs: 30_000, onStep() {} });
    expect(await run()).toMatchObject({ failed: { code: 'FILE_NOT_FOUND' } });
    const [first] = children();
    expect(first).toBeGreaterThan(0);
    process.kill(first!, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await run()).toMatchObject({ failed: { code: 'FILE_NOT_FOUND' } });
    expect(children()).not.toContain(first);
  } finally {
    processes.close();
  }
}, 60_000);
