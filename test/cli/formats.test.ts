/** Every command takes every format that is read, and writes each that is written. */
import { readFileSync, renameSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFile, writeModelFile } from '../../src/model/formats/file.ts';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';

let w: Workspace;

/** @returns what came on stdout */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await w.run(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

beforeAll(async () => {
  w = createWorkspace();
  for (const name of ['glyphs-cnn', 'sentences-gpt2']) {
    await run('ort', w.copy(name), '-o', w.path(`${name}.ort`));
    writeModelFile(readModelFile(shippedModel(name)), w.path(`${name}.onnx.txt`));
  }
  writeModelFile(readModelFile(shippedModel('glyphs-cnn')), w.path('glyphs-cnn.tflite'));
});
afterAll(() => w.remove());

const glyphs = ['--data', data('glyphs')];
const few = [...glyphs, '--evaluate', '10'];
const quick = [...few, '--no-measure'];

describe.each([['ort'], ['onnx.txt'], ['tflite']])('a model in .%s is taken by', (ending) => {
  const model = `glyphs-cnn.${ending}`;

  it('compress', async () => {
    await run(model, '--int8', ...quick, '--no-cache', '-o', `${ending}.int8.onnx`);
    const { result } = JSON.parse(readFileSync(w.path(`${ending}.int8.report.json`), 'utf8'));
    expect(result.weightBytes.int8).toBeGreaterThan(10_000);
  });

  it('bundle', async () => {
    await run('bundle', model, '--targets', 'wasm', '--no-demo', '--no-cache', ...few, '-o', `kit.${ending}`);
    const { provenance, name } = JSON.parse(readFileSync(w.path(`kit.${ending}/edgepress.json`), 'utf8'));
    expect(provenance.source.file).toBe(model);
    expect(name).toBe('glyphs-cnn');
  });

  it('inspect', async () => {
    expect(JSON.parse(await run('inspect', model, '--json')).parameters).toBeGreaterThan(10_000);
  });

  it('compare', async () => {
    const said = await run('compare', 'glyphs-cnn.onnx', model, ...few, '--json');
    expect(JSON.parse(said).compare.outputs[0].top1Agreement).toBe(1);
  });

  it('evaluate', async () => {
    const said = await run('evaluate', model, ...few, '--json');
    const original = await run('evaluate', 'glyphs-cnn.onnx', ...few, '--json');
    expect(JSON.parse(said).metrics).toEqual(JSON.parse(original).metrics);
  });

  it('profile', async () => {
    const { rows } = JSON.parse(await run('profile', model, '--device', 'node,wasm', '--json'));
    const reasons: (string | null)[] = rows.map((row: { reason: string | null }) => row.reason);
    expect(reasons.filter((reason) => reason === null)).toHaveLength(2);
    // LiteRT.js itself is measured in browsers; what runs here is the same model as ONNX.
    const elsewhere = reasons.filter((reason) => reason !== null);
    expect(elsewhere.every((reason) => reason.includes('--device chromium'))).toBe(true);
    expect(elsewhere).toHaveLength(ending === 'tflite' ? 2 : 0);
  });

  // .tflite has no open sizes for a text to grow in.
  it.skipIf(ending === 'tflite')('generate', async () => {
    const ids = ['--ids', '--prompt', '5 6 7', '--max-tokens', '4'];
    expect(await run('generate', `sentences-gpt2.${ending}`, ...ids)).toBe(
      await run('generate', 'sentences-gpt2.onnx', ...ids),
    );
  });

  it('distill', async () => {
    await run('distill', model, '--width', '0.5', '--epochs', '1', ...quick, '-o', `${ending}.small.onnx`);
    expect(readModelFile(w.path(`${ending}.small.onnx`)).metadata.get('edgepress')).toContain('made with');
  });

  it('finetune', async () => {
    await run('finetune', model, '--epochs', '1', ...quick, '-o', `${ending}.tuned.onnx`);
    expect(readModelFile(w.path(`${ending}.tuned.onnx`)).metadata.get('edgepress')).toContain('made with');
  });
});

describe('a text with its weights in a file beside it', () => {
  it('computes the same, and counts both files', async () => {
    const path = w.path('beside.onnx.txt');
    const files = writeModelFile(readModelFile(shippedModel('glyphs-cnn')), path, {
      externalAboveBytes: 1000,
    });
    expect(files).toEqual([path, `${path}.data`]);
    const said = await run('compare', 'glyphs-cnn.onnx', 'beside.onnx.txt', ...few, '--json');
    expect(JSON.parse(said).compare.outputs[0].top1Agreement).toBe(1);
    const { sizeBytes } = JSON.parse(await run('inspect', 'beside.onnx.txt', '--json'));
    expect(sizeBytes).toBe(files.reduce((sum, file) => sum + statSync(file).size, 0));
  });

  it('is refused where that file is missing', async () => {
    renameSync(w.path('beside.onnx.txt.data'), w.path('elsewhere.data'));
    const { code, stderr } = await w.run(['inspect', 'beside.onnx.txt']);
    expect(code).toBe(2);
    expect(stderr).toContain('EXTERNAL_DATA_MISSING');
  });
});

describe('-o with the ending of a format', () => {
  it('writes it, with reports named after it, and replaces what it wrote', async () => {
    const flags = ['glyphs-cnn.onnx', '--int8', '--no-compare', '--no-measure', '-o', 'out.onnx.txt'];
    await run(...flags);
    expect(readFileSync(w.path('out.onnx.txt'), 'utf8')).toMatch(/^<\n {2}ir_version/);
    expect(readFileSync(w.path('out.report.html'), 'utf8')).toContain('out.report.json');
    await run(...flags);
    const compared = await run('compare', 'glyphs-cnn.onnx', 'out.onnx.txt', ...few, '--json');
    expect(JSON.parse(compared).compare.outputs[0].top1Agreement).toBeGreaterThan(0.8);
  });

  it('writes .tflite for the target litert, and replaces what it wrote', async () => {
    const flags = ['glyphs-cnn.onnx', '--int8', 'weights', '--no-compare', '-o', 'out.tflite'];
    await run(...flags);
    expect(readFileSync(w.path('out.tflite')).toString('latin1', 4, 8)).toBe('TFL3');
    await run(...flags);
    const report = JSON.parse(readFileSync(w.path('out.report.json'), 'utf8'));
    expect(report.target.name).toBe('litert');
  });

  it("leaves a person's own text alone", async () => {
    writeModelFile(readModelFile(shippedModel('glyphs-mlp')), w.path('own.onnx.txt'));
    const { code, stderr } = await w.run(['glyphs-cnn.onnx', '--int8', '-o', 'own.onnx.txt']);
    expect(code).toBe(2);
    expect(stderr).toContain('OUTPUT_EXISTS');
  });

  it('is refused where a format is only read', async () => {
    const { code, stderr } = await w.run(['glyphs-cnn.onnx', '--int8', '-o', 'out.ort']);
    expect(code).toBe(2);
    expect(stderr).toContain('FORMAT_NOT_WRITTEN');
  });
});
