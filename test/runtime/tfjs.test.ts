/** Variants of TensorFlow.js in a real browser. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../scripts/build-runtime.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../src/model/formats/onnx-text/parse-model.ts';
import { writeGraphModel } from '../../src/model/formats/tfjs/write/write.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { packageFolder } from '../../src/ship/profile/machine.ts';
import { tfjsFiles } from '../../src/ship/profile/tfjs-runtime.ts';
import { makeBundle, startServer, type TestServer, type VariantSketch } from './bundle.ts';

/** The test server's pages have this: vitest rewrites `import()` in this file, and the page couldn't run it. */
declare const runtime: () => Promise<typeof import('../../src/runtime/index.ts')>;

const executablePath = findBrowser('chromium')?.path;

/** A convolution and a class as int64, which TensorFlow.js has no type for. */
const text = `<ir_version: 8, opset_import: ["" : 13]>
g (float[N, 1, 4, 4] x, int64[1] add) => (float[N, 2, 3, 3] y, int64[N] class)
<float[2, 1, 2, 2] w = {0.5, -1, 2, 0.25, -0.75, 1, 0.125, 3}> {
  y = Conv (x, w)
  flat = Flatten (y)
  best = ArgMax <axis = 1, keepdims = 0> (flat)
  class = Add (best, add)
}`;
const x = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i * i));
const ports = {
  inputs: [
    { name: 'x', dtype: 'float32', shape: ['N', 1, 4, 4] },
    { name: 'add', dtype: 'int64', shape: [1] },
  ],
  outputs: [
    { name: 'y', dtype: 'float32', shape: ['N', 2, 3, 3] },
    { name: 'class', dtype: 'int64', shape: ['N'] },
  ],
};

/** Two sums of four products in another order. */
const tolerance = 1e-5;

function tfjsVariant(): VariantSketch {
  const [json, ...shards] = writeGraphModel(parseModel(text)).map(({ name, pieces }) => ({
    name,
    bytes: new Uint8Array(Buffer.concat([...pieces()])),
  }));
  return {
    name: 'tfjs',
    format: 'tfjs',
    model: json!.bytes,
    data: Object.fromEntries(shards.map(({ name, bytes }) => [name, bytes])),
  };
}

describe.skipIf(!executablePath)('TensorFlow.js in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-tfjs-'));
  const onnx = encodeModel(parseModel(text));
  let browser: Browser;
  let context: BrowserContext;
  let server: TestServer;
  let expected: { readonly y: Float32Array; readonly class: BigInt64Array };

  beforeAll(async () => {
    server = await startServer();
    await buildRuntime(folder);
    for (const file of readdirSync(folder)) server.files.set(`/runtime/${file}`, join(folder, file));
    for (const { name, bytes } of await tfjsFiles()) server.files.set(`/tfjs/${name}`, bytes);
    const dist = join(packageFolder('onnxruntime-web')!, 'dist');
    for (const file of readdirSync(dist)) server.files.set(`/ort/${file}`, join(dist, file));
    const session = await ort.InferenceSession.create(onnx);
    const made = await session.run({
      x: new ort.Tensor('float32', x, [1, 1, 4, 4]),
      add: new ort.Tensor('int64', [7n], [1]),
    });
    expected = {
      y: made['y']!.data as Float32Array,
      class: made['class']!.data as BigInt64Array,
    };
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

  function publish(variants: readonly VariantSketch[]) {
    for (const path of server.files.keys()) if (path.startsWith('/model/')) server.files.delete(path);
    for (const [path, bytes] of makeBundle(variants, ports).files) server.files.set(`/model/${path}`, bytes);
  }

  async function open(isolated = false): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${server.origin}${isolated ? '/isolated' : ''}/page.html`);
    return page;
  }

  const load = (page: Page, options: Record<string, unknown> = {}, add = 7) =>
    page.evaluate(
      async ({ options, data, add }) => {
        const { loadModel } = await runtime();
        try {
          const model = await loadModel('/model/', { ort: '/ort/', tfjs: '/tfjs/', ...options });
          const feeds = { x: { data: Float32Array.from(data), dims: [1, 1, 4, 4] }, add: [BigInt(add)] };
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
      { options, data: Array.from(x), add },
    );

  function expectRight(result: Awaited<ReturnType<typeof load>>) {
    expect(result.message).toBe('');
    for (const [i, value] of expected.y.entries())
      expect(Math.abs(value - result.y![i]!)).toBeLessThan(tolerance);
    expect(result.dims).toEqual([1, 2, 3, 3]);
    expect(result.label).toEqual({ type: 'int64', dims: [1], value: String(expected.class[0]) });
    expect(result.after).toBe('DISPOSED');
  }

  it('computes what onnxruntime computes, int64 included, from the files of one folder', async () => {
    publish([tfjsVariant()]);
    const result = await load(await open());
    expectRight(result);
    expect(result.info).toMatchObject({
      variant: 'tfjs',
      provider: 'wasm',
      threads: 1,
      tried: [],
      cache: 'stored',
    });
    expect(result.info!.runtime).toMatch(/^@tensorflow\/tfjs-backend-wasm 4\.\d+\.\d+$/);
    const runtimeFiles = server.log.filter((path) => /^\/(tfjs|ort)\//.test(path));
    expect(runtimeFiles).toEqual(['/tfjs/tfjs.js', '/tfjs/tfjs-backend-wasm-simd.wasm']);
  });

  it('has threads where the page is cross-origin isolated', async () => {
    publish([tfjsVariant()]);
    const result = await load(await open(true), { threads: 2 });
    expectRight(result);
    expect(result.info!.threads).toBe(2);
    expect(server.log).toContain('/tfjs/tfjs-backend-wasm-threaded-simd.wasm');
  });

  it('does that in a worker too, and again with the network gone', async () => {
    publish([tfjsVariant()]);
    const page = await open();
    const online = await load(page, { worker: true });
    expectRight(online);
    expect(online.info!.worker).toBe(true);
    server.handle = (path, request) => path.startsWith('/model/') && Boolean(request.socket.destroy());
    const offline = await load(page, { worker: true });
    expectRight(offline);
    expect(offline.info).toMatchObject({ offline: true, cache: 'hit' });
  });

  it('goes on with onnxruntime where TensorFlow.js is not there, and says why', async () => {
    publish([tfjsVariant(), { name: 'float', model: onnx, requires: ['threads'] }]);
    const page = await open(true);
    const alone = await load(page, { tfjs: '/nowhere/', variant: 'tfjs' });
    expect(alone.code).toBe('PROVIDER_FAILED');
    expect(alone.message).toMatch(/tfjs on wasm: .*nowhere\/tfjs\.js/);
    publish([tfjsVariant(), { name: 'float', model: onnx, bytes: 2 ** 31 + 1 }]);
    const both = await load(page, { tfjs: '/nowhere/' });
    expectRight(both);
    expect(both.info).toMatchObject({ variant: 'float', provider: 'wasm' });
    expect(both.info!.reason).toMatch(/^tfjs on wasm failed: /);
  });

  it.each([false, true])('goes on where its .wasm files are blocked, in a worker: %s', async (worker) => {
    publish([tfjsVariant(), { name: 'float', model: onnx, bytes: 2 ** 31 + 1 }]);
    server.handle = (path, request) => /^\/tfjs\/.*\.wasm$/.test(path) && Boolean(request.socket.destroy());
    const result = await load(await open(), { worker });
    expectRight(result);
    expect(result.info).toMatchObject({ variant: 'float', worker });
    expect(result.info!.tried.map((t) => t.variant)).toEqual(['tfjs']);
    expect(result.info!.reason).toMatch(/^tfjs on wasm failed: .*does not start/);
  });

  it.each([
    ['an operator that it does not know', '"ArgMax"', '"NoSuchOp"', /NoSuchOp/],
    ['an operator without a kernel on wasm', '"Reshape"', '"Imag"', /Imag/],
  ])('runs again on onnxruntime after %s', async (_, from, to, why) => {
    const variant = tfjsVariant();
    const json = Buffer.from(variant.model).toString().replaceAll(`"op":${from}`, `"op":${to}`);
    expect(json).toContain(to);
    publish([
      { ...variant, model: Buffer.from(json) },
      { name: 'float', model: onnx, bytes: 2 ** 31 + 1 },
    ]);
    const result = await load(await open());
    expectRight(result);
    expect(result.info!.variant).toBe('float');
    expect(result.info!.reason).toMatch(why);
  });

  it('holds as many tensors after fifty runs as after one, and none of its own once disposed', async () => {
    publish([tfjsVariant()]);
    const page = await open();
    const counts = await page.evaluate(async (data) => {
      const { loadModel } = await runtime();
      // TensorFlow.js keeps its engine here, one for all copies in a page.
      const held = () =>
        (globalThis as unknown as { _tfengine: { memory(): { numTensors: number } } })._tfengine.memory()
          .numTensors;
      const model = await loadModel('/model/', { tfjs: '/tfjs/' });
      const feeds = { x: { data: Float32Array.from(data), dims: [1, 1, 4, 4] }, add: [7n] };
      const found = [];
      for (const runs of [1, 50]) {
        for (let i = 0; i < runs; i++) await model.run(feeds);
        found.push(held());
      }
      await model.run({ ...feeds, add: [2n ** 40n] }).catch(() => {});
      found.push(held());
      await model.dispose();
      return { found, after: held() };
    }, Array.from(x));
    expect(counts.found[0]).toBeGreaterThan(0);
    expect(new Set(counts.found).size).toBe(1);
    expect(counts.after).toBe(0);
  });

  it('refuses a corrupt file of weights by name, and integers that 32 bits do not hold', async () => {
    const variant = tfjsVariant();
    publish([variant]);
    const [name, bytes] = Object.entries(variant.data!)[0]!;
    const wrong = Uint8Array.from(bytes);
    wrong[0]! ^= 1;
    server.files.set(`/model/onnx/tfjs/${name}`, wrong);
    const page = await open();
    const corrupt = await load(page);
    expect(corrupt.code).toBe('HASH_MISMATCH');
    expect(corrupt.message).toContain(name);
    server.files.set(`/model/onnx/tfjs/${name}`, bytes);
    const large = await load(page, {}, 2 ** 40);
    expect(large.code).toBe('RUN_FAILED');
    expect(large.message).toContain('1099511627776');
  });
});
