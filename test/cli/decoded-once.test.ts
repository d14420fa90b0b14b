/** A model file is decoded once a command, and nothing that was made in memory ever. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';

const counter = new URL('./count-decodes.mjs', import.meta.url);

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterAll(() => w.remove());

/** @returns a line for each decoded file */
async function decodes(args: readonly string[]): Promise<string[]> {
  const log = w.path('decodes.log');
  rmSync(log, { force: true });
  const env = { NODE_OPTIONS: `--import ${counter.href}`, DECODES: log };
  const { code, stderr } = await w.start(args, { env });
  expect(code, stderr).toBe(0);
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
}

const glyphs = ['--data', data('glyphs'), '--calibrate', '20', '--no-cache'];
const brief = [...glyphs, '--evaluate', '20'];

describe('a model file is decoded once by', () => {
  it.each([
    ['compress --int8', ['glyphs-cnn.onnx', '--int8', ...brief, '-o', 'int8.onnx'], 1],
    ['compress --q4', ['glyphs-cnn.onnx', '--q4', '--target', 'webgpu', '-o', 'q4.onnx'], 1],
    [
      'compress --prune',
      ['glyphs-cnn.onnx', '--prune', '20', ...brief, '--no-measure', '-o', 'pruned.onnx'],
      1,
    ],
    ['inspect', ['inspect', 'glyphs-cnn.onnx'], 1],
    ['compare', ['compare', 'glyphs-cnn.onnx', 'int8.onnx', '--data', data('glyphs'), '--evaluate', '10'], 2],
    ['evaluate', ['evaluate', 'glyphs-cnn.onnx', '--data', data('glyphs'), '--evaluate', '10'], 1],
    ['profile', ['profile', 'glyphs-cnn.onnx', '--device', 'node,wasm'], 1],
    ['ort', ['ort', 'glyphs-cnn.onnx', '-o', 'net.ort'], 1],
    [
      'bundle',
      ['bundle', 'glyphs-cnn.onnx', '-o', 'kit', '--targets', 'wasm,node,mobile', '--no-demo', ...brief],
      1,
    ],
    // Its two .onnx files, to see whether they hold float16.
    ['profile of a bundle', ['profile', 'kit', '--device', 'node,wasm', '--threads', '1,2'], 2],
    [
      'generate',
      ['generate', shippedModel('sentences-gpt2'), '--ids', '--prompt', '1 2', '--max-tokens', '3'],
      1,
    ],
  ])('%s', async (_, args, files) => {
    expect(await decodes(args)).toHaveLength(files);
  });
});
