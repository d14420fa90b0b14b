/** A run that is cut off, wherever, ends as the one that was not. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { fileCheckpoints } from '../../../src/compute/train/checkpoint.ts';
import { tensorData } from '../../../src/compute/train/data.ts';
import { type TrainOptions, train, trainToEnd } from '../../../src/compute/train/loop.ts';
import type { Checkpoint } from '../../../src/compute/train/position.ts';
import { encodeSafetensors } from '../../../src/model/formats/safetensors.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { settings, student, weightsOf } from './run.ts';

let engine: Engine;
let options: TrainOptions;
let whole: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), 'edgepress-resume-'));
beforeAll(async () => {
  engine = await openEngine('node');
  options = await settings(engine);
  whole = weightsOf((await trainToEnd(student(), options)).model);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const known = new Map<TrainOptions, Checkpoint[]>();

/** Every checkpoint that the run saves. */
async function checkpointsOf(given: TrainOptions): Promise<Checkpoint[]> {
  const before = known.get(given);
  if (before) return before;
  const saved: Checkpoint[] = [];
  const checkpoints = { every: 1, load: async () => null, save: async (c: Checkpoint) => void saved.push(c) };
  await trainToEnd(student(), { ...given, checkpoints });
  known.set(given, saved);
  return saved;
}

const from = (checkpoint: Checkpoint) => ({ every: 1, load: async () => checkpoint, save: async () => {} });

describe('a run that goes on from a checkpoint', () => {
  const forms: readonly (readonly [string, Partial<TrainOptions>])[] = [
    ['as it is', {}],
    ['with two batches an update, five an epoch', { accumulate: 2 }],
    [
      'that is measured',
      {
        evaluate: async (m) =>
          -Math.abs(Buffer.from(weightsOf(m)['classifier/bias'] ?? '', 'base64').readFloatLE()),
      },
    ],
  ];
  it.each(forms)('%s, ends with the same bits from every batch', async (_, change) => {
    const given = { ...options, ...change };
    const expected = weightsOf((await trainToEnd(student(), given)).model);
    const saved = await checkpointsOf(given);
    expect(saved).toHaveLength(15);
    for (const k of [0, 4, 7, 10, 14]) {
      const resumed = await trainToEnd(student(), { ...given, checkpoints: from(saved[k] as Checkpoint) });
      expect(weightsOf(resumed.model), `from batch ${k + 1}`).toEqual(expected);
    }
  });

  it('hears the same from a teacher whose answers are kept', async () => {
    const inputs = tensorOf(
      'float32',
      [37, 1, 8, 8],
      Array.from({ length: 37 * 64 }, (_, i) => Math.sin(i * i)),
    );
    const given: TrainOptions = {
      ...options,
      data: tensorData({ image: inputs }),
      teacher: student(2),
      losses: [{ kind: 'distillation' }],
    };
    const expected = weightsOf((await trainToEnd(student(), given)).model);
    const saved = await checkpointsOf(given);
    const resumed = await trainToEnd(student(), { ...given, checkpoints: from(saved[5] as Checkpoint) });
    expect(weightsOf(resumed.model)).toEqual(expected);
  });

  it('says where it goes on', async () => {
    const saved = await checkpointsOf(options);
    const run = train(student(), { ...options, checkpoints: from(saved[6] as Checkpoint) });
    expect((await run.next()).value).toEqual({ kind: 'resumed', batch: 7, batches: 15, epochs: 1 });
    await run.return(undefined as never);
  });

  it('is saved when it is stopped, and goes on from there', async () => {
    const stop = new AbortController();
    const store = fileCheckpoints(join(folder, 'stopped'), 1000);
    const run = train(student(), { ...options, checkpoints: store, signal: stop.signal });
    for (let next = await run.next(); ; next = await run.next()) {
      if (next.done) {
        expect(next.value.stopped).toBe('aborted');
        break;
      }
      if (next.value.kind === 'step' && next.value.batch === 3) stop.abort();
    }
    expect((await store.load())?.position.partial.batches).toBe(3);
    const resumed = await trainToEnd(student(), { ...options, checkpoints: store });
    expect(weightsOf(resumed.model)).toEqual(whole);
  });
});

describe('a process that is killed', () => {
  it.each([3, 9])(
    'by kill -9 after batch %i leaves a checkpoint that ends with the same bits',
    async (batch) => {
      const own = join(folder, `killed-${batch}`);
      const script = fileURLToPath(new URL('killed.ts', import.meta.url));
      const child = spawn(process.execPath, ['--import', 'tsx', script, own], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += chunk;
        if (said.includes(`batch ${batch}\n`)) child.kill('SIGKILL');
      });
      const signal = await new Promise((resolve) => child.once('close', (_, by) => resolve(by)));
      expect(signal).toBe('SIGKILL');
      const store = fileCheckpoints(own, 2);
      const { position } = (await store.load()) as Checkpoint;
      expect(position.history.length).toBeLessThan(3);
      const resumed = await trainToEnd(student(), { ...options, checkpoints: store });
      expect(weightsOf(resumed.model)).toEqual(whole);
      await store.remove();
      expect(existsSync(own)).toBe(false);
    },
  );
});

describe('a checkpoint that is not of this run', () => {
  const store = () => fileCheckpoints(join(folder, 'broken'), 2);
  const file = join(folder, 'broken', 'checkpoint.safetensors');

  it.each<readonly [string, (sound: Uint8Array) => Uint8Array]>([
    ['empty', () => new Uint8Array()],
    ['cut off', (sound) => sound.subarray(0, sound.length - 5)],
    ['longer than it says', (sound) => Buffer.concat([sound, Buffer.alloc(3)])],
    ['of other bytes', (sound) => sound.map((b, i) => (i < 40 ? b ^ 0x5a : b))],
    ['of another program', () => encodeSafetensors({ w: tensorOf('float32', [1], [1]) }, { format: 'pt' })],
    ['with a position that is no JSON', () => encodeSafetensors({}, { position: '{' })],
  ])('%s is refused by name', async (_, spoil) => {
    const saved = await checkpointsOf(options);
    await store().save(saved[2] as Checkpoint);
    writeFileSync(file, spoil(readFileSync(file)));
    await expect(trainToEnd(student(), { ...options, checkpoints: store() })).rejects.toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringContaining('checkpoint.safetensors'),
    });
  });

  it.each<readonly [string, Partial<TrainOptions>]>([
    ['settings', { learningRate: 0.02 }],
    ['seed', { seed: 4 }],
    ['losses', { losses: [{ kind: 'cross-entropy' }] }],
  ])('with other %s is refused', async (_, change) => {
    const [first] = await checkpointsOf(options);
    const given = { ...options, ...change, checkpoints: from(first as Checkpoint) };
    await expect(trainToEnd(student(), given)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
  });

  it('whose weights have other shapes is refused', async () => {
    const [first] = (await checkpointsOf(options)) as [Checkpoint];
    const tensors = { ...first.tensors, 'classifier/bias': tensorOf('float32', [3], [0, 0, 0]) };
    const given = { ...options, checkpoints: from({ ...first, tensors }) };
    await expect(trainToEnd(student(), given)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
  });

  it('leaves no half-written file beside the sound one', async () => {
    const saved = await checkpointsOf(options);
    for (const c of saved.slice(0, 3)) await store().save(c);
    expect(readdirSync(join(folder, 'broken'))).toEqual(['checkpoint.safetensors']);
  });
});
