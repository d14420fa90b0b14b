import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const common = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  pool: 'forks',
  // Some tests load onnxruntime by themselves; it must not send usage events from there either.
  env: { ORT_DISABLE_TELEMETRY: process.env['ORT_DISABLE_TELEMETRY'] ?? '1' },
} as const;

/** Files that change nothing of their process, which takes one after the other. TensorFlow.js has one backend a process, and
 *  a mocked module is everybody's. */
const shared = [
  'test/{support,data,judge}/**/*.test.ts',
  'test/model/{build,ir,layout,ops,quantization,rewrite}/**/*.test.ts',
  'test/model/formats/{onnx,flatbuffers}*.test.ts',
  'test/model/formats/tflite/*.test.ts',
  'test/compute/{autodiff,calibrate,train}/**/*.test.ts',
  'test/compute/engine/*kernel.test.ts',
  'test/compress/{quant,presets,pipeline}/*.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: ['scripts/build-pass-index.ts', 'test/cli/build.ts', 'test/packages/build.ts'],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...common, name: 'apart', include: ['test/**/*.test.ts'], exclude: shared } },
      { test: { ...common, name: 'shared', include: shared, isolate: false } },
    ],
  },
});
