import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['scripts/build-pass-index.ts', 'test/cli/build.ts', 'test/packages/build.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Some tests load onnxruntime by themselves; it must not send usage events from there either.
    env: { ORT_DISABLE_TELEMETRY: process.env['ORT_DISABLE_TELEMETRY'] ?? '1' },
    maxWorkers: 2,
  },
});
