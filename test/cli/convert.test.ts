import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimeBrotliBytes } from '../../src/ship/profile/runtime-sizes.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterEach(() => w.remove());

describe('compress -o model.tflite', () => {
  it('counts LiteRT.js as what a page loads for it', async () => {
    const { code, stdout, stderr } = await w.run([
      'glyphs-cnn.onnx',
      '--int8',
      '-o',
      'small.tflite',
      '--json',
    ]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).target.runtimeBrotliBytes).toBe(runtimeBrotliBytes('@litertjs/core'));
  });
});

it('--target litert writes what LiteRT loads, where no name says otherwise', async () => {
  const asked = ['glyphs-cnn.onnx', '--int8', '--target', 'litert', '--json', '--force', '--no-measure'];
  const { code, stdout, stderr } = await w.run(asked);
  expect(code, stderr).toBe(0);
  const { result, target } = JSON.parse(stdout);
  expect(result.file).toBe('glyphs-cnn.int8.tflite');
  expect(target).toMatchObject({ name: 'litert', runtime: 'LiteRT' });
  const named = await w.run([...asked, '-o', 'for-litert.onnx']);
  expect(JSON.parse(named.stdout).result.file).toBe('for-litert.onnx');
});

describe('--io', () => {
  const int8 = ['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), '--no-measure', '--calibrate', '16'];
  const evaluated = async (file: string, ...more: string[]) => {
    const { stdout, stderr } = await w.run(['evaluate', file, '--data', data('glyphs'), '--json', ...more]);
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout).metrics;
  };

  it('has pictures come in integers, and says what stays in floats', async () => {
    const lastInFloats = ['--exclude', '/classifier/Gemm'];
    const asked = [...int8, ...lastInFloats, '-o', 'm.tflite', '--io', 'int8', '--json'];
    const { code, stdout, stderr } = await w.run(asked);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.remarks).toContainEqual(expect.stringMatching(/^Output "scores" is not made int8: /));
    expect(report.result.inputs[0].type).toBe('int8 [batch,3,32,32]');
    expect(report.compare.outputs[0].top1Agreement).toBeGreaterThan(0.9);
    const turned = await w.run(['convert', 'm.tflite', 'u.tflite', '--io', 'uint8']);
    expect(turned.stdout).toMatch(/^ {2}Output "scores" is not made uint8: /m);
    await w.run(['convert', 'm.tflite', 'f.tflite', '--io', 'float']);
    const few = ['--evaluate', '60'];
    const whole = await evaluated('f.tflite', ...few);
    expect(whole[0]).toMatchObject({ name: 'top-1 accuracy' });
    expect(await evaluated('m.tflite', ...few)).toEqual(whole);
    expect(await evaluated('u.tflite', ...few)).toEqual(whole);
    const compared = await w.run([
      'compare',
      'f.tflite',
      'u.tflite',
      '--data',
      data('glyphs'),
      ...few,
      '--json',
    ]);
    expect(JSON.parse(compared.stdout).compare.outputs[0].maxAbsError).toBe(0);
  });

  it('is refused where nothing has a scale, and for other formats', async () => {
    const refused = async (...args: string[]) => (await w.run(args)).stderr;
    const float = await refused('convert', 'glyphs-cnn.onnx', 'm.tflite', '--io', 'int8');
    expect(float).toMatch(/TFLITE_IO.*"image".*"scores"/);
    expect(await refused('convert', 'glyphs-cnn.onnx', 'm.json', '--io', 'int8')).toMatch(
      /OPTION_WITHOUT_EFFECT.*--io/,
    );
    expect(await refused('glyphs-cnn.onnx', '--int8', '--io', 'float')).toMatch(
      /OPTION_WITHOUT_EFFECT.*--io/,
    );
  });
});

it('--open-batch keeps the batch open, which is 1 otherwise, and is refused where there is none', async () => {
  const inputOf = async (file: string) =>
    JSON.parse((await w.run(['inspect', file, '--json'])).stdout).inputs[0].type;
  const closed = await w.run(['convert', 'glyphs-cnn.onnx', 'one.tflite']);
  expect(closed.stdout).toMatch(/^ {2}the batch is 1, .*--open-batch/m);
  expect(await inputOf('one.tflite')).toBe('float32 [1,3,32,32]');
  await w.run(['convert', 'glyphs-cnn.onnx', 'open.tflite', '--open-batch']);
  expect(await inputOf('open.tflite')).toBe('float32 [batch,3,32,32]');
  const refused = await w.run(['convert', 'one.tflite', 'again.tflite', '--open-batch']);
  expect(refused.stderr).toMatch(/OPTION_WITHOUT_EFFECT.*--open-batch/);
});

describe('compress -o model.json', () => {
  it('stores weights in int8 for TensorFlow.js, and says that it is no faster', async () => {
    const { code, stdout, stderr } = await w.run(['glyphs-cnn.onnx', '--int8', '-o', 'small.json', '--json']);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.verdict.headline).toMatch(/no faster \(TensorFlow\.js computes in float32\)/);
    expect(report.latency).toEqual([]);
    expect(report.target.runtimeBrotliBytes).toBe(runtimeBrotliBytes('@tensorflow/tfjs-backend-wasm'));
    expect(report.next[0].command).toBe(
      'compress glyphs-cnn.onnx --int8 --data <folder or .npz> --format tfjs',
    );
    const { weightsManifest } = JSON.parse(readFileSync(w.path('small.json'), 'utf8'));
    const stored = weightsManifest[0].weights.map(
      (weight: Weight) => weight.quantization?.dtype ?? weight.dtype,
    );
    expect(stored).toContain('uint8');
    const few = ['--data', data('glyphs'), '--evaluate', '10', '--json'];
    const compared = await w.run(['compare', 'glyphs-cnn.onnx', 'small.json', ...few]);
    expect(JSON.parse(compared.stdout).compare.outputs[0].top1Agreement).toBeGreaterThanOrEqual(0.9);
  });

  it('--format tfjs writes the same into a folder, named or beside the model', async () => {
    const quick = ['glyphs-cnn.onnx', '--int8', '--no-measure', '-q'];
    await w.run([...quick, '-o', 'small.json']);
    await w.run([...quick, '--format', 'tfjs', '-o', 'web/']);
    const beside = await w.run([...quick, '--format', 'tfjs']);
    expect(beside.stdout).toMatch(
      /^glyphs-cnn\.int8\/model\.json\nglyphs-cnn\.int8\/group1-shard1of1\.bin\n/,
    );
    const weights = (folder: string) => readFileSync(w.path(`${folder}/group1-shard1of1.bin`));
    expect(weights('web')).toEqual(weights('.'));
    expect(weights('glyphs-cnn.int8')).toEqual(weights('.'));
  });

  it('is refused with what can only be written as ONNX, and under names of other formats', async () => {
    const refused = async (...args: string[]) => (await w.run(args)).stderr;
    expect(await refused('glyphs-cnn.onnx', '--q4', '--format', 'tfjs')).toContain('CONFLICTING_OPTION');
    expect(await refused('glyphs-cnn.onnx', '--int8', '--format', 'tfjs', '-o', 'a.onnx')).toContain(
      'FORMAT_CONFLICT',
    );
    const unnamed = await refused('glyphs-cnn.onnx', '--int8', '-o', 'a.tfjs');
    expect(unnamed).toMatch(/FORMAT_UNNAMED.*\.json \(TensorFlow\.js\)/);
    expect(await refused('convert', 'glyphs-cnn.onnx', 'web')).toMatch(/FORMAT_UNNAMED/);
  });

  it('convert says of one with weights in 8 or 16 bits why ONNX of it is larger', async () => {
    await w.run(['glyphs-cnn.onnx', '--int8', '-o', 'small.json', '--no-measure']);
    const grown = await w.run(['convert', 'small.json', 'back.onnx']);
    expect(grown.stdout).toMatch(
      /\n {2}Its weights came in 8 bits and are float32 here; compress back\.onnx --int8 makes them small again\.\n$/,
    );
    await w.run(['convert', 'glyphs-cnn.onnx', 'whole.json']);
    const same = await w.run(['convert', 'whole.json', 'whole.onnx']);
    expect(same.stdout).not.toMatch(/weights came in/);
    const half = readFileSync(w.path('whole.json'), 'utf8');
    expect(half).not.toContain('quantization');
  });
});

interface Weight {
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string };
}

describe('compress convert', () => {
  it('writes a TensorFlow.js folder, and ONNX of it that answers the same', async () => {
    const there = await w.run(['convert', 'glyphs-cnn.onnx', 'web/']);
    expect(there.code, there.stderr).toBe(0);
    expect(there.stdout).toMatch(
      /ONNX → TensorFlow\.js {3}.*\n {2}→ web\/model\.json .*\n {2}→ web\/group1-shard1of1\.bin/,
    );
    const back = await w.run(['convert', 'web/model.json', 'back.onnx', '--json']);
    expect(back.code, back.stderr).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ from: 'TensorFlow.js', to: 'ONNX' });
    const few = ['--data', data('glyphs'), '--evaluate', '10', '--json'];
    const compared = await w.run(['compare', 'glyphs-cnn.onnx', 'back.onnx', ...few]);
    expect(JSON.parse(compared.stdout).compare.outputs[0].top1Agreement).toBe(1);
  });

  it('puts the format into a folder that is asked for, also where the model has it already', async () => {
    await w.run(['convert', 'glyphs-cnn.onnx', 'web/']);
    const again = await w.run(['convert', 'web/model.json', 'again/', '--format', 'tfjs', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ from: 'TensorFlow.js', to: 'TensorFlow.js' });
    expect(readFileSync(w.path('again/group1-shard1of1.bin'))).toEqual(
      readFileSync(w.path('web/group1-shard1of1.bin')),
    );
    const text = await w.run(['convert', 'web/model.json', 'text/', '--format', 'onnx-text']);
    expect(text.stdout).toContain('→ text/model.onnx.txt');
  });

  it('replaces what it wrote before, and nothing else', async () => {
    expect((await w.run(['convert', 'glyphs-cnn.onnx', 'out.json'])).code).toBe(0);
    expect((await w.run(['convert', 'glyphs-cnn.onnx', 'out.json'])).code).toBe(0);
    w.copy('glyphs-mlp', 'theirs.onnx');
    const before = readFileSync(w.path('theirs.onnx'));
    const { code, stderr } = await w.run(['convert', 'out.json', 'theirs.onnx']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/theirs\.onnx/);
    expect(readFileSync(w.path('theirs.onnx'))).toEqual(before);
  });

  it('names operator and node that TensorFlow.js lacks, and writes nothing', async () => {
    const text =
      '<ir_version: 9, opset_import: ["" : 20]>\ng (float[1,1,4,4] x, float[1,2,2,2] grid) => (float[1,1,2,2] y) {\n  [sample] y = GridSample(x, grid)\n}\n';
    writeFileSync(w.path('grid.onnx.txt'), text);
    const before = w.listing();
    const { code, stderr } = await w.run(['convert', 'grid.onnx.txt', 'grid.json']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/GridSample "sample"/);
    expect(w.listing()).toEqual(before);
  });
});
