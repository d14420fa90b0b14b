/** A few of the kills that `npm run kills` does by the hundred, and whether that would notice. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differences } from '../../scripts/kills/compare.ts';
import { jobsOf } from '../../scripts/kills/jobs.ts';
import { kills } from '../../scripts/kills/kills.ts';
import { program } from './program.ts';

it('what was killed and started again makes the same files, and leaves nothing', {
  timeout: 1_200_000,
}, async () => {
  // Other moments every day, and the same ones again by their number.
  const seed = Number(process.env['KILLS_SEED'] ?? Math.floor(Date.now() / 86_400_000));
  console.log(`npm run kills -- --brief --only distill,finetune,bundle --times 3 --seed ${seed}`);
  const { distill, finetune, bundle } = jobsOf(true);
  const jobs = { distill: distill!, finetune: finetune!, bundle: bundle! };
  const tallies = await kills({ program, jobs, times: 3, seed });
  expect(tallies.flatMap(({ findings }) => findings)).toEqual([]);
  expect(tallies.map(({ kills }) => kills)).toEqual([1, 1, 1]);
});

describe('what is compared', () => {
  let top: string;
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'edgepress-compare-'));
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  const folder = (name: string, files: Readonly<Record<string, string>>): string => {
    const at = join(top, name);
    mkdirSync(at);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text);
    return at;
  };

  it('is each file, and what is there besides', () => {
    const a = folder('a', { 'm.onnx': '1', 'n.onnx': '1' });
    const b = folder('b', { 'm.onnx': '2', '.m.tmp': '' });
    expect(differences(a, b)).toEqual([
      'n.onnx is missing',
      '.m.tmp was left behind',
      'm.onnx has other bytes',
    ]);
  });

  it('is not the time in a report', () => {
    const report = (at: string, loss: number) =>
      JSON.stringify({ createdAt: `2026-01-0${at}T00:00:00.000Z`, ms: Number(at), loss });
    const a = folder('a', { 'm.report.json': report('1', 0.5), 'm.onnx': '"ms":1' });
    expect(differences(a, folder('b', { 'm.report.json': report('2', 0.5), 'm.onnx': '"ms":1' }))).toEqual(
      [],
    );
    expect(differences(a, folder('c', { 'm.report.json': report('2', 0.6), 'm.onnx': '"ms":2' }))).toEqual([
      'm.onnx has other bytes',
      'm.report.json has other bytes',
    ]);
  });
});
