/** Variants of TensorFlow.js, compared in a page. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from '../../src/jobs/bundle.ts';
import { profile } from '../../src/jobs/profile.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { runtimeBrotliBytes } from '../../src/ship/profile/runtime-sizes.ts';

const digits = fileURLToPath(new URL('../../fixtures/models/digits-cnn.onnx', import.meta.url));

describe.skipIf(!findBrowser('chromium'))('bundle --targets tfjs (skipped: no Chromium found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-bundle-tfjs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('publishes graph-models that agree in a page, and profile measures them beside those of onnxruntime', async () => {
    const output = join(folder, 'digits');
    const { report } = await bundle(digits, { targets: ['wasm', 'tfjs'], demo: false, output, cache: false });
    const { variants } = report.manifest;
    expect(report.refused).toEqual([]);
    expect(variants.map((v) => v.name)).toEqual(['wasm-int8', 'float', 'tfjs-uint8', 'tfjs-float16', 'tfjs']);
    for (const variant of variants.filter((v) => v.format === 'tfjs')) {
      expect(variant.parity[0]!.runtime).toMatch(/^tfjs-backend-wasm 4\.\d+\.\d+ \(Chrom/);
      expect(variant.runtime!.brotliBytes).toBe(runtimeBrotliBytes('@tensorflow/tfjs-backend-wasm'));
      expect(variant.parts.map((p) => p.role)).toEqual(['model', 'data']);
    }
    const bytesOf = (name: string) => variants.find((v) => v.name === name)!.bytes;
    expect(bytesOf('tfjs-uint8')).toBeLessThan(bytesOf('tfjs') / 2);
    expect(bytesOf('tfjs-float16')).toBeLessThan(0.6 * bytesOf('tfjs'));
    // Our own reader, whose oracle is TensorFlow.js, takes what the bundle holds.
    expect(openModel(join(output, 'tfjs/model.json')).model.graph.outputs).toHaveLength(1);

    const { report: profiled } = await profile(output, { device: ['node', 'chromium'] });
    const row = (device: string) => profiled.rows.find((r) => r.subject === 'tfjs' && r.device === device)!;
    expect(row('node').reason).toContain('browsers');
    expect(row('chromium').measured!.result.runtime).toMatch(/^tfjs-backend-wasm/);
    const kept = JSON.parse(readFileSync(join(output, 'edgepress.json'), 'utf8')) as typeof report.manifest;
    expect(kept.variants.find((v) => v.name === 'tfjs')!.measured).toHaveLength(1);
  }, 120_000);

  it('counts the answers of graph-models on labelled data, as those of the others, and replaces its own bundle', async () => {
    const glyphs = fileURLToPath(new URL('../../fixtures/models/glyphs-cnn.onnx', import.meta.url));
    const data = fileURLToPath(new URL('../../fixtures/data/glyphs', import.meta.url));
    const output = join(folder, 'glyphs');
    const options = {
      targets: ['wasm', 'tfjs'] as const,
      data,
      evaluate: 20,
      demo: false,
      output,
      cache: false,
    };
    const { report } = await bundle(glyphs, { ...options, targets: [...options.targets] });
    const accuracyOf = (name: string) => report.manifest.variants.find((v) => v.name === name)!.accuracy;
    // The same network on the same pictures; onnxruntime's is the oracle.
    expect(accuracyOf('tfjs')).toEqual(accuracyOf('float'));
    expect(accuracyOf('tfjs')).toMatchObject({ metric: 'top-1 accuracy', samples: 20 });
    await bundle(digits, { targets: ['tfjs'], demo: false, output, cache: false });
    expect(openModel(join(output, 'tfjs/model.json')).model.graph.inputs[0]!.name).toBe('image');
  }, 120_000);

  it('leaves a variant out whose operator TensorFlow.js has no form for, and makes the others', async () => {
    const text = `<ir_version: 8, opset_import: ["" : 16]>
g (float[1, 1, 4, 4] x, float[1, 2, 2, 2] grid) => (float[1, 1, 2, 2] y) { y = GridSample (x, grid) }`;
    const { report } = await bundle(new TextEncoder().encode(text), {
      targets: ['wasm', 'tfjs'],
      demo: false,
    });
    expect(report.manifest.variants.map((v) => v.name)).toEqual(['float']);
    expect(report.refused.find((r) => r.name === 'tfjs')!.reason).toContain('GridSample');
  });
});
