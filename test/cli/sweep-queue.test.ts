/** A sweep done by workers of a queue: they are killed, come late, and the server goes and comes again; results are those of one machine. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SweepReport, sweepReportSchema } from '../../src/judge/report/sweep-report.ts';
import { type RedisServer, redisMissing, startRedis } from '../redis.ts';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';
import { endWorkers, startWorker } from './sweep-workers.ts';

const missing = redisMissing();
if (missing) console.warn(`Tests of queues are skipped: ${missing}.`);

let w: Workspace;
let redis: RedisServer;
beforeAll(async () => {
  if (missing) return;
  w = createWorkspace();
  mkdirSync(w.path('redis'));
  redis = await startRedis(w.path('redis'));
});
afterAll(async () => {
  endWorkers();
  if (missing) return;
  await redis.stop();
  w.remove();
});

const mlp = { model: shippedModel('glyphs-mlp'), data: data('glyphs-grey.npz') };
const few = { calibrate: 20, evaluate: 40 };

function sweepFile(name: string, fields: object): string {
  writeFileSync(w.path(name), JSON.stringify({ edgepress: 'sweep@1', models: [mlp], fixed: few, ...fields }));
  return name;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const reportIn = (folder: string): SweepReport =>
  sweepReportSchema.parse(JSON.parse(readFileSync(w.path(`${folder}/sweep.json`), 'utf8')));

/** Of each job what doesn't depend on where and when it was done. */
const outcomes = (folder: string) =>
  Object.fromEntries(
    reportIn(folder).jobs.map(({ key, metrics, error, files }) => [
      key,
      {
        metrics,
        error: error?.code,
        model: files[0] && sha256(readFileSync(w.path(join(folder, files[0])))),
      },
    ]),
  );

const filesIn = (folder: string) =>
  readdirSync(w.path(folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('.'));

describe.skipIf(missing)('a sweep through a queue', () => {
  const queue = () => ['--queue', redis.url, '--store', 'shared'];

  it('comes to the same as on one machine, whoever is killed or comes late, and whatever happens to the server', async () => {
    const file = sweepFile('s.json', { grid: { int8: [null, 'static', 'weights'], prune: [null, 20] } });
    const here = w.start(['sweep', file, '-o', 'here', '--store', 'own', '--jobs', '1']);
    const one = (name: string) => startWorker(w, [...queue(), '--jobs', '1'], name);
    const [a, b, c] = ['a', 'b', 'c'].map(one);
    const sweep = w.start(['sweep', file, '-o', 'queued', ...queue()]);
    await a!.said('began');
    a!.child().kill('SIGKILL');
    const lost = await b!.said('began');
    b!.child().kill('SIGKILL');
    await c!.said('ended');
    await redis.restart(500);
    const late = one('late');
    const outcome = await sweep;
    expect((await here).code).toBe(0);
    expect(outcome.code).toBe(0);
    expect(outcomes('queued')).toEqual(outcomes('here'));
    expect(reportIn('queued')).toMatchObject({ complete: true, counts: { jobs: 6, done: 6, failed: 0 } });

    const stopped = [c!, late].map(({ child, outcome }) => {
      child().kill('SIGTERM');
      return outcome;
    });
    expect((await Promise.all(stopped)).map(({ code }) => code)).toEqual([0, 0]);
    const ended = [a!, b!, c!, late].flatMap(({ events }) =>
      events().filter(({ event }) => event === 'ended'),
    );
    // Every job once, that of a killed worker by another.
    expect(ended.map(({ key }) => key).sort()).toEqual(
      reportIn('queued')
        .jobs.map(({ key }) => key)
        .sort(),
    );
    expect(lost.key).toBeDefined();
    const said = [outcome, ...(await Promise.all([a!, b!, c!, late].map(({ outcome }) => outcome)))];
    expect(said.map(({ stdout, stderr }) => stdout + stderr).join('')).not.toContain(redis.password);
    expect(readFileSync(w.path('queued/sweep.json'), 'utf8')).not.toContain(redis.password);
    expect(filesIn('shared').filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
