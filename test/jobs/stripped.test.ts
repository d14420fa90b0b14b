/** No file that compress or bundle writes says where the model was exported. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundle } from '../../src/jobs/bundle.ts';
import { compress, type OutputFile } from '../../src/jobs/compress.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';

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
