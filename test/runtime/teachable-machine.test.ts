/** A Teachable Machine export from its zip to a page: bundled with int8, loaded in Chromium, a picture in, scores out. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../scripts/build-runtime.ts';
import { bundleRequestOf, makeBundle } from '../../src/jobs/bundle.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { startServer, type TestServer } from './bundle.ts';

declare const runtime: () => Promise<typeof import('../../src/runtime/index.ts')>;

const executablePath = findBrowser('chromium')?.path;

describe.skipIf(!executablePath)('Teachable Machine in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-tm-'));
  let browser: Browser;
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
    await buildRuntime(join(folder, 'runtime'));
    const dist = 'node_modules/onnxruntime-web/dist';
    for (const [at, from] of [
      ['runtime', join(folder, 'runtime')],
      ['ort', dist],
    ] as const)
      for (const file of readdirSync(from)) server.files.set(`/${at}/${file}`, join(from, file));
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--headless=new', '--no-sandbox'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('scores what it sees', { timeout: 120_000 }, async () => {
    const output = join(folder, 'model');
    // It hardly knows the pictures, since its base is random: labels would be refused, and scores lie so close that int8 turns some.
    const data = {
      data: 'fixtures/data/glyphs',
      labels: 'none',
      calibrate: 30,
      evaluate: 30,
      minAgreement: 80,
    };
    const request = bundleRequestOf({ ...data, targets: ['wasm'], demo: false, cache: false }, 'field');
    const { manifest } = await makeBundle(output, 'fixtures/models/teachable-machine.zip', request, {
      events: {},
    });
    expect(manifest.variants.map((v) => v.name)).toEqual(['wasm-int8', 'float']);
    expect(manifest.preprocessing).toMatchObject({ name: 'teachable-machine', layout: 'NHWC' });
    for (const entry of readdirSync(output, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name);
        server.files.set(`/model/${path.slice(output.length + 1)}`, path);
      }
    server.files.set('/key.png', readFileSync('fixtures/data/glyphs/key/01.png'));
    const page = await browser.newPage();
    await page.goto(`${server.origin}/page.html`);
    const seen = await page.evaluate(async () => {
      const { loadModel } = await runtime();
      const model = await loadModel('/model/', { ort: '/ort/' });
      const image = await createImageBitmap(await (await fetch('/key.png')).blob());
      const { info, labels, manifest } = model;
      const scores = Object.values(await model.run({ [manifest.inputs[0]!.name]: image }))[0]!;
      return { scores: Array.from(scores.data as Float32Array), variant: info.variant, labels };
    });
    expect(seen.variant).toBe('wasm-int8');
    expect(seen.labels).toEqual(manifest.labels);
    // Of a softmax over ten classes, each rounded to a float.
    expect(seen.scores).toHaveLength(10);
    expect(Math.abs(seen.scores.reduce((sum, score) => sum + score, 0) - 1)).toBeLessThan(1e-5);
  });
});
