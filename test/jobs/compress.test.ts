/** The library call. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CompressOptions, compress, write } from '../../src/jobs/compress.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';

const model = fileURLToPath(new URL('../../fixtures/models/glyphs-mlp.onnx', import.meta.url));
const quick = { int8: true, measure: false } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-call-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('gives files in memory and writes nothing unless told where', async () => {
  const before = readdirSync(dirname(model));
  const { files, report } = await compress(model, quick);
  const names = ['onnx', 'report.html', 'report.md', 'report.json'].map((end) => `glyphs-mlp.int8.${end}`);
  expect(files.map((f) => f.path)).toEqual(names);
  expect(report.files).toEqual(names);
  expect(readdirSync(dirname(model))).toEqual(before);
  expect(write(files, folder).sort()).toEqual(names.map((name) => join(folder, name)).sort());
});

it('writes where it is told, and takes bytes and open models as well as paths', async () => {
  const bytes = new Uint8Array(readFileSync(model));
  const output = join(folder, 'small.onnx');
  const written = await compress(bytes, { ...quick, output });
  expect(existsSync(output)).toBe(true);
  const opened = await compress(decodeModel(bytes), quick);
  expect(opened.report.result.weightBytes).toEqual(written.report.result.weightBytes);
});

it('tells of its steps and stops when told to', async () => {
  const steps: string[] = [];
  await compress(model, { ...quick, onProgress: (p) => p.kind === 'end' && steps.push(p.step) });
  expect(steps).toContain('quantise');
  const controller = new AbortController();
  const stopped = compress(model, {
    ...quick,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
});

it.each([
  [{ int9: true }, 'UNKNOWN_OPTION', '"int8"'],
  [{ target: 'wsm' }, 'INVALID_ARGUMENT', 'wasm'],
  [{ lr: 0.1 }, 'UNKNOWN_OPTION', '"learningRate"'],
])('refuses %j with a suggestion', async (options, code, hint) => {
  const call = compress(model, options as CompressOptions);
  await expect(call).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) });
});

it('makes the folder that output names, and takes it away again when it fails', async () => {
  const output = join(folder, 'new', 'deeper/');
  const { files } = await compress(model, { ...quick, output });
  expect(files[0]!.path).toBe(join(output, 'glyphs-mlp.int8.onnx'));
  expect(readdirSync(output)).toHaveLength(4);
  const failing = compress(model, { ...quick, output: join(folder, 'other', 'deeper/'), data: 'nowhere/' });
  await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/NOT_FOUND/) });
  expect(readdirSync(folder)).toEqual(['new']);
});

it.each([
  [{ labels: 'l.csv' }, '"labels" has no effect without "data".'],
  [{ finetune: true }, '"data" (folder or .npz)'],
])('speaks of fields, not of flags: %j', async (options, words) => {
  const call = compress(model, options);
  const error = await call.catch((refused: Error & { hint?: string }) => refused);
  expect(`${(error as Error).message} ${(error as { hint?: string }).hint}`).toContain(words);
});
