/** Without data, the variants of a bundle are compared on a probe. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from '../../src/jobs/bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-bundle-probe-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quick = { targets: ['wasm' as const], demo: false };

describe('a bundle without data', () => {
  it('is compared on text that ships, through the tokeniser beside the model', async () => {
    const letters = '\n abcdefghijklmnopqrstuvwxyz.,';
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify([...letters]));
    copyFileSync('fixtures/models/sentences-gpt2.onnx', join(folder, 'model.onnx'));
    const { report } = await bundle(join(folder, 'model.onnx'), quick);
    expect(report.synthetic).toBe(false);
    expect(report.manifest.provenance!.data!.source).toContain('text that ships');
    for (const { parity } of report.manifest.variants)
      for (const { samples } of parity!) expect(samples).toBeGreaterThan(8);
  });

  it('is compared on inputs that the network tells apart, and says that they are made up', async () => {
    const { report } = await bundle('fixtures/models/glyphs-cnn.onnx', quick);
    expect(report.synthetic).toBe(true);
    expect(report.manifest.provenance!.data).toMatchObject({ evaluationSamples: 32, synthetic: true });
  });
});
