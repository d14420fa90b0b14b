/** `compress data`: what data is understood as, and arrays that NumPy and --data read again. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open.ts';
import { stackSamples } from '../../src/data/stack-samples.ts';
import { inspectData } from '../../src/jobs/data.ts';
import { decodeNpz, encodeNpz } from '../../src/model/formats/npy.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-data-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string) => join(root, name);
const glyphs = { model: 'fixtures/models/glyphs-cnn.onnx', preprocess: 'imagenet' };
const failure = (path: string, options: Parameters<typeof inspectData>[1]) =>
  inspectData(path, options).then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

const hasNumpy = (() => {
  try {
    execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('pictures', () => {
  it('are shown with labels and ranges, and written as they feed the model', async () => {
    const output = at('glyphs.npz');
    const { report } = await inspectData('fixtures/data/glyphs', { ...glyphs, output, limit: 20 });
    expect(report).toMatchObject({ kind: 'images', samples: 500, labelled: true, written: { samples: 20 } });
    expect(report.split).toEqual({ calibration: 100, comparison: 200 });
    expect(report.shown.map(({ className }) => className)).toEqual(['arrow', 'house', 'wave']);
    expect(report.shown[0]!.inputs[0]!.type).toBe('float32 [1,3,32,32]');
    // White is (1 − 0.406) / 0.225 in ImageNet's blue.
    for (const { inputs } of report.shown) expect(inputs[0]!.range!.max).toBeLessThanOrEqual(2.641);
    const { model } = openModel(glyphs.model);
    const again = await openData(output, portsOf(model), { seed: 0 });
    const before = await openData('fixtures/data/glyphs', portsOf(model), {
      seed: 0,
      preprocess: 'imagenet',
    });
    expect(again).toMatchObject({ length: 20, labelled: true });
    expect((await again.read(1)).inputs['image']!.bytes()).toEqual(
      (await before.read(25)).inputs['image']!.bytes(),
    );
    expect(again.label!(19)).toBe(before.label!(475));
  });
});

describe('texts of different length', () => {
  const model = 'fixtures/models/sentiment-encoder.onnx';

  it('are written one by one', async () => {
    writeFileSync(at('ids.json'), '[[1,2,3],[4,5]]');
    expect(await failure(at('ids.json'), { model, output: at('t.npz') })).toBe('SAMPLES_UNEQUAL');
    const { report } = await inspectData(at('ids.json'), { model, output: `${at('texts')}/` });
    expect(report.written).toMatchObject({ samples: 2 });
    expect(readdirSync(at('texts'))).toEqual(['1.npz', '2.npz']);
    const again = await openData(at('texts'), portsOf(openModel(model).model), { seed: 0 });
    expect((await again.read(1)).inputs['input_ids']!.dims).toEqual([1, 2]);
  });

  it('are refused under another name, or over somebody’s file', async () => {
    writeFileSync(at('mine.npz'), 'mine');
    expect(await failure(at('ids.json'), { model, output: at('t.csv') })).toBe('OUTPUT_NOT_ARRAYS');
    expect(await failure(at('ids.json'), { model, output: at('mine.npz') })).toBe('OUTPUT_EXISTS');
  });
});

describe('archives of arrays', () => {
  const arrays = new Map<string, Tensor>([
    ['x', tensorOf('float32', [2, 3], [1, -2, 3.5, 0, 5, 6])],
    ['ids', tensorOf('int64', [4], [1, 2, 3, 2 ** 40])],
    ['half', tensorOf('float16', [1, 1, 2], [0.5, -1])],
    ['flag', tensorOf('bool', [2], [1, 0])],
    ['scalar', tensorOf('int64', [], [16000])],
    ['empty', tensorOf('float32', [1, 0, 4], [])],
  ]);

  it('come back as they were', () => {
    const again = decodeNpz(encodeNpz(arrays));
    expect([...again.keys()]).toEqual([...arrays.keys()]);
    for (const [name, tensor] of arrays) {
      expect([again.get(name)!.dtype, again.get(name)!.dims]).toEqual([tensor.dtype, tensor.dims]);
      expect(again.get(name)!.bytes()).toEqual(tensor.bytes());
    }
  });

  it.skipIf(!hasNumpy)('are read by NumPy (python3 with numpy)', () => {
    writeFileSync(at('a.npz'), encodeNpz(arrays));
    const script = `import numpy as np, json, sys
z = np.load(sys.argv[1])
print(json.dumps({k: [str(z[k].dtype), list(z[k].shape), z[k].astype(float).ravel().tolist()] for k in z.files}))`;
    const read: unknown = JSON.parse(
      execFileSync('python3', ['-c', script, at('a.npz')], { encoding: 'utf8' }),
    );
    expect(read).toEqual({
      x: ['float32', [2, 3], [1, -2, 3.5, 0, 5, 6]],
      ids: ['int64', [4], [1, 2, 3, 2 ** 40]],
      half: ['float16', [1, 1, 2], [0.5, -1]],
      flag: ['bool', [2], [1, 0]],
      scalar: ['int64', [], [16000]],
      empty: ['float32', [1, 0, 4], []],
    });
  });

  it('hold states, whose batch is not in front, along an axis of their own', () => {
    const sample = (value: number) => ({
      ...{ id: '', label: value },
      inputs: { state: tensorOf('float32', [2, 1], [value, 0]), sr: tensorOf('int64', [], [8]) },
    });
    const stacked = stackSamples([sample(0), sample(1), sample(2)]);
    expect(stacked.get('state')!.dims).toEqual([3, 2, 1]);
    expect(stacked.get('sr')!.dims).toEqual([]);
    expect(stacked.get('labels')!.dims).toEqual([3]);
  });
});
