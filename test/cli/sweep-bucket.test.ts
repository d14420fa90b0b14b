/** compress sweep with a store in a bucket, from the command line to a server that verifies signatures. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sweepReportSchema } from '../../src/judge/report/sweep-report.ts';
import { type Bucket, exampleKeys, startBucket } from '../s3.ts';
import { createWorkspace, shippedModel, type Workspace } from './program.ts';

let w: Workspace;
let bucket: Bucket;
beforeAll(async () => {
  w = createWorkspace();
  bucket = await startBucket();
});
afterAll(() => {
  bucket.server.close();
  w.remove();
});

const sweep = (output: string, env: Readonly<Record<string, string>> = {}) =>
  w.start(['sweep', 'sweep.json', '-o', output, '--store', 's3://models/team a', '--jobs', '1'], {
    env: { ...bucket.settings, AWS_SESSION_TOKEN: undefined, AWS_ENDPOINT_URL_S3: undefined, ...env },
  });

const reportIn = (folder: string) =>
  sweepReportSchema.parse(JSON.parse(readFileSync(w.path(`${folder}/sweep.json`), 'utf8')));

const filesIn = (folder: string) =>
  readdirSync(w.path(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));

describe('a sweep whose store is a bucket', () => {
  it('keeps results there, below the prefix, and finds them for another folder; no file holds the keys', async () => {
    const model = { model: shippedModel('digits-cnn'), fixed: { compare: false } };
    const file = { edgepress: 'sweep@1', models: [model], grid: { int8: ['weights'] } };
    writeFileSync(w.path('sweep.json'), JSON.stringify(file));
    expect(await sweep('one')).toMatchObject({ code: 0 });
    expect(reportIn('one').counts).toEqual({ jobs: 1, done: 1, found: 0, failed: 0 });
    const { key } = reportIn('one').jobs[0]!;
    const names = [...bucket.kept.keys()].map(decodeURIComponent);
    expect(names).toContain(`/models/team a/results/${key.slice(0, 2)}/${key}.json`);
    expect(names.every((name) => name.startsWith('/models/team a/'))).toBe(true);

    const kept = new Map(bucket.kept);
    expect(await sweep('two')).toMatchObject({ code: 0 });
    expect(reportIn('two').counts).toEqual({ jobs: 1, done: 1, found: 1, failed: 0 });
    expect(bucket.kept).toEqual(kept);
    for (const bytes of [...filesIn('one'), ...filesIn('two'), ...bucket.kept.values()])
      for (const secret of Object.values(exampleKeys))
        expect(Buffer.from(bytes).includes(secret)).toBe(false);
  });

  it('ends with a code where the keys are others or missing, and writes nothing', async () => {
    const before = w.listing();
    const refused = await sweep('three', { AWS_SECRET_ACCESS_KEY: 'hush-hush' });
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('STORE_ANSWER');
    expect(refused.stdout + refused.stderr).not.toContain('hush-hush');
    const without = await sweep('four', { AWS_ACCESS_KEY_ID: '' });
    expect(without.code).toBe(5);
    expect(without.stderr).toContain('STORE_SETTING_MISSING');
    expect(w.listing()).toEqual(before);
  });
});
