/** A device that sends what it should. */
import type { DeviceFacts, Measured, Run } from '../../../src/ship/lab/messages.ts';

export const facts: DeviceFacts = {
  name: 'Pixel 7 · Android 14',
  host: 'Chrome 140',
  userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel 7)',
  cores: 8,
  memoryGb: 8,
  screen: { width: 412, height: 915, ratio: 2.625 },
  secureContext: true,
  crossOriginIsolated: true,
  adapter: null,
  shaderF16: false,
  automated: false,
  notes: ['No WebGPU: this browser does not offer it.'],
};

export const run: Run = { variant: 'float', provider: 'wasm', threads: 1 };

export const measured: Measured = {
  kind: 'measured',
  runtime: 'onnxruntime-web 1.30.0',
  downloadMs: 30,
  compileMs: 100,
  createMs: 20,
  firstRunMs: 8,
  warmup: 3,
  peakBytes: null,
  samplesMs: [4, 2, 3],
  resolutionMs: 0.005,
};
