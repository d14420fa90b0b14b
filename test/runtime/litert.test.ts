/** Variants of LiteRT in a real browser. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../scripts/build-runtime.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../src/model/formats/onnx-text/parse-model.ts';
import { writeTflite } from '../../src/model/formats/tflite/write/write.ts';
import type { Manifest } from '../../src/ship/emit/manifest.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { chromiumFlags } from '../../src/ship/profile/launch-chromium.ts';
import { litertFiles, litertVersion } from '../../src/ship/profile/litert-runtime.ts';
import { packageFolder } from '../../src/ship/profile/machine.ts';
import { makeBundle, startServer, type TestServer, type VariantSketch } from './bundle.ts';
import { onnxText, tinyTflite } from './tiny-tflite.ts';

/** The test server's pages have this: vitest rewrites `import()` in this file, and the page couldn't run it. */
declare const runtime: () => Promise<typeof import('../../src/runtime/index.ts')>;

const executablePath = findBrowser('chromium')?.path;

const x = Float32Array.of(1, -2, 3, -4);
const ports = {
  inputs: [
    { name: 'x', dtype: 'float32', shape: ['N', 4] },
    { name: 'add', dtype: 'int64', shape: [1] },
  ],
  outputs: [
    { name: 'y', dtype: 'float32', shape: ['N', 3] },
    { name: 'class', dtype: 'int64', shape: ['N'] },
  ],
};

/** Sums of four products of numbers of two or three digits. */
const tolerance = 1e-6;

const litert = (model = tinyTflite()): VariantSketch => ({ name: 'litert', format: 'litert', model });

describe.skipIf(!executablePath)('LiteRT in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-litert-'));
  const onnx = encodeModel(parseModel(onnxText));
  const float: VariantSketch = { name: 'float', model: onnx };
  let browser: Browser;
  let context: BrowserContext;
  let server: TestServer;
  let expected: { readonly y: Float32Array; readonly class: BigInt64Array };

  beforeAll(async () => {
    server = await startServer();
    await buildRuntime(folder);
    for (const file of readdirSync(folder)) server.files.set(`/runtime/${file}`, join(folder, file));
    for (const { name, bytes } of await litertFiles()) server.files.set(`/litert/${name}`, bytes);
    const dist = join(packageFolder('onnxruntime-web')!, 'dist');
    for (const file of readdirSync(dist)) server.files.set(`/ort/${file}`, join(dist, file));
    const session = await ort.InferenceSession.create(onnx);
    const made = await session.run({
      x: new ort.Tensor('float32', x, [1, 4]),
      add: new ort.Tensor('int64', [7n], [1]),
    });
    expected = { y: made['y']!.data as Float32Array, class: made['class']!.data as BigInt64Array };
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-background-networking'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await context?.close();
    context = await browser.newContext();
    server.handle = null;
    server.log.length = 0;
  });

  function publish(variants: readonly VariantSketch[], about: Partial<Manifest> = ports) {
    for (const path of server.files.keys()) if (path.startsWith('/model/')) server.files.delete(path);
    for (const [path, bytes] of makeBundle(variants, about).files) server.files.set(`/model/${path}`, bytes);
  }

  async function open(isolated = false): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${server.origin}${isolated ? '/isolated' : ''}/page.html`);
    return page;
  }

  const load = (page: Page, options: Record<string, unknown> = {}, add = 7, batch = 1) =>
    page.evaluate(
      async ({ options, row, add, batch }) => {
        const { loadModel } = await runtime();
        try {
          const model = await loadModel('/model/', { ort: '/ort/', litert: '/litert/', ...options });
          const data = Float32Array.from(Array.from({ length: batch }, () => row).flat());
          const feeds = { x: { data, dims: [batch, 4] }, add: [BigInt(add)] };
          await model.run(feeds);
          const { y, class: found } = await model.run(feeds);
          const { info } = model;
          await model.dispose();
          const after = await model.run(feeds).catch((e: { code: string }) => e.code);
          const label = { type: found!.type, dims: found!.dims, value: String(found!.data[0]) };
          return { info, y: Array.from(y!.data as Float32Array), dims: y!.dims, label, after, message: '' };
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          return { code, message };
        }
      },
      { options, row: Array.from(x), add, batch },
    );

  function expectRight(result: Awaited<ReturnType<typeof load>>) {
    expect(result.message).toBe('');
    for (const [i, value] of expected.y.entries())
      expect(Math.abs(value - result.y![i]!)).toBeLessThan(tolerance);
    expect(result.dims).toEqual([1, 3]);
    expect(result.label).toEqual({ type: 'int64', dims: [1], value: String(expected.class[0]) });
    expect(result.after).toBe('DISPOSED');
  }

  it('computes what onnxruntime computes, int64 included, in the build for relaxed SIMD, and says nothing', async () => {
    publish([float, litert()]);
    const page = await open();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    const result = await load(page);
    expectRight(result);
    // The page has no icon.
    expect(said.filter((text) => !text.includes('404'))).toEqual([]);
    expect(result.info).toMatchObject({ variant: 'litert', provider: 'wasm', threads: 1, tried: [] });
    expect(result.info!.runtime).toBe(`@litertjs/core ${litertVersion()} (relaxed SIMD)`);
    const runtimeFiles = server.log.filter((path) => /^\/(litert|ort)\//.test(path));
    expect(runtimeFiles.sort()).toEqual([
      '/litert/litert.js',
      '/litert/litert_wasm_internal.js',
      '/litert/litert_wasm_internal.wasm',
      '/litert/wasm-utils.js',
    ]);
  });

  it('takes the build for plain SIMD in a browser without relaxed SIMD', async () => {
    publish([litert()]);
    await context.addInitScript(() => {
      const { instantiate } = WebAssembly;
      const probe = [253, 128, 2, 11];
      WebAssembly.instantiate = ((source: Uint8Array, ...rest: object[]) =>
        source instanceof Uint8Array && probe.every((byte, i) => source.at(i - 4) === byte)
          ? Promise.reject(new WebAssembly.CompileError('no relaxed SIMD'))
          : (instantiate as (...all: unknown[]) => unknown)(source, ...rest)) as typeof instantiate;
    });
    const result = await load(await open(true), { threads: 2 });
    expectRight(result);
    expect(result.info!.runtime).toContain('(SIMD)');
    expect(result.info!.threads).toBe(1);
    expect(server.log).toContain('/litert/litert_wasm_compat_internal.wasm');
  });

  it.each([false, true])('has threads in an isolated page, in a worker: %s', async (worker) => {
    publish([litert()]);
    const result = await load(await open(true), { threads: 2, worker });
    expectRight(result);
    expect(result.info).toMatchObject({ threads: 2, worker });
    expect(result.info!.runtime).toContain('(relaxed SIMD, threads)');
    expect(server.log).toContain('/litert/litert_wasm_threaded_internal.wasm');
  });

  it('does that in a worker too, and again with the network gone', async () => {
    publish([litert()]);
    const page = await open();
    const online = await load(page, { worker: true });
    expectRight(online);
    expect(online.info!.worker).toBe(true);
    server.handle = (path, request) => path.startsWith('/model/') && Boolean(request.socket.destroy());
    const offline = await load(page, { worker: true });
    expectRight(offline);
    expect(offline.info).toMatchObject({ offline: true, cache: 'hit' });
  });

  it('is left alone, its model not fetched, where nothing says where LiteRT.js is', async () => {
    publish([float, litert()]);
    const result = await load(await open(), { litert: undefined });
    expectRight(result);
    expect(result.info).toMatchObject({ variant: 'float', tried: [] });
    expect(server.log).not.toContain('/model/onnx/litert.onnx');
  });

  it.each([
    ['its module', /^\/litert\/litert\.js$/, false],
    ['its module', /^\/litert\/litert\.js$/, true],
    ['the script of its build', /_internal\.js$/, false],
    ['the script of its build', /_internal\.js$/, true],
    ['its .wasm', /_internal\.wasm$/, false],
    ['its .wasm', /_internal\.wasm$/, true],
  ])('goes on with onnxruntime where %s (%s) is blocked, in a worker: %s', async (_, blocked, worker) => {
    publish([litert(), float]);
    server.handle = (path, request) => blocked.test(path) && Boolean(request.socket.destroy());
    const result = await load(await open(), { worker });
    expectRight(result);
    expect(result.info).toMatchObject({ variant: 'float', worker });
    expect(result.info!.tried).toHaveLength(1);
    expect(result.info!.reason).toMatch(/^litert on wasm failed: .*\w/);
    expect(result.info!.reason).not.toContain('[object');
  });

  it.each([
    ['that LiteRT does not know', 'DELEGATE', /builtin opcode 'DELEGATE'/],
    // It says so in its log only: the model opens, and a run gives back whatever lies in memory.
    ['that can not be prepared', 'LSH_PROJECTION', /LSH_PROJECTION\) failed to prepare/],
    ['that takes the runtime down', 'SPLIT', /null function|RuntimeError|unreachable/],
  ] as const)('goes on with onnxruntime after an operator %s', async (_, operator, why) => {
    publish([litert(tinyTflite(operator)), float]);
    const result = await load(await open());
    expectRight(result);
    expect(result.info!.variant).toBe('float');
    expect(result.info!.reason).toMatch(why);
  });

  it('leaves a LiteRT.js alone that the page started: it would not hear what goes wrong there', async () => {
    publish([litert(), float]);
    const page = await open();
    await page.evaluate(async () => {
      const { loadLiteRt } = await (
        globalThis as unknown as { imported: (url: string) => Promise<typeof import('@litertjs/core')> }
      ).imported('/litert/litert.js');
      await loadLiteRt('/litert/');
    });
    const result = await load(page);
    expectRight(result);
    expect(result.info!.reason).toContain('started LiteRT.js itself');
  });

  it('hands another size of the batch, and integers that 32 bits do not hold, on to onnxruntime', async () => {
    publish([litert(), float]);
    const page = await open();
    const both = await load(page, {}, 7, 2);
    expect(both.message).toBe('');
    expect(both.dims).toEqual([2, 3]);
    expect(both.info!.reason).toBe('litert on wasm failed: LiteRT has "x" as [1,4] and was given [2,4].');
    const large = await load(page, {}, 2 ** 40);
    expect(large.label!.value).toBe(String(expected.class[0]! - 7n + 2n ** 40n));
    expect(large.info!.reason).toContain('1099511627776');
  });

  it('refuses what it can not take where nothing else is left, and stays open for what it can', async () => {
    publish([litert()]);
    const page = await open();
    const found = await page.evaluate(async (row) => {
      const { loadModel } = await runtime();
      const model = await loadModel('/model/', { litert: '/litert/' });
      const feeds = (batch: number) => {
        const data = Float32Array.from(Array.from({ length: batch }, () => row).flat());
        return { x: { data, dims: [batch, 4] }, add: [7n] };
      };
      const code = await model.run(feeds(2)).catch((e: { code: string }) => e.code);
      const { y } = await model.run(feeds(1));
      return { code, y: Array.from(y!.data as Float32Array) };
    }, Array.from(x));
    expect(found.code).toBe('RUN_FAILED');
    for (const [i, value] of expected.y.entries())
      expect(Math.abs(value - found.y[i]!)).toBeLessThan(tolerance);
  });

  describe('on WebGPU', () => {
    const glyphs = readFileSync('fixtures/models/glyphs-cnn.onnx');
    const image = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i * i));
    let gpu: Browser;
    beforeAll(async () => {
      gpu = await chromium.launch({ executablePath: executablePath!, args: chromiumFlags(true, true) });
    });
    afterAll(() => gpu?.close());

    it('runs where it takes all of the model, and moves to onnxruntime when the GPU is lost', async () => {
      const session = await ort.InferenceSession.create(glyphs);
      const { scores } = await session.run({ image: new ort.Tensor('float32', image, [1, 3, 32, 32]) });
      const whole = writeTflite(decodeModel(new Uint8Array(glyphs)));
      publish(
        [
          { ...litert(whole), providers: ['webgpu'] },
          { name: 'float', model: glyphs },
        ],
        {
          inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 32, 32] }],
          outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 10] }],
        },
      );
      const page = await gpu.newPage();
      await page.addInitScript(() => {
        const { requestDevice } = GPUAdapter.prototype;
        // A real GPU would come first by itself; and it is this test that loses it.
        Object.defineProperty(GPUAdapter.prototype, 'info', { get: () => ({ vendor: 'acme' }) });
        GPUAdapter.prototype.requestDevice = async function (...given) {
          const device = await requestDevice.apply(this, given);
          Object.assign(globalThis, { taken: device });
          return device;
        };
      });
      await page.goto(`${server.origin}/page.html`);
      const found = await page.evaluate(async (data) => {
        const { loadModel } = await runtime();
        const model = await loadModel('/model/', { ort: '/ort/', litert: '/litert/' });
        const feeds = { image: Float32Array.from(data) };
        const before = model.info;
        const first = await model.run(feeds);
        (globalThis as unknown as { taken: GPUDevice }).taken.destroy();
        const second = await model.run(feeds);
        const values = [first, second].map((o) => Array.from(o['scores']!.data as Float32Array));
        return { before, after: model.info, values };
      }, Array.from(image));
      expect(found.before).toMatchObject({ variant: 'litert', provider: 'webgpu', threads: 1, tried: [] });
      expect(found.after).toMatchObject({ variant: 'float', provider: 'wasm' });
      expect(found.after.reason).toMatch(/^litert on webgpu failed: the GPU device was lost \(destroyed/);
      // Sums of some hundred products in float32, of size 10, in another order.
      for (const values of found.values)
        for (const [i, value] of (scores!.data as Float32Array).entries())
          expect(Math.abs(value - values[i]!)).toBeLessThan(1e-4);
    });

    it('refuses what it would compute a part of on the CPU', async () => {
      publish([{ ...litert(tinyTflite('ARG_MAX', 'BITWISE_XOR')), providers: ['webgpu', 'wasm'] }]);
      const page = await gpu.newPage();
      await page.goto(`${server.origin}/page.html`);
      const alone = await load(page, { provider: 'webgpu' });
      expect(alone.code).toBe('PROVIDER_FAILED');
      expect(alone.message).toMatch(/litert on webgpu: .*not supported by GPU delegate: BITWISE_XOR/);
      const result = await load(page);
      expect(result.message).toBe('');
      expect(result.info).toMatchObject({ variant: 'litert', provider: 'wasm' });
    });
  });

  it('does not grow over a thousand runs and twenty openings', async () => {
    publish([litert()]);
    const page = await open();
    const sizes = await page.evaluate(async (row) => {
      const { loadModel } = await runtime();
      const address = '/litert/litert.js';
      const open = () => loadModel('/model/', { litert: address.replace('litert.js', '') });
      const feeds = { x: { data: Float32Array.from(row), dims: [1, 4] }, add: [7n] };
      const model = await open();
      await model.run(feeds);
      const { getGlobalLiteRtPromise } = await (
        globalThis as unknown as { imported: (url: string) => Promise<Record<string, () => unknown>> }
      ).imported(address);
      const { liteRtWasm } = (await getGlobalLiteRtPromise!()) as {
        liteRtWasm: { HEAPU8: Uint8Array; _malloc(n: number): number; _free(at: number): void };
      };
      const found = [liteRtWasm.HEAPU8.length];
      for (let i = 0; i < 1000; i++) await model.run(feeds);
      for (let i = 0; i < 20; i++) {
        const again = await open();
        await again.run(feeds);
        await again.dispose();
      }
      found.push(liteRtWasm.HEAPU8.length);
      return found;
    }, Array.from(x));
    expect(sizes[1]).toBe(sizes[0]);
  });
});
