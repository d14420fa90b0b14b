/** A bundle of made-up bytes, for tests that look at files and not at models. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { BuildOptions, BundleInfo, BundleVariant } from '../../../src/ship/emit/bundle.ts';
import { createRandom } from '../../../src/support/random.ts';

export function randomBytes(length: number, seed = 1): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () => random.integer(256));
}

export const sampleInfo = (changes: Partial<BundleInfo> = {}): BundleInfo => ({
  name: 'glyphs',
  inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 32, 32] }],
  outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 2] }],
  preprocessing: null,
  labels: ['key', 'moon'],
  licence: 'MIT',
  provenance: {
    tool: 'edgepress 0.1.0',
    onnxruntime: '1.30.0',
    source: { file: 'glyphs.onnx', bytes: 3, sha256: 'a'.repeat(64) },
    recipes: {},
  },
  ...changes,
});

export const sampleVariant = (changes: Partial<BundleVariant> = {}): BundleVariant => ({
  name: 'float',
  precision: 'float32',
  providers: ['wasm'],
  format: 'onnx',
  requires: [],
  sessionConfig: {},
  runtime: { bundle: 'onnxruntime-web/wasm', brotliBytes: 2_376_718 },
  parity: [],
  accuracy: null,
  measured: [],
  file: 'onnx/model.onnx',
  content: { model: randomBytes(1000), data: [] },
  ...changes,
});

export const compress: BuildOptions['compress'] = async (bytes) => ({
  gzipBytes: gzipSync(bytes).length,
  brotli: new Uint8Array(brotliCompressSync(bytes)),
});
