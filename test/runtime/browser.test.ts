/** The runtime in a real browser, as it ships. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-web';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../scripts/build-runtime.ts';
import { decodePicture } from '../../src/data/decode-picture.ts';
import { type Preprocessing, preprocessingSchema } from '../../src/data/preprocess.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../src/model/formats/onnx-text/parse-model.ts';
import { float32Values } from '../../src/model/ir/tensor.ts';
import { makeBundle, pageScript, startServer, type TestServer, type VariantSketch } from './bundle.ts';

const executablePath = [
  process.env['EDGEPRESS_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path));

/** The test server's pages have these: vitest rewrites `import()` in this file, and the page couldn't run it. */
declare const runtime: () => Promise<typeof import('../../src/runtime/index.ts')>;
declare const gpuBuild: () => Promise<typeof ort>;

const root = fileURLToPath(new URL('../..', import.meta.url));
const glyphs = readFileSync(join(root, 'fixtures/models/glyphs-cnn.onnx'));
const ramp = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i / 7));
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: 1 / 255 };

/** Float sums in another order: wasm's and the GPU's kernels differ from the reference in the last bits. */
const tolerance = 1e-3;

describe.skipIf(!executablePath)('the runtime in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-runtime-'));
  let browser: Browser;
  let context: BrowserContext;
  let server: TestServer;
  let expected: readonly number[];

  beforeAll(async () => {
    server = await startServer();
    await buildRuntime(folder);
    for (const file of readdirSync(folder)) server.files.set(`/runtime/${file}`, join(folder, file));
    const dist = join(root, 'node_modules/onnxruntime-web/dist');
    for (const file of readdirSync(dist)) server.files.set(`/ort/${file}`, join(dist, file));
    const session = await ort.InferenceSession.create(glyphs);
    const { scores } = await session.run({ image: new ort.Tensor('float32', ramp, [1, 3, 32, 32]) });
    expected = Array.from(scores!.data as Float32Array);
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        ...['--headless=new', '--no-sandbox', '--no-first-run', '--disable-sync'],
        ...['--disable-background-networking', '--disable-component-update'],
        ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
      ],
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
    for (const path of server.files.keys()) if (path.startsWith('/model/')) server.files.delete(path);
  });

  /** Puts a bundle of glyphs-cnn at /model/. */
  function publish(variants: readonly Omit<VariantSketch, 'model'>[], rest = {}) {
    const { files, manifest } = makeBundle(
      variants.map((v) => ({ model: glyphs, ...v })),
      {
        inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 32, 32] }],
        outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 10] }],
        labels: Array.from({ length: 10 }, (_, i) => `class ${i}`),
        ...rest,
      },
    );
    for (const [path, bytes] of files) server.files.set(`/model/${path}`, bytes);
    return manifest;
  }

  async function open(isolated = false): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${server.origin}${isolated ? '/isolated' : ''}/page.html`);
    return page;
  }

  /** Loads /model/ and runs the ramp; an error comes back as its code and message. */
  const load = (page: Page, options: Record<string, unknown> = {}) =>
    page.evaluate(
      async ({ options, data }) => {
        const { loadModel } = await runtime();
        try {
          const progress: { loaded: number; total: number }[] = [];
          const model = await loadModel('/model/', {
            ort: '/ort/',
            onProgress: (p: { loaded: number; total: number }) => progress.push(p),
            ...options,
          });
          const image = Float32Array.from(data);
          const scores = (await model.run({ image }))['scores']!;
          const { info, labels } = model;
          const output = Array.from(scores.data as Float32Array);
          const intact = image.length === data.length;
          await model.dispose();
          const after = await model.run({ image }).catch((e: { code: string }) => e.code);
          return { info, labels, output, progress, intact, after, dims: scores.dims, code: '', message: '' };
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          return { code: code ?? 'untyped', message };
        }
      },
      { options, data: Array.from(ramp) },
    );

  function expectRight(result: Awaited<ReturnType<typeof load>>) {
    expect(result.message).toBe('');
    const distance = Math.max(...expected.map((v, i) => Math.abs(v - result.output![i]!)));
    expect(distance).toBeLessThan(tolerance);
    expect(result.dims).toEqual([1, 10]);
    expect(result.after).toBe('DISPOSED');
  }

  it('runs on wasm with one thread, from shards, with progress over all of them', async () => {
    publish([{ name: 'wasm-float', shards: 3 }]);
    const page = await open();
    const result = await load(page);
    expectRight(result);
    expect(result.info).toMatchObject({
      variant: 'wasm-float',
      provider: 'wasm',
      threads: 1,
      tried: [],
      cache: 'stored',
      offline: false,
      worker: false,
    });
    expect(result.info!.runtime).toMatch(/^onnxruntime-web\/wasm 1\.\d+\.\d+$/);
    expect(result.labels![9]).toBe('class 9');
    const { loaded, total } = result.progress!.at(-1)!;
    expect([loaded, total]).toEqual([glyphs.length, glyphs.length]);
    expect(server.log.filter((p) => p.endsWith('.wasm'))).toEqual(['/ort/ort-wasm-simd-threaded.wasm']);
  });

  it('runs on wasm with threads where the page is cross-origin isolated', async () => {
    publish([{ name: 'wasm-float', requires: ['threads'] }]);
    const result = await load(await open(true), { threads: 2 });
    expectRight(result);
    expect(result.info!.threads).toBe(2);
    const without = await load(await open());
    expect(without.code).toBe('NO_VARIANT');
    expect(without.message).toContain('cross-origin isolated');
  });

  it('prefers wasm to a GPU that is software', async () => {
    publish([
      { name: 'webgpu-float', providers: ['webgpu'] },
      { name: 'wasm-float', providers: ['wasm'] },
    ]);
    const chosen = await load(await open());
    expectRight(chosen);
    expect(chosen.info).toMatchObject({
      variant: 'wasm-float',
      reason: 'the GPU is software, slower than wasm',
    });
  });

  it('runs on WebGPU, and moves to wasm when the device is lost, repeating the run and saying so', async () => {
    publish([
      { name: 'webgpu-float', providers: ['webgpu'] },
      { name: 'wasm-float', providers: ['wasm'] },
    ]);
    const page = await open();
    const result = await page.evaluate(async (data) => {
      const { loadModel } = await runtime();
      const gpu = await gpuBuild();
      // A real GPU would come first by itself.
      const adapter = GPUAdapter.prototype;
      const info = Object.getOwnPropertyDescriptor(adapter, 'info')!;
      Object.defineProperty(adapter, 'info', { get: () => ({ vendor: 'acme', architecture: 'one' }) });
      const model = await loadModel('/model/', { ort: gpu });
      Object.defineProperty(adapter, 'info', info);
      const image = Float32Array.from(data);
      const before = model.info;
      const first = await model.run({ image });
      (await gpu.env.webgpu.device).destroy();
      const [second, third] = await Promise.all([model.run({ image }), model.run({ image })]);
      const after = model.info;
      const list = (o: Readonly<Record<string, { data: unknown }>>) =>
        Array.from(o['scores']!.data as Float32Array);
      return { before, after, outputs: [first, second, third].map(list) };
    }, Array.from(ramp));
    expect(result.before).toMatchObject({ provider: 'webgpu', variant: 'webgpu-float' });
    expect(result.after).toMatchObject({ provider: 'wasm', variant: 'wasm-float' });
    expect(result.after.reason).toMatch(/^webgpu-float on webgpu failed: the GPU device was lost/);
    expect(result.after.tried).toHaveLength(1);
    for (const output of result.outputs)
      for (const [i, v] of expected.entries()) expect(Math.abs(v - output[i]!)).toBeLessThan(tolerance);
  });

  it('says why nothing runs where there is no WebGPU', async () => {
    publish([{ name: 'webgpu-float', providers: ['webgpu'], requires: ['webgpu'] }]);
    const page = await open();
    await page.evaluate(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
    const result = await load(page);
    expect(result.code).toBe('NO_VARIANT');
    expect(result.message).toContain('no WebGPU adapter');
  });

  it('loads again from the cache with the network gone, and drops the files of older versions', async () => {
    publish([{ name: 'old', shards: 2 }]);
    const page = await open();
    expectRight(await load(page));
    publish([{ name: 'new' }]);
    expectRight(await load(page));
    const keys = await page.evaluate(async () => (await (await caches.open('edgepress-1')).keys()).length);
    expect(keys).toBe(2);
    server.handle = (path, request) => path.startsWith('/model/') && Boolean(request.socket.destroy());
    await page.reload();
    const result = await load(page);
    expectRight(result);
    expect(result.info).toMatchObject({ variant: 'new', offline: true, cache: 'hit' });
    const uncached = await load(page, { cache: false });
    expect(uncached.code).toBe('FETCH_FAILED');
  });

  it('goes on without a cache that is full, and says so', async () => {
    publish([{ name: 'wasm-float' }]);
    const page = await open();
    await page.evaluate(() => {
      Cache.prototype.put = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    });
    const result = await load(page);
    expectRight(result);
    expect(result.info!.cache).toBe('full');
  });

  it('refuses a corrupt shard, a missing one and a short one, each by name', async () => {
    publish([{ name: 'wasm-float', shards: 3 }]);
    const page = await open();
    const path = '/model/onnx/wasm-float.onnx.2';
    const right = server.files.get(path) as Uint8Array;
    const wrong = Uint8Array.from(right);
    wrong[100]! ^= 1;
    server.files.set(path, wrong);
    server.log.length = 0;
    const corrupt = await load(page);
    expect(corrupt.code).toBe('HASH_MISMATCH');
    expect(corrupt.message).toContain('wasm-float.onnx.2');
    expect(server.log.filter((p) => p === path)).toHaveLength(2);
    server.files.set(path, right.subarray(1));
    expect((await load(page)).code).toBe('HASH_MISMATCH');
    server.files.delete(path);
    const missing = await load(page);
    expect(missing.code).toBe('SHARD_MISSING');
    expect(missing.message).toContain('wasm-float.onnx.2');
    server.files.set(path, right);
    expectRight(await load(page));
  });

  it('stops in the middle of a download', async () => {
    publish([{ name: 'wasm-float' }]);
    const page = await open();
    for (const worker of [false, true]) {
      let closed = false;
      server.handle = (path, _request, response) => {
        if (!path.endsWith('wasm-float.onnx')) return false;
        response.on('close', () => {
          closed = true;
        });
        response.write(glyphs.subarray(0, 50_000));
        return true;
      };
      const code = await page.evaluate(async (worker) => {
        const { loadModel } = await runtime();
        const stop = new AbortController();
        const options = {
          ort: '/ort/',
          worker,
          cache: false,
          signal: stop.signal,
          onProgress: () => stop.abort(),
        };
        return loadModel('/model/', options).catch((e: { code: string }) => e.code);
      }, worker);
      expect(code).toBe('ABORTED');
      await expect.poll(() => closed, { timeout: 10_000 }).toBe(true);
    }
  });

  it('does all that in a worker too, leaving the arrays with the page', async () => {
    publish([{ name: 'wasm-float' }]);
    const page = await open();
    const result = await load(page, { worker: true });
    expectRight(result);
    expect(result.info!.worker).toBe(true);
    expect(result.intact).toBe(true);
    expect(result.progress!.at(-1)!.loaded).toBe(glyphs.length);
    server.files.delete('/model/edgepress.json');
    const failed = await load(page, { worker: true, cache: false });
    expect(failed.code).toBe('FETCH_FAILED');
  });

  it('runs on WebGPU in a worker', async () => {
    publish([{ name: 'webgpu-float', providers: ['webgpu'] }]);
    const result = await load(await open(), { worker: true });
    expectRight(result);
    expect(result.info).toMatchObject({
      variant: 'webgpu-float',
      provider: 'webgpu',
      worker: true,
      tried: [],
    });
    expect(result.intact).toBe(true);
  });

  it('finds onnxruntime-web through an import map, in the page and for its worker', async () => {
    publish([{ name: 'wasm-float' }]);
    server.handle = (path, _request, response) => {
      if (path !== '/mapped.html') return false;
      const imports = { 'onnxruntime-web/wasm': '/ort/ort.wasm.bundle.min.mjs' };
      const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
      response.setHeader('content-type', 'text/html').end(`<!doctype html>${map}${pageScript}`);
      return true;
    };
    const page = await context.newPage();
    await page.goto(`${server.origin}/mapped.html`);
    expectRight(await load(page, { ort: undefined }));
    expectRight(await load(page, { ort: undefined, worker: true }));
  });

  it('turns pictures into the numbers that the CLI computes', async () => {
    const noisy = await picture(224, 224).png().toBuffer();
    const large = await picture(500, 375).png().toBuffer();
    const photo = await picture(375, 500).jpeg({ quality: 90 }).withMetadata({ orientation: 6 }).toBuffer();
    const small = await picture(100, 60).png().toBuffer();
    const cut = { mode: 'shorter-side' as const, size: 256 };
    const crop = { width: 224, height: 224 };
    const cases: { name: string; file: Buffer; spec: Partial<Preprocessing>; bound: number }[] = [
      {
        name: 'not resized',
        file: noisy,
        spec: { ...imagenet, resize: { ...cut, kernel: 'linear' }, crop },
        bound: 0,
      },
      { name: 'cropped only', file: large, spec: { scale: 1, crop, channels: 'BGR' }, bound: 0 },
      // In levels of 255: both round after each axis, libvips with weights of 6 bits.
      { name: 'resized', file: large, spec: { resize: { ...cut, kernel: 'linear' }, crop }, bound: 0.5 },
      { name: 'cubic', file: large, spec: { resize: { ...cut, kernel: 'cubic' }, crop }, bound: 0.5 },
      {
        name: 'enlarged',
        file: small,
        spec: { resize: { mode: 'cover', size: crop, kernel: 'linear' } },
        bound: 0.5,
      },
      // Decoders may differ by a level where colours were stored at half size.
      { name: 'turned', file: photo, spec: { resize: { ...cut, kernel: 'linear' }, crop }, bound: 1 },
    ];
    const page = await open();
    for (const { name, file, spec, bound } of cases) {
      const full = preprocessingSchema.parse({ pad: 9, ...spec });
      const identity = encodeModel(
        parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,224,224] image) => (float[1,3,224,224] y) { y = Identity (image) }`),
      );
      publish([{ name: 'identity', model: identity } as never], {
        inputs: [{ name: 'image', dtype: 'float32', shape: [1, 3, 224, 224] }],
        outputs: [{ name: 'y', dtype: 'float32', shape: [1, 3, 224, 224] }],
        preprocessing: full,
      });
      server.files.set('/picture', file);
      const results = await page.evaluate(async () => {
        const { loadModel } = await runtime();
        const model = await loadModel('/model/', { ort: '/ort/', cache: false });
        const blob = await (await fetch('/picture', { cache: 'no-store' })).blob();
        const img = new Image();
        img.src = URL.createObjectURL(blob);
        await img.decode();
        const bitmap = await createImageBitmap(blob);
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d')!;
        context.drawImage(bitmap, 0, 0);
        const data = context.getImageData(0, 0, bitmap.width, bitmap.height);
        const out: Record<string, string> = {};
        for (const [kind, image] of Object.entries({ img, bitmap, canvas, data })) {
          const bytes = new Uint8Array(((await model.run({ image }))['y']!.data as Float32Array).buffer);
          let text = '';
          for (let i = 0; i < bytes.length; i += 8192)
            text += String.fromCharCode(...bytes.subarray(i, i + 8192));
          out[kind] = btoa(text);
        }
        await model.dispose();
        return out;
      });
      const reference = float32Values(await decodePicture({ data: file }, full));
      for (const [kind, base64] of Object.entries(results)) {
        const got = new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
        expect(got.length).toBe(reference.length);
        const mean = got.reduce((sum, v, i) => sum + Math.abs(v - reference[i]!), 0) / got.length;
        expect(mean, `${name}, ${kind}`).toBeLessThanOrEqual(bound);
      }
    }
  });

  it('takes a video frame and a canvas in the worker', async () => {
    const spec = preprocessingSchema.parse({
      ...imagenet,
      resize: { mode: 'exact', size: { width: 32, height: 32 } },
    });
    publish([{ name: 'wasm-float' }], { preprocessing: spec });
    const outputs = await (await open()).evaluate(async () => {
      const { loadModel } = await runtime();
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 96;
      const context = canvas.getContext('2d')!;
      context.fillStyle = '#cc8833';
      context.fillRect(0, 0, 96, 96);
      context.fillStyle = '#1144aa';
      context.fillRect(20, 30, 40, 40);
      const out: number[][] = [];
      for (const worker of [false, true]) {
        const model = await loadModel('/model/', { ort: '/ort/', worker });
        for (const image of [canvas, new VideoFrame(canvas, { timestamp: 0 })])
          out.push(Array.from((await model.run({ image }))['scores']!.data as Float32Array));
        const early = await model.run({ image: new Image() }).catch((e: { code: string }) => e.code);
        if (early !== 'INPUT_INVALID') throw new Error(`an empty image gives ${early}`);
        await model.dispose();
      }
      return out;
    });
    expect(outputs).toHaveLength(4);
    // A video frame may be kept in YUV, which costs a level or two.
    for (const output of outputs)
      for (const [i, v] of outputs[0]!.entries()) expect(Math.abs(v - output[i]!)).toBeLessThan(0.2);
  });
});

/** Shapes and noise, the same every time. */
function picture(width: number, height: number) {
  let state = 7;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const level = (x: number, y: number, c: number) =>
    127 + 80 * Math.sin(x / 11 + c) * Math.cos(y / 8) + (random() - 0.5) * 60;
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    level(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
  );
  return sharp(data, { raw: { width, height, channels: 3 } });
}
