/** Bundles on a machine without the package of LiteRT.js, which is optional. */
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { bundle } from '../../src/jobs/bundle.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';

vi.mock('../../src/ship/profile/machine.ts', async (original) => {
  const machine = await original<typeof import('../../src/ship/profile/machine.ts')>();
  const packageFolder = (name: string) =>
    name === '@litertjs/core' ? undefined : machine.packageFolder(name);
  return { ...machine, packageFolder };
});

it.skipIf(!findBrowser('chromium'))(
  'leaves variants of LiteRT out, says which package is missing, and makes the others (skipped: no Chromium)',
  async () => {
    const digits = fileURLToPath(new URL('../../fixtures/models/digits-cnn.onnx', import.meta.url));
    const { report } = await bundle(digits, { demo: false, cache: false });
    expect(report.manifest.variants.map((v) => v.name)).toEqual(['webgpu-fp16', 'wasm-int8', 'float']);
    expect(report.refused.map((r) => r.name)).toEqual(['litert-int8', 'litert']);
    for (const { reason } of report.refused)
      expect(reason).toContain('@litertjs/core, which is not installed');
  },
  120_000,
);
