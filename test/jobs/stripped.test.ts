/** No file that is written says where the model was exported. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressInPage } from '../../src/compress/in-page.ts';
import { openWasmEngine } from '../../src/compute/engine/onnxruntime-web.ts';
import { bundle } from '../../src/jobs/bundle.ts';
import { compress, type OutputFile } from '../../src/jobs/compress.ts';
import { convert } from '../../src/jobs/convert.ts';
import { convertFile } from '../../src/jobs/ort.ts';
import { refusalOf } from '../../src/jobs/refusals.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';

const place = '/home/jane/nets';
const file = fileURLToPath(new URL('../../fixtures/models/glyphs-mlp.onnx', import.meta.url));

/** As PyTorch's exporter leaves it. */
function exported() {
  const model = decodeModel(new Uint8Array(readFileSync(file)));
  for (const node of model.graph.nodes) node.doc = `${place}/mlp.py(12): forward\n`;
  model.doc = `Tells glyphs apart; from ${place}/mlp.py`;
  model.metadata.set('license', 'MIT');
  return { model, texts: model.graph.nodes.length + 1 };
}

const filesWith = (text: string, files: readonly OutputFile[]) =>
  files.filter(({ bytes }) => Buffer.from(bytes).includes(text)).map((f) => f.path);

describe('compress', () => {
  const quick = { int8: true, measure: false } as const;

  it.each(['onnx', 'tflite', 'tfjs'] as const)('writes none of it into %s', async (format) => {
    const { model } = exported();
    const { files } = await compress(model, { ...quick, format });
    expect(filesWith(place, files)).toEqual([]);
    expect(filesWith('MIT', files).length).toBeGreaterThan(0);
  });

  it('says how many texts went, in every view of the report', async () => {
    const { model, texts } = exported();
    // Nodes that fuse go with their texts.
    const { report, files } = await compress(model, { measure: false, fp16: true });
    expect(report.stripped!.texts).toBeGreaterThan(1);
    expect(report.stripped!.texts).toBeLessThanOrEqual(texts);
    expect(filesWith('--keep-metadata', files)).toEqual(
      files.map((f) => f.path).filter((p) => /\.(html|md)$/.test(p)),
    );
  });

  it('keeps it when asked to', async () => {
    const { report, files } = await compress(exported().model, { ...quick, keepMetadata: true });
    expect(filesWith(place, files)).toHaveLength(1);
    expect(report.stripped).toBeUndefined();
  });
});

it('bundle publishes none of it, in no variant', async () => {
  const { report, files } = await bundle(exported().model, { targets: ['wasm', 'litert'], demo: false });
  expect(filesWith(place, files)).toEqual([]);
  expect(report.stripped!.texts).toBeGreaterThan(1);
  const kept = await bundle(exported().model, { targets: ['wasm'], demo: false, keepMetadata: true });
  expect(filesWith(place, kept.files).length).toBeGreaterThan(0);
}, 120_000);

describe('what only changes the format', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const holds = (name: string) => readFileSync(path.join(folder, name)).includes(place);

  it('convert takes it out and says so, unless it is to stay', async () => {
    const { model } = exported();
    const at = (name: string) => ({ output: path.join(folder, name) });
    expect((await convert(model, at('clean.onnx'))).stripped!.texts).toBe(exported().texts);
    expect(holds('clean.onnx')).toBe(false);
    expect((await convert(model, { ...at('kept.onnx'), keepMetadata: true })).stripped).toBeNull();
    expect(holds('kept.onnx')).toBe(true);
  });

  it('ort takes it out, unless it is to stay', async () => {
    const source = path.join(folder, 'exported.onnx');
    writeFileSync(source, encodeModel(exported().model));
    await convertFile(source, path.join(folder, 'clean.ort'), 'any');
    expect(holds('clean.ort')).toBe(false);
    await convertFile(source, path.join(folder, 'kept.ort'), 'any', { keepMetadata: true });
    expect(holds('kept.ort')).toBe(true);
  });
});

it('compress in a page takes it out', async () => {
  const engine = await openWasmEngine();
  const run = (keepMetadata: boolean) =>
    compressInPage(exported().model, { int8: true, keepMetadata, engine }, refusalOf);
  expect(Buffer.from((await run(false)).bytes).includes(place)).toBe(false);
  expect(Buffer.from((await run(true)).bytes).includes(place)).toBe(true);
});
