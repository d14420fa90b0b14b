/** Variants of LiteRT, compared in a page. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from '../../src/jobs/bundle.ts';
import { profile } from '../../src/jobs/profile.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { openModelBytes } from '../../src/model/formats/opened.ts';
import { labelsOf, preprocessingOf } from '../../src/model/ir/card.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { runtimeBrotliBytes } from '../../src/ship/profile/runtime-sizes.ts';
import { withoutOwnEntries } from '../model/formats/tflite/without-own.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

describe.skipIf(!findBrowser('chromium'))('bundle --targets litert (skipped: no Chromium found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-bundle-litert-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('publishes .tflite files that agree in a page, and profile measures them by turns with onnxruntime', async () => {
    const output = join(folder, 'glyphs');
    const { report } = await bundle(fixture('models/glyphs-cnn.onnx'), {
      targets: ['wasm', 'litert'],
      data: fixture('data/glyphs'),
      preprocess: fileURLToPath(new URL('../../examples/preprocessor_config.json', import.meta.url)),
      ...{ demo: false, output, cache: false, evaluate: 40 },
    });
    const { variants } = report.manifest;
    expect(report.refused).toEqual([]);
    expect(variants.map((v) => v.name)).toEqual(['wasm-int8', 'float', 'litert-int8', 'litert']);
    for (const variant of variants.filter((v) => v.format === 'litert')) {
      expect(variant.parity[0]!.runtime).toMatch(/^litertjs-core 2\.\d+\.\d+ \(relaxed SIMD\) \(Chrom/);
      expect(variant.parity[0]!.samples).toBe(40);
      expect(variant.runtime!.brotliBytes).toBe(runtimeBrotliBytes('@litertjs/core'));
      expect(variant.parts.map((p) => p.role)).toEqual(['model']);
    }
    const bytesOf = (name: string) => variants.find((v) => v.name === name)!.bytes;
    expect(bytesOf('litert-int8')).toBeLessThan(bytesOf('litert') / 2);
    expect(openModel(join(output, 'litert/model.tflite')).model.graph.outputs).toHaveLength(1);

    const { report: profiled } = await profile(output, { device: ['node', 'chromium'] });
    const row = (device: string) =>
      profiled.rows.find((r) => r.subject === 'litert-int8' && r.device === device)!;
    expect(row('node').reason).toContain('browsers');
    expect(row('chromium').measured!.result.runtime).toMatch(/^litertjs-core .* \(relaxed SIMD\)$/);
    expect(row('chromium').measured!.result.against!.variant).toBe('float');
    expect(row('node').visit).toBeUndefined();
    expect(row('chromium').visit).toMatchObject({ runtimeBytes: runtimeBrotliBytes('@litertjs/core') });
    const kept = JSON.parse(readFileSync(join(output, 'edgepress.json'), 'utf8')) as typeof report.manifest;
    expect(kept.variants.find((v) => v.name === 'litert')!.measured).toHaveLength(1);
    // A bundle of ours is replaced unasked, files of every format in it.
    await bundle(fixture('models/glyphs-cnn.onnx'), { targets: ['litert'], demo: false, output });
  }, 240_000);

  it('writes into each file how a picture becomes its input and what the classes are, where LiteRT looks for it', async () => {
    const { report, files } = await bundle(fixture('models/glyphs-cnn.onnx'), {
      targets: ['litert'],
      layout: 'nhwc',
      data: fixture('data/glyphs'),
      preprocess: 'imagenet',
      ...{ demo: false, cache: false, calibrate: 10, evaluate: 10 },
    });
    const { labels, preprocessing } = report.manifest;
    expect(labels).toHaveLength(10);
    expect(preprocessing!['name']).toBe('imagenet');
    for (const name of ['litert-int8', 'litert']) {
      const { bytes } = files.find(({ path }) => path === `${name}/model.tflite`)!;
      expect(new TextDecoder().decode(unzipSync(bytes)['labels.txt'])).toBe(`${labels!.join('\n')}\n`);
      const { model } = openModelBytes(withoutOwnEntries(bytes), { name: 'model.tflite' });
      expect(labelsOf(model)).toEqual(labels);
      const { mean, std } = preprocessingOf(model) as { mean: number[]; std: number[] };
      for (const [i, of255] of [123.675, 116.28, 103.53].entries()) expect(mean[i]).toBeCloseTo(of255, 3);
      for (const [i, of255] of [58.395, 57.12, 57.375].entries()) expect(std[i]).toBeCloseTo(of255, 3);
    }
  }, 120_000);

  it('offers the float model for WebGPU too, once it agreed there', async () => {
    const { report } = await bundle(fixture('models/digits-cnn.onnx'), {
      ...{ targets: ['webgpu', 'litert'], demo: false, cache: false },
    });
    const variant = (name: string) => report.manifest.variants.find((v) => v.name === name)!;
    // Without data: products that find their ranges as they run.
    expect(variant('litert-int8')).toMatchObject({ precision: 'int8', providers: ['wasm'] });
    const litert = variant('litert');
    expect(litert.providers).toEqual(['wasm', 'webgpu']);
    expect(litert.parity.map((p) => p.runtime.replace(/[\d.]+/g, ''))).toEqual([
      expect.stringMatching(/^litertjs-core .*\(webgpu, Chromium /),
      expect.stringMatching(/^litertjs-core .*\(Chromium /),
    ]);
    for (const { sqnrDb } of litert.parity) expect(sqnrDb!).toBeGreaterThan(60);
  }, 120_000);

  const bytesOf = (text: string) =>
    new TextEncoder().encode(`<ir_version: 8, opset_import: ["" : 16]>\n${text}`);
  const gridSample = bytesOf(`g (float[1, 1, 4, 4] x, float[1, 2, 2, 2] grid) => (float[1, 1, 2, 2] y)
{ y = GridSample <mode = "bicubic"> (x, grid) }`);

  it('is made unasked; a variant whose operator LiteRT has no form for is left out with the reason', async () => {
    const { report } = await bundle(gridSample, { demo: false });
    expect(report.manifest.variants.map((v) => v.name)).toEqual(['float']);
    const reasons = report.refused.filter((r) => r.name.startsWith('litert'));
    expect(reasons.map((r) => r.name)).toEqual(['litert-int8', 'litert']);
    for (const { reason } of reasons) expect(reason).toContain('GridSample');
  }, 120_000);

  it('fails where it was asked for by name and LiteRT has no form for the model', async () => {
    await expect(bundle(gridSample, { targets: ['wasm', 'litert'], demo: false })).rejects.toMatchObject({
      code: 'TFLITE_OPERATOR',
      hint: expect.stringContaining('leave litert out of "targets"'),
    });
  });

  it('is not made of language models, unless it was asked for', async () => {
    const model = bytesOf(`g (int64[1, 8] input_ids) => (float[1, 8, 4] logits) <float[4, 4] table = {
1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}> { logits = Gather (table, input_ids) }`);
    const { report } = await bundle(model, { demo: false });
    expect(report.manifest.variants.map((v) => v.format)).not.toContain('litert');
    expect(report.refused.find((r) => r.name === 'litert')!.reason).toContain('language model');
    const asked = await bundle(model, { targets: ['litert'], demo: false });
    expect(asked.report.manifest.variants.map((v) => v.name)).toEqual(['litert']);
  }, 120_000);
});
