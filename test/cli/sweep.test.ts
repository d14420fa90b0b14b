/** compress sweep on this machine: each result made once, whatever happens meanwhile. */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resultSchema } from '../../src/jobs/sweep/result.ts';
import { type SweepReport, sweepReportSchema } from '../../src/judge/report/sweep-report.ts';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
});
afterAll(() => w.remove());

const mlp = { model: shippedModel('glyphs-mlp'), data: data('glyphs-grey.npz') };
const few = { calibrate: 20, evaluate: 40 };

function sweepFile(name: string, fields: object): string {
  writeFileSync(w.path(name), JSON.stringify({ edgepress: 'sweep@1', models: [mlp], fixed: few, ...fields }));
  return name;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const reportIn = (folder: string): SweepReport =>
  sweepReportSchema.parse(JSON.parse(readFileSync(w.path(`${folder}/sweep.json`), 'utf8')));

/** What a job's result is, apart from how long it took and where. */
const outcomes = (report: SweepReport, folder: string) =>
  Object.fromEntries(
    report.jobs.map(({ key, metrics, error, files }) => [
      key,
      {
        metrics,
        error: error?.code,
        model: files[0] && sha256(readFileSync(w.path(join(folder, files[0])))),
      },
    ]),
  );

const storedResults = (store: string) =>
  readdirSync(w.path(store), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));

describe('a sweep', () => {
  const fields = { grid: { int8: [null, 'static', 'weights'] }, latency: ['wasm'] };

  it('leaves a row for each job with its numbers and files, and marks the front', async () => {
    const { code, stdout } = await w.start([
      'sweep',
      sweepFile('a.json', fields),
      '-o',
      'out/',
      '--store',
      'store',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('out/sweep.html');
    const report = reportIn('out');
    expect(report).toMatchObject({ complete: true, counts: { jobs: 3, done: 3, found: 0, failed: 0 } });
    for (const row of report.jobs) {
      expect(row.metrics).toMatchObject({
        on: 'held-back',
        samples: 40,
        originalBytes: statSync(mlp.model).size,
      });
      expect(row.latency[0]?.measured?.medianMs).toBeGreaterThan(0);
      const files = readdirSync(w.path(`out/jobs/${row.key.slice(0, 16)}`));
      expect(row.files.map((file) => file.split('/').at(-1)).sort()).toEqual(files.sort());
    }
    expect(report.jobs.some(({ front }) => front)).toBe(true);
    expect(readFileSync(w.path('out/sweep.html'), 'utf8')).not.toContain('http-equiv="refresh"');
  });

  it('finds what was done, by another sweep, too, and says the same of it', async () => {
    const before = outcomes(reportIn('out'), 'out');
    const more = { grid: { int8: ['weights', null], fp16: [null, true] }, latency: ['wasm'] };
    const { code, stdout } = await w.start([
      'sweep',
      sweepFile('b.json', more),
      '-o',
      'other',
      '--store',
      'store',
      '--json',
    ]);
    // int8 and fp16 don't go together.
    expect(code).toBe(4);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toContain('done');
    const { jobs, counts } = reportIn('other');
    expect(counts).toEqual({ jobs: 4, done: 3, found: 2, failed: 1 });
    expect(jobs.find(({ error }) => error)?.error?.code).toBe('CONFLICTING_OPTION');
    for (const row of jobs.filter(({ found }) => found)) {
      expect(outcomes({ ...reportIn('other'), jobs: [row] }, 'other')[row.key]).toEqual(before[row.key]);
      expect(row.latency[0]?.measured).toEqual(
        reportIn('out').jobs.find(({ key }) => key === row.key)?.latency[0]?.measured,
      );
    }
  });

  it('that asks for something impossible ends with a code, and nothing is begun', async () => {
    const { code, stderr } = await w.start(['sweep', sweepFile('bad.json', { grid: { int9: [true] } })]);
    expect(code).toBe(2);
    expect(stderr).toContain('SWEEP_INVALID');
  });
});

describe.skipIf(process.platform === 'win32')('a sweep that is killed', () => {
  const fields = { grid: { int8: [null, 'static'], prune: [null, 20] } };

  it('goes on where it was, and comes to what one that nobody killed comes to', async () => {
    const file = sweepFile('killed.json', fields);
    const args = ['sweep', file, '--jobs', '2'];
    const killed = await w.start([...args, '-o', 'killed', '--store', 'cut'], {
      onStderr: (text, child) => {
        if (/ 2\/4 /.test(text)) child.kill('SIGKILL');
      },
    });
    expect(killed.code).toBe(null);
    const done = storedResults('cut').length;
    expect(done).toBeGreaterThanOrEqual(2);
    const [again, whole] = await Promise.all([
      w.start([...args, '-o', 'killed', '--store', 'cut']),
      w.start([...args, '-o', 'whole', '--store', 'uncut']),
    ]);
    expect([again.code, whole.code]).toEqual([0, 0]);
    const report = reportIn('killed');
    expect(report.counts).toMatchObject({ done: 4, failed: 0 });
    expect(report.counts.found).toBeGreaterThanOrEqual(done);
    expect(outcomes(report, 'killed')).toEqual(outcomes(reportIn('whole'), 'whole'));
    for (const result of storedResults('cut'))
      resultSchema.parse(JSON.parse(readFileSync(w.path(`cut/${result}`), 'utf8')));
  });

  it('by Ctrl-C says what is kept, and leaves a report of it', async () => {
    let told = false;
    const stopped = await w.start(
      ['sweep', sweepFile('stopped.json', fields), '-o', 'stopped', '--store', 'stopped-store'],
      {
        onStderr: (text, child) => {
          if (!told && / 1\/4 /.test(text)) told = child.kill('SIGINT');
        },
      },
    );
    expect(stopped.code).toBe(130);
    const report = reportIn('stopped');
    expect(report.complete).toBe(false);
    expect(report.counts.done).toBeGreaterThanOrEqual(1);
    expect(readFileSync(w.path('stopped/sweep.html'), 'utf8')).toContain('http-equiv="refresh"');
  });
});

describe.skipIf(process.platform !== 'linux')('a job whose process dies', () => {
  it('is tried once more, and then a row with its code', async () => {
    const file = sweepFile('dying.json', { grid: { int8: [null, 'weights'] } });
    const seen = new Set<number>();
    let parent = 0;
    const killer = setInterval(() => {
      for (const pid of parent === 0 ? [] : childrenOf(parent)) if (!seen.has(pid)) end(pid, seen);
    }, 20);
    const onStart = (child: ChildProcess) => {
      parent = child.pid!;
    };
    const args = ['sweep', file, '-o', 'dying', '--store', 'dying-store', '--jobs', '1'];
    const { code, stdout } = await w.start(args, { onStart }).finally(() => clearInterval(killer));
    expect(code).toBe(4);
    expect(seen.size).toBe(4);
    expect(reportIn('dying').jobs.map(({ error }) => error?.code)).toEqual(['JOB_CRASHED', 'JOB_CRASHED']);
    expect(stdout).toContain('JOB_CRASHED');
    // It may be the machine: nothing is kept, and the next run tries again.
    expect((await w.start(args)).code).toBe(0);
  });
});

function end(pid: number, seen: Set<number>): void {
  seen.add(pid);
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
