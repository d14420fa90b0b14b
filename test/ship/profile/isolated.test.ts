import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { writeModelFile } from '../../../src/model/formats/file.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { measureByTurnsIsolated, measureIsolated } from '../../../src/ship/profile/isolated.ts';

const quick = { warmup: 1, minRepetitions: 3, maxRepetitions: 3 };
const megabytes = 1e6;

describe('measuring in a process of its own', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);
  const feeds = { x: tensorOf('float32', [4], [1, 2, 3, 4]) };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'edgepress-isolated-'));
    // Other tests leave models in the usual place while they run.
    process.env['TMPDIR'] = folder;
    const small = buildKernel(
      (b) => b.output('y', b.op('Relu', [b.input('x', 'float32', ['n'])]), 'float32'),
      17,
    );
    // The output of Expand takes 200 MB, which the process must hold at once.
    const large = buildKernel((b) => {
      const size = b.constant(tensorOf('int64', [2], [12.5e6, 4]));
      b.output('y', b.op('Expand', [b.input('x', 'float32', [4]), size]), 'float32');
    }, 17);
    const external = buildKernel((b) => {
      const w = b.constant(tensorOf('float32', [4096], new Float32Array(4096)), 'w');
      b.output('y', b.op('Gather', [w, b.op('Cast', [b.input('x', 'float32', [4])], { to: 7 })]), 'float32');
    }, 17);
    writeModelFile(small, file('small.onnx'));
    writeModelFile(large, file('large.onnx'));
    writeModelFile(external, file('external.onnx'), { externalAboveBytes: 0 });
    writeFileSync(file('broken.onnx'), 'no model');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  for (const engine of ['node', 'wasm'] as const) {
    it(`gives latency and memory on ${engine}, also when this process holds far more`, async () => {
      const ballast = Buffer.alloc(400 * megabytes, 1);
      const { memory, samplesMs } = await measureIsolated(openModel(file('small.onnx')), feeds, {
        engine,
        ...quick,
      });
      expect(ballast[1]).toBe(1);
      expect(samplesMs).toHaveLength(3);
      expect(memory.baselineBytes).toBeGreaterThan(10 * megabytes);
      expect(memory.peakBytes).toBeGreaterThanOrEqual(memory.baselineBytes);
      // Node, TypeScript loader and runtime take about 150 MB (wasm counts its heap alone); the parent's 400 MB must not be among them.
      expect(memory.peakBytes).toBeLessThan(380 * megabytes);
    });

    it(`sees the memory that a model takes on ${engine}`, async () => {
      const { memory } = await measureIsolated(openModel(file('large.onnx')), feeds, { engine, ...quick });
      expect(memory.peakBytes - memory.baselineBytes).toBeGreaterThan(150 * megabytes);
    });

    it(`finds external data on ${engine}`, async () => {
      const { samplesMs } = await measureIsolated(openModel(file('external.onnx')), feeds, {
        engine,
        ...quick,
      });
      expect(samplesMs).toHaveLength(3);
    });

    it(`measures on ${engine} what is in memory only, and leaves no file behind`, async () => {
      const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('edgepress-model-'));
      const before = folders();
      const [model, data] = openModel(file('external.onnx')).files.map((f) => f.bytes());
      const opened = openModel(model!, { data: new Map([['external.onnx.data', data!]]) });
      const { samplesMs } = await measureIsolated(opened, feeds, { engine, ...quick });
      expect(samplesMs).toHaveLength(3);
      expect(folders().filter((name) => !before.includes(name))).toEqual([]);
    });
  }

  it('measures several models by turns, with as many samples of each', async () => {
    const model = openModel(file('small.onnx'));
    const turns = await measureByTurnsIsolated(
      [{ model }, { model, session: { optimization: 'none' } }, { model: openModel(file('external.onnx')) }],
      feeds,
      { engine: 'node', ...quick },
    );
    expect(turns.map(({ samplesMs }) => samplesMs.length)).toEqual([3, 3, 3]);
  });

  it('hands over the diagnostic of the child', async () => {
    const broken = { name: 'broken.onnx', engineSource: () => ({ path: file('broken.onnx') }) };
    const run = measureIsolated(broken, feeds, { engine: 'node', ...quick });
    await expect(run).rejects.toMatchObject({ name: 'Diagnostic', code: 'ENGINE_OPEN' });
  });

  it('refuses feeds that do not fit, by the name of the input', async () => {
    const wrong = { x: tensorOf('int32', [1], [1]) };
    const run = measureIsolated(openModel(file('small.onnx')), wrong, { engine: 'node', ...quick });
    await expect(run).rejects.toMatchObject({
      code: 'FEED_MISMATCH',
      message: expect.stringContaining('"x"'),
    });
  });

  it('stops the child when it takes too long', async () => {
    const run = measureIsolated(openModel(file('small.onnx')), feeds, {
      engine: 'wasm',
      ...quick,
      timeoutMs: 1,
    });
    await expect(run).rejects.toMatchObject({ code: 'MEASURE_TIMEOUT' });
  });

  it('stops the child when aborted', async () => {
    const abort = new AbortController();
    const options = { engine: 'node', maxMs: 60_000, maxRepetitions: 1e9, precision: 0 } as const;
    const run = measureIsolated(openModel(file('small.onnx')), feeds, { ...options, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 300);
    await expect(run).rejects.toThrow('enough');
  });
});
