/** A real network from file to page: MobileNetV2 bundled by the CLI, built into the Vite example, classifying photographs
 *  on each runtime that a page can have, of which it takes LiteRT.js by itself; and offline. Needs the zoo (EDGEPRESS_ZOO) and Chromium. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyLibraries } from '../../examples/build-models.ts';
import { manifestSchema } from '../../src/ship/emit/manifest.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { chromiumFlags } from '../../src/ship/profile/launch-chromium.ts';
import { type Site, serveFolders } from './site.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const executablePath = findBrowser('chromium')?.path;
const vite = await import('vite').catch(() => null);

/** Photographs that the float model names rightly, with a margin that int8 does not eat up. */
const photographs = { tench: 'n01440764_tench.JPEG', 'bald eagle': 'n01614925_bald_eagle.JPEG' };

describe.skipIf(!zoo || !executablePath || !vite)(
  'MobileNetV2 in the Vite example (skipped: needs EDGEPRESS_ZOO, Chromium and Vite)',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgepress-mobilenet-'));
    const [app, lib, dist] = [join(folder, 'app'), join(folder, 'lib'), join(folder, 'dist')];
    const bundle = join(app, 'public/model');
    const images = join(zoo ?? '', 'data/imagenet');
    const open: { close(): Promise<void> }[] = [];
    let browser: Browser;

    beforeAll(async () => {
      cpSync('examples/vite-image-classifier', app, {
        recursive: true,
        filter: (path) => !/\/(node_modules|dist|public)$/.test(path),
      });
      // Its configuration imports Vite.
      symlinkSync(resolve('node_modules'), join(app, 'node_modules'));
      const names = join(folder, 'names.txt');
      writeFileSync(names, classNames().join('\n'));
      const program = ['node_modules/tsx/dist/cli.mjs', 'src/cli/main.ts', 'bundle'];
      const model = join(zoo!, 'models/imagenet-mobilenetv2-f32/mobilenetv2.onnx');
      const data = ['--data', images, '--preprocess', 'imagenet', '--calibrate', '8', '--evaluate', '2'];
      const options = ['-o', bundle, '--label-names', names, '--no-demo', '--no-cache', '--quiet'];
      // Of two pictures one is half: what is on trial here is the page, not the budget. More would take long, as
      // WebGPU in software takes seconds for each.
      const budget = ['--min-agreement', '50'];
      await promisify(execFile)(process.execPath, [
        ...[...program, model],
        ...[...data, ...options, ...budget],
      ]);
      await copyLibraries(lib);
      // In place of `npm install`: the packages that the example would have. The runtime has its package.json, which says that
      // TensorFlow.js may be missing, as it is here.
      const installed = join(folder, 'node_modules', 'edgepress-runtime');
      cpSync(join(lib, 'edgepress'), join(installed, 'dist'), { recursive: true });
      cpSync('src/runtime/package.json', join(installed, 'package.json'));
      const ort = resolve('node_modules/onnxruntime-web/dist');
      await vite!.build({
        root: app,
        logLevel: 'error',
        build: { outDir: dist, emptyOutDir: true },
        resolve: {
          alias: {
            'edgepress-runtime': join(installed, 'dist/index.js'),
            '@litertjs/core': resolve('node_modules/@litertjs/core/dist/index.js'),
            'onnxruntime-web/wasm': join(ort, 'ort.wasm.bundle.min.mjs'),
            'onnxruntime-web/webgpu': join(ort, 'ort.webgpu.bundle.min.mjs'),
          },
        },
      });
      browser = await chromium.launch({
        executablePath: executablePath!,
        args: chromiumFlags(true, true),
      });
    }, 400_000);

    afterAll(async () => {
      await browser?.close();
      for (const it of open) await it.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Names by class index; the data has 500 of the 1000 classes. */
    function classNames(): string[] {
      const rows: { index: number; name: string }[] = JSON.parse(
        readFileSync(join(images, 'labels.json'), 'utf8'),
      );
      const known = new Map(rows.map(({ index, name }) => [index, name]));
      return Array.from({ length: 1000 }, (_, i) => known.get(i) ?? `class ${i}`);
    }

    async function serve(folders: Readonly<Record<string, string>>, isolated: boolean): Promise<Site> {
      const site = await serveFolders(folders, isolated);
      open.push(site);
      return site;
    }

    /** A new context: nothing cached. `complaints` collects what the console says and what leaves the site. */
    async function visit(site: Site, query: string, isReady: string, blocked?: RegExp) {
      const context = await browser.newContext({ viewport: { width: 390, height: 800 } });
      const page = await context.newPage();
      if (blocked) await page.route(blocked, (route) => route.abort());
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site.url))
          complaints.push(request.url());
      });
      await page.goto(`${site.url}${query}`);
      await page.waitForSelector(isReady);
      return { page, complaints, context };
    }

    async function expectNames(page: Page, count = 2): Promise<void> {
      for (const [name, file] of Object.entries(photographs).slice(0, count)) {
        await page.setInputFiles('#file', join(images, file));
        await page.waitForFunction(
          (expected) => document.querySelector('#status')!.textContent!.startsWith(expected),
          `${name}, in `,
          // A GPU in software takes half a minute where other programs run.
          { timeout: 90_000 },
        );
      }
    }

    const info = (page: Page) => page.textContent('#info');
    const close = (context: BrowserContext) => context.close();

    it('has a bundle whose int8 model is a quarter of the float one, each checked on its own runtime', () => {
      const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(bundle, 'edgepress.json'), 'utf8')));
      const variant = (name: string) => manifest.variants.find((v) => v.name === name)!;
      // Weights a quarter; scales, zero points and names of the quantised layers are the rest.
      expect(variant('wasm-int8').bytes / variant('float').bytes).toBeLessThan(0.28);
      expect(variant('float').providers).toEqual(['webgpu', 'wasm']);
      expect(
        variant('float')
          .parity.map((p) => p.runtime)
          .join(),
      ).toMatch(/webgpu, Chromium .* \(wasm\)/);
      expect(manifest.labels).toHaveLength(1000);
      expect(statSync(join(dist, 'model/onnx/model_quantized.onnx')).size).toBe(variant('wasm-int8').bytes);
    });

    it.each([
      ['on LiteRT.js with one thread where the page is not isolated', false, ''],
      ['on LiteRT.js with threads where it is', true, ''],
      ['on onnxruntime-web with threads, asked for', true, '?variant=wasm-int8'],
    ])('classifies %s', async (_, isolated, query) => {
      const site = await serve({ '/': dist }, isolated);
      const { page, complaints, context } = await visit(site, query, '#camera:enabled');
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
      const cores = await page.evaluate(() => navigator.hardwareConcurrency);
      const threads = isolated && cores > 1 ? '[2-4] threads' : '1 thread';
      const [variant, reason] = query ? ['wasm', 'asked for'] : ['litert', 'int8 is faster on LiteRT\\.js'];
      expect(await info(page)).toMatch(new RegExp(`^${variant}-int8 on wasm, ${threads}: ${reason}$`));
      await expectNames(page);
      expect(complaints).toEqual([]);
      await close(context);
    });

    it('falls back on onnxruntime-web where LiteRT.js is blocked, and says so', async () => {
      const site = await serve({ '/': dist }, false);
      const { page, context } = await visit(site, '', '#camera:enabled', /litert_wasm\w*-[\w-]+\.wasm$/);
      expect(await info(page)).toMatch(/^wasm-int8 on wasm, 1 thread: litert-int8 on wasm failed: \w/);
      await expectNames(page);
      await close(context);
    });

    it('says that LiteRT.js is the fastest, once it was measured to be', async () => {
      const program = ['node_modules/tsx/dist/cli.mjs', 'src/cli/main.ts', 'profile', bundle];
      const device = ['--device', 'chromium', '--provider', 'wasm', '--threads', '1'];
      await promisify(execFile)(process.execPath, [...program, ...device]);
      cpSync(join(bundle, 'edgepress.json'), join(dist, 'model/edgepress.json'));
      const site = await serve({ '/': dist }, false);
      const { page, context } = await visit(site, '', '#camera:enabled');
      expect(await info(page)).toMatch(/^litert-int8 on wasm, 1 thread: fastest as measured on /);
      await close(context);
    }, 120_000);

    it('classifies on WebGPU, with the float model where the GPU has no shader-f16', async () => {
      const site = await serve({ '/': dist }, true);
      const { page, complaints, context } = await visit(site, '?provider=webgpu', '#camera:enabled');
      expect(await info(page)).toMatch(/^(float|webgpu-fp16) on webgpu, 1 thread: asked for/);
      await expectNames(page, 1);
      expect(complaints.filter((text) => !/powerPreference/.test(text))).toEqual([]);
      await close(context);
    }, 120_000);

    it('classifies with the network gone and the server stopped, after one visit of the offline page', async () => {
      const site = await serveFolders({ '/': 'examples/offline-pwa', '/model/': bundle, '/lib/': lib });
      const { page, context } = await visit(site, '', '#offline:not(:empty)');
      await context.setOffline(true);
      await site.close();
      await page.reload();
      await page.waitForSelector('#offline:not(:empty)');
      expect(await page.textContent('#offline')).toBe('Running offline.');
      await expectNames(page);
      await close(context);
    });
  },
);
