import { expect, it } from 'vitest';
import type { BundleMeasurement } from '../../../src/ship/emit/manifest.ts';
import { runtimeBrotliBytes } from '../../../src/ship/profile/runtime-sizes.ts';
import { visitOf } from '../../../src/ship/profile/visit.ts';

const measured = { provider: 'wasm', compileMs: 20, createMs: 30, firstRunMs: 5 } as BundleMeasurement;
const network = { downBytesPerSecond: 1e6, upBytesPerSecond: 1, latencyMs: 100 };
const sizes = { bytes: 4e6, brotliBytes: 3e6 };

it('adds the runtime that the variant needs to the model, compressed', () => {
  const runtime = (format: 'onnx' | 'litert' | 'tfjs', provider = 'wasm') =>
    visitOf({ ...sizes, format }, { ...measured, provider }, null);
  expect(runtime('onnx')).toEqual({
    modelBytes: 3e6,
    runtimeBytes: runtimeBrotliBytes('onnxruntime-web/wasm'),
    firstResultMs: null,
  });
  expect(runtime('onnx', 'webgpu').runtimeBytes).toBe(runtimeBrotliBytes('onnxruntime-web/webgpu'));
  expect(runtime('litert').runtimeBytes).toBe(runtimeBrotliBytes('@litertjs/core'));
  expect(runtime('tfjs').runtimeBytes).toBe(runtimeBrotliBytes('@tensorflow/tfjs-backend-wasm'));
  expect(visitOf({ ...sizes, brotliBytes: null, format: 'onnx' }, measured, null).modelBytes).toBe(4e6);
});

it('has a first result once these came over the network, the runtime started and the model ran', () => {
  const { runtimeBytes, firstResultMs } = visitOf({ ...sizes, format: 'litert' }, measured, network);
  expect(firstResultMs).toBeCloseTo(100 + (3e6 + runtimeBytes) / 1e3 + 20 + 30 + 5);
});
