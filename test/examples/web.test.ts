/** The examples for pages in a real browser. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModel, copyLibraries } from '../../examples/build-models.ts';
import { type Site, serveFolders } from './site.ts';

const executablePath = [
  process.env['EDGEPRESS_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path));

/** Vitest brings Vite along; without it the Vite example is not built. */
const vite = await import('vite').catch(() => null);

describe.skipIf(!executablePath)('examples in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-examples-'));
  const [model, lib] = [join(folder, 'public', 'model'), join(folder, 'lib')];
  const open: { close(): Promise<void> }[] = [];
  let browser: Browser;
  beforeAll(async () => {
    buildModel(model, 'wasm');
    await copyLibraries(lib);
    cpSync(join(lib, 'edgepress'), join(installed, 'dist'), { recursive: true });
    cpSync('src/runtime/package.json', join(installed, 'package.json'));
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    for (const it of open) await it.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function serve(root: string): Promise<Site> {
    const site = await serveFolders({ '/': root, '/model/': model, '/lib/': lib });
    open.push(site);
    return site;
  }

  async function visit(url: string, isReady: string) {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url))
        complaints.push(request.url());
    });
    await page.goto(url);
    await page.waitForSelector(isReady);
    return { page, complaints };
  }

  async function expectSymbol(page: Page, symbol: string) {
    await page.setInputFiles('#file', `fixtures/data/glyphs/${symbol}/01.png`);
    await page.waitForFunction(
      (name) => document.querySelector('#status')?.textContent?.startsWith(name),
      symbol,
    );
    expect(await page.textContent('#classes li')).toMatch(new RegExp(`^${symbol}`));
  }

  // In place of `npm install`: the packages that the Vite example would have. The runtime has its package.json, which says that
  // TensorFlow.js may be missing, as it is here.
  const installed = join(folder, 'node_modules', 'edgepress-runtime');
  const ort = resolve('node_modules/onnxruntime-web/dist');
  const alias = {
    'edgepress-runtime': join(installed, 'dist/index.js'),
    'onnxruntime-web/wasm': join(ort, 'ort.wasm.bundle.min.mjs'),
    'onnxruntime-web/webgpu': join(ort, 'ort.webgpu.bundle.min.mjs'),
  };

  const sideways = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  it('plain-html classifies pictures and what is drawn, with nothing but its own server', async () => {
    const site = await serve('examples/plain-html');
    const { page, complaints } = await visit(site.url, '[data-ready]');
    for (const symbol of ['star', 'key']) await expectSymbol(page, symbol);
    await page.click('#clear');
    const board = (await page.locator('#board').boundingBox())!;
    await page.mouse.move(board.x + 60, board.y + 60);
    await page.mouse.down();
    await page.mouse.move(board.x + 190, board.y + 190, { steps: 8 });
    await page.mouse.up();
    await page.waitForSelector('#classes li');
    await page.setInputFiles('#file', 'package.json');
    await page.waitForFunction(() => /not a picture/.test(document.querySelector('#status')!.textContent!));
    expect(await page.textContent('#info')).toMatch(/^wasm-int8 on wasm, \d+ thread/);
    expect(await sideways(page)).toBe(0);
    expect(complaints).toEqual([]);
    expect(site.missing).toEqual([]);
    await page.close();
  });

  it('offline-pwa opens and classifies with no network after one visit', async () => {
    const site = await serve('examples/offline-pwa');
    const { page, complaints } = await visit(site.url, '#offline:not(:empty)');
    expect(await page.textContent('#offline')).toBe('Ready to be used offline.');
    await page.context().setOffline(true);
    await site.close();
    await page.reload();
    await page.waitForSelector('#offline:not(:empty)');
    expect(await page.textContent('#offline')).toBe('Running offline.');
    await expectSymbol(page, 'moon');
    // The browser itself reports the manifest's failed request.
    expect(complaints.filter((text) => !/edgepress\.json|ERR_INTERNET|ERR_CONNECTION/.test(text))).toEqual(
      [],
    );
    await page.context().close();
  });

  it.skipIf(!vite)(
    'vite-image-classifier is built, and classifies pictures and camera (skipped: no vite)',
    async () => {
      const outDir = join(folder, 'dist');
      await vite!.build({
        root: 'examples/vite-image-classifier',
        publicDir: join(folder, 'public'),
        logLevel: 'error',
        build: { outDir, emptyOutDir: true },
        resolve: { alias },
      });
      const site = await serveFolders({ '/': outDir });
      open.push(site);
      const { page, complaints } = await visit(site.url, '#camera:enabled');
      await expectSymbol(page, 'heart');
      await page.click('#camera');
      await page.waitForSelector('#video:not([hidden])');
      await page.waitForFunction(() =>
        / in [\d.]+ ms$/.test(document.querySelector('#status')!.textContent!),
      );
      await page.click('#camera');
      await page.waitForFunction(() => document.querySelector('#status')!.textContent === 'Stopped.');
      expect(await sideways(page)).toBe(0);
      expect(complaints).toEqual([]);
      expect(site.missing).toEqual([]);
      await page.close();
    },
  );

  it.skipIf(!vite)(
    'vite-image-classifier works in the development server too, with threads (skipped: no vite)',
    async () => {
      const server = await vite!.createServer({
        root: 'examples/vite-image-classifier',
        publicDir: join(folder, 'public'),
        cacheDir: join(folder, 'vite'),
        logLevel: 'error',
        server: { host: '127.0.0.1', port: 0, fs: { allow: [resolve('.'), folder] } },
        resolve: { alias },
      });
      open.push(server);
      await server.listen();
      const { page, complaints } = await visit(server.resolvedUrls!.local[0]!, '#camera:enabled');
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      await expectSymbol(page, 'heart');
      expect(complaints.filter((text) => !/^(\[vite\]|ws:)/.test(text))).toEqual([]);
      await page.close();
    },
  );
});
