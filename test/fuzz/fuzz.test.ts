/** Files that were changed are read, or refused with a coded error: those that weren't once, and a minute of new ones. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { fuzz, regressions } from '../../scripts/fuzz/fuzz.ts';
import { createRunner, type Runner } from '../../scripts/fuzz/runner.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kept = existsSync(regressions)
  ? readdirSync(regressions, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => readdirSync(join(regressions, name)).map((file) => [name, file] as const))
  : [];

it('what was found once stays mended', { timeout: 1_500_000 }, async () => {
  const runner = createRunner();
  try {
    for (const [target, file] of kept) {
      const bytes = new Uint8Array(readFileSync(join(regressions, target, file)));
      expect(await runner.run({ target, bytes }), `${target}/${file}`).toEqual({ kind: 'fine' });
    }
  } finally {
    runner.close();
  }
});

it('a minute of changed files ends without a finding', { timeout: 1_500_000 }, async () => {
  // Another minute every day, and the same one again by its number.
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Date.now() / 86_400_000));
  console.log(`npm run fuzz -- --minutes 1 --seed ${seed}`);
  const { findings, cases } = await fuzz({ minutes: 1, seed, folder });
  expect(findings).toEqual([]);
  expect(Object.values(cases).every((count) => count > 0)).toBe(true);
});

describe('the fuzzer', () => {
  /** Fails on what it is told to. */
  const planted = (isBad: (bytes: Uint8Array) => boolean): Runner => ({
    start: async () => {},
    run: async ({ bytes }) =>
      isBad(bytes) ? { kind: 'failed', what: 'TypeError: planted' } : { kind: 'fine' },
    close: () => {},
  });

  it('finds what is wrong once, and keeps the smallest file that it is wrong with', async () => {
    const runner = planted((bytes) => bytes.length < 30);
    const told: string[] = [];
    const { findings } = await fuzz({
      ...{ minutes: 0.05, seed: 1, only: ['npy'], folder, runner },
      onFinding: ({ file }) => told.push(file),
    });
    expect(findings).toHaveLength(1);
    expect(told).toEqual([findings[0]!.file]);
    expect(readFileSync(findings[0]!.file).length).toBe(0);
  });

  const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const one = (bytes: number[]) => ({ target: 'any', bytes: Uint8Array.from(bytes) });

  it('takes a case when the one before has its answer', { timeout: 600_000 }, async () => {
    const runner = createRunner(program('odd-child.ts'));
    try {
      const [first, second] = await Promise.all([runner.run(one([3])), runner.run(one([0]))]);
      expect(first).toEqual({ kind: 'failed', what: 'the process died (exit 9)' });
      expect(second).toEqual({ kind: 'fine' });
    } finally {
      runner.close();
    }
  });

  it('says that a case hangs or ends the process, and goes on', { timeout: 600_000 }, async () => {
    const runner = createRunner(program('odd-child.ts'), { workMs: 1000, answerMs: 20_000 });
    try {
      expect(await runner.run(one([0]))).toEqual({ kind: 'fine' });
      expect(await runner.run(one([1]))).toEqual({ kind: 'failed', what: 'computed for more than 1 s' });
      expect(await runner.run(one([4]))).toEqual({ kind: 'failed', what: 'no answer in 20 s' });
      expect(await runner.run(one([2]))).toEqual({ kind: 'failed', what: 'the process died (SIGKILL)' });
      expect(await runner.run(one([3]))).toEqual({ kind: 'failed', what: 'the process died (exit 9)' });
      expect(await runner.run(one([0]))).toEqual({ kind: 'fine' });
    } finally {
      runner.close();
    }
  });
});
