/** Models in a real Chromium. Skipped where none is found; EDGEPRESS_CHROMIUM names one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/parse-model.ts';
import { numbers, tensorOf } from '../../../src/model/ir/tensor.ts';
import { runInBrowser } from '../../../src/ship/profile/browser-parity.ts';
import { findBrowser } from '../../../src/ship/profile/browsers.ts';
import { launchBrowser } from '../../../src/ship/profile/launch.ts';
import type { LaunchedBrowser } from '../../../src/ship/profile/launched-browser.ts';

const model = encodeModel(
  parseModel(`<ir_version: 8, opset_import: ["" : 13]>
tiny (float[n,3] x, int64[1] shift) => (float[n,2] y, int64[1] next) <float[3,2] w = {1, 2, 3, 4, 5, 6}> {
  y = MatMul(x, w)
  next = Add(shift, shift)
}`),
);
const feeds = [1, 2].map((scale) => ({
  x: tensorOf(
    'float32',
    [2, 3],
    [1, 0, -1, 2, 0.5, 0].map((v) => v * scale),
  ),
  shift: tensorOf('int64', [1], [2 ** 40 * scale]),
}));

describe.skipIf(!findBrowser('chromium'))('a model in Chromium (skipped: none found)', () => {
  let browser: LaunchedBrowser;
  beforeAll(async () => {
    browser = await launchBrowser('chromium', true);
  });
  afterAll(() => browser?.close());

  it.each([
    ['wasm', 1],
    ['wasm', 2],
    ['webgpu', 1],
  ] as const)(
    'computes on %s with %i thread(s) what onnxruntime computes in Node',
    async (provider, threads) => {
      const session = await (await openEngine('wasm')).open({ bytes: model });
      const ran = await runInBrowser({ model, provider, threads, feeds, browser });
      expect(ran.runtime).toMatch(/^onnxruntime-web \d/);
      expect(ran.browser).toMatch(/^Chromium \d/);
      expect(ran.adapter === null).toBe(provider === 'wasm');
      for (const [i, feed] of feeds.entries()) {
        const expected = await session.run(feed);
        // Small integers: exact on every provider.
        for (const [name, tensor] of Object.entries(expected)) {
          expect(ran.outputs[i]![name]!.dims).toEqual(tensor.dims);
          expect(numbers(ran.outputs[i]![name]!)).toEqual(numbers(tensor));
        }
      }
      await session.close();
    },
  );

  it('says what the runtime says about bytes that are no model', async () => {
    const run = runInBrowser({ model: new Uint8Array([1, 2, 3]), provider: 'wasm', feeds, browser });
    await expect(run).rejects.toMatchObject({ code: 'ENGINE_OPEN' });
  });

  it('stops at once when it is aborted', async () => {
    const controller = new AbortController();
    const run = runInBrowser({ model, provider: 'wasm', feeds, browser, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
  });
});

describe.each(['firefox', 'webkit'] as const)('a model in %s', (kind) => {
  it.skipIf(!findBrowser(kind))(
    'computes with 2 threads what onnxruntime computes (skipped: not installed)',
    async () => {
      const session = await (await openEngine('wasm')).open({ bytes: model });
      const ran = await runInBrowser({ model, provider: 'wasm', threads: 2, feeds, kind });
      expect(ran.browser).toMatch(/^(Firefox|WebKitGTK) \d/);
      for (const [i, feed] of feeds.entries())
        for (const [name, tensor] of Object.entries(await session.run(feed)))
          expect(numbers(ran.outputs[i]![name]!)).toEqual(numbers(tensor));
      await session.close();
    },
  );
});
