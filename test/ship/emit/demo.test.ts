/** The demo page in a real browser. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../../scripts/build-runtime.ts';
import { readOrtBuilds, readScripts } from '../../../src/jobs/runtime-bundle.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { writeTflite } from '../../../src/model/formats/tflite/write/write.ts';
import { buildBundle } from '../../../src/ship/emit/bundle.ts';
import { demoFiles } from '../../../src/ship/emit/demo.ts';
import { findBrowser } from '../../../src/ship/profile/browsers.ts';
import { launchBrowser } from '../../../src/ship/profile/launch.ts';
import type { LaunchedBrowser } from '../../../src/ship/profile/launched-browser.ts';
import { litertFiles } from '../../../src/ship/profile/litert-runtime.ts';
import { type Serving, serve } from '../../../src/ship/profile/serve.ts';
import { compress, sampleInfo, sampleVariant } from './sample-bundle.ts';

const model = new URL('../../../fixtures/models/glyphs-cnn.onnx', import.meta.url);
const picture = new URL('../../../fixtures/data/glyphs/key/01.png', import.meta.url);
const classes = ['arrow', 'bolt', 'clock', 'cross', 'heart', 'house', 'key', 'moon', 'star', 'wave'];

describe.skipIf(!findBrowser('chromium'))('the demo page in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-demo-'));
  let browser: LaunchedBrowser;
  let server: Serving;

  beforeAll(async () => {
    await buildRuntime(folder);
    const ort = readOrtBuilds(['onnxruntime-web/wasm']);
    const parts = { runtime: readScripts(folder), ort };
    const info = sampleInfo({
      name: 'glyphs <b>&',
      outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 10] }],
      // The last class has no name.
      labels: classes.slice(0, -1),
      preprocessing: {
        ...{ scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
        ...{ crop: { width: 32, height: 32 }, resize: { mode: 'shorter-side', size: 37, kernel: 'linear' } },
      },
    });
    const content = { model: new Uint8Array(await readFile(model)), data: [] };
    const litert = sampleVariant({
      ...{ name: 'litert', format: 'litert', file: 'litert/model.tflite' },
      runtime: { bundle: '@litertjs/core', brotliBytes: 2_061_945 },
      content: { model: writeTflite(decodeModel(content.model)), data: [] },
    });
    const files = new Map<string, { bytes: Uint8Array }>();
    for (const [url, variants, more] of [
      ['model', [sampleVariant({ content })], {}],
      ['both', [sampleVariant({ content }), litert], { litert: await litertFiles() }],
    ] as const) {
      const bundle = await buildBundle(info, variants, {
        compress,
        extras: (manifest) => demoFiles(manifest, { ...parts, ...more }),
      });
      for (const { path, bytes } of bundle.files) files.set(`/${url}/${path}`, { bytes });
    }
    server = await serve({ files, isolated: true });
    browser = await launchBrowser('chromium');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('loads the bundle from beside it, classifies a picture, and says what it runs on', async () => {
    const page = await browser.browser!.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url()))
        complaints.push(request.url());
    });
    await page.goto(`${server.url}model/demo/index.html`);
    await page.waitForSelector('html[data-ready]', { timeout: 60_000 });
    expect(await page.title()).toBe('glyphs <b>&');

    await page.setInputFiles('#file', picture.pathname);
    await page.waitForFunction(() => document.querySelectorAll('#classes tr').length === 5);
    expect(await page.textContent('#classes th')).toBe('key');
    expect(await page.textContent('#unnamed')).toMatch(/^1 of 10 classes have no name/);
    expect(await page.textContent('#info')).toContain('float');
    expect(await page.textContent('#outputs')).toContain('float32 [1, 10]');

    await page.click('#made-up');
    await page.waitForFunction(() => /Computed in/.test(document.querySelector('#status')!.textContent!));
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each([false, true])(
    'runs on LiteRT.js from beside it; blocked (%s), on onnxruntime, and says why',
    async (blocked) => {
      const page = await browser.browser!.newPage();
      if (blocked) await page.route('**/litert.js', (route) => route.abort());
      await page.goto(`${server.url}both/demo/index.html`);
      await page.waitForSelector('html[data-ready]', { timeout: 60_000 });
      await page.setInputFiles('#file', picture.pathname);
      await page.waitForFunction(() => document.querySelectorAll('#classes tr').length === 5);
      expect(await page.textContent('#classes th')).toBe('key');
      const info = await page.textContent('#info');
      expect(info).toMatch(
        blocked ? /variantfloat.*litert on wasm failed/s : /variantlitert.*@litertjs\/core 2/s,
      );
      await page.close();
    },
  );
});
