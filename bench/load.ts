/** Load time and time to the first result in Chromium, cold cache: a bundle through edgepress-runtime, its float model
 *  through onnxruntime-web as its quick start has it, through TensorFlow.js, if it has such a variant, and through transformers.js; on this machine and on an emulated
 *  phone. Everything is served with Brotli, as a CDN would.
 *    npx tsx bench/load.ts [bundle folder] [repetitions]        (default: examples/model, 3)
 *    BROTLI=11 npx tsx bench/load.ts …                          (quality; default 9, as 11 takes minutes) */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';
import { syntheticInputs } from '../src/data/synthetic.ts';
import { isDType } from '../src/model/ir/dtype.ts';
import { typedArray } from '../src/model/ir/tensor.ts';
import { manifestSchema } from '../src/ship/emit/manifest.ts';
import { findBrowser } from '../src/ship/profile/browsers.ts';
import { launchBrowser } from '../src/ship/profile/launch.ts';
import { phoneContext, slowDown } from '../src/ship/profile/launch-chromium.ts';
import type { LaunchedBrowser } from '../src/ship/profile/launched-browser.ts';
import { describeMachine, installedVersion, packageFolder } from '../src/ship/profile/machine.ts';
import { type PresetName, presets } from '../src/ship/profile/presets.ts';
import { type ServedFile, serve } from '../src/ship/profile/serve.ts';
import { median } from '../src/support/statistics.ts';
import { formatBytes, formatMs, formatTimes } from '../src/support/units.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = process.argv[2] ?? join(root, 'examples/model');
const repetitions = Number(process.argv[3] ?? 3);
const quality = Number(process.env['BROTLI'] ?? 9);

const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(bundle, 'edgepress.json'), 'utf8')));
const feeds = syntheticInputs(
  manifest.inputs.map(({ name, dtype, shape }) => ({
    name,
    dtype: isDType(dtype) ? dtype : 'float32',
    shape,
  })),
  { seed: 0 },
);

/** What each page does; `feeds` is there, times count from the navigation on. */
const pages = {
  'edgepress-runtime': `
    import { loadModel } from '${join(root, 'src/runtime/index.ts')}';
    const model = await loadModel('/model/', { ort: '/ort/' });
    loaded();
    await model.run(feeds);
    finished(model.info.variant + ' on ' + model.info.provider);`,
  'edgepress-runtime, float': `
    import { loadModel } from '${join(root, 'src/runtime/index.ts')}';
    const model = await loadModel('/model/', { ort: '/ort/', variant: 'float' });
    loaded();
    await model.run(feeds);
    finished(model.info.variant + ' on ' + model.info.provider);`,
  'edgepress-runtime, tfjs': `
    import { loadModel } from '${join(root, 'src/runtime/index.ts')}';
    const model = await loadModel('/model/', { tfjsWasmPaths: '/tfjs/', variant: 'tfjs' });
    loaded();
    await model.run(feeds);
    finished(model.info.variant + ' on ' + model.info.provider);`,
  'onnxruntime-web quick start': `
    import * as ort from 'onnxruntime-web';
    ort.env.wasm.wasmPaths = '/ort/';
    const session = await ort.InferenceSession.create('/model/onnx/model.onnx');
    loaded();
    await session.run(Object.fromEntries(Object.entries(feeds).map(([n, t]) => [n, new ort.Tensor(t.type, t.data, t.dims)])));
    finished('float on ' + (ort.env.wasm.numThreads ?? 1) + ' threads');`,
  'transformers.js': `
    import { AutoModel, env, Tensor } from '@huggingface/transformers';
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = '/';
    env.useBrowserCache = false;
    env.backends.onnx.wasm.wasmPaths = '/ort/';
    const model = await AutoModel.from_pretrained('model', { dtype: 'fp32', device: 'wasm' });
    loaded();
    await model.sessions.model.run(Object.fromEntries(Object.entries(feeds).map(([n, t]) => [n, new Tensor(t.type, t.data, t.dims).ort_tensor])));
    finished('float on wasm');`,
} as const;
type PageName = keyof typeof pages;

const prelude = `
const feeds = window.feeds;
const times = {};
const loaded = () => { times.loadedMs = performance.now(); };
const finished = (what) => { window.result = { ...times, resultMs: performance.now(), what }; };
`;

/** Runs before the page's own scripts: an error of any of them is the result, and inputs are there without crossing
 *  the (slowed-down) network. As base64, since no call takes a picture's numbers as arguments. */
const before = `
addEventListener('error', (e) => { window.result ??= { error: String(e.message) }; });
addEventListener('unhandledrejection', (e) => { window.result ??= { error: String(e.reason) }; });
window.feeds = Object.fromEntries(${JSON.stringify(feedEntries())}.map(([name, { type, dims, array, base64 }]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return [name, { type, dims, data: new globalThis[array](bytes.buffer) }];
}));
`;

function feedEntries() {
  return Object.entries(feeds).map(([name, t]) => {
    const array = typedArray(t);
    const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    const how = {
      type: t.dtype,
      dims: t.dims,
      array: array.constructor.name,
      base64: bytes.toString('base64'),
    };
    return [name, how] as const;
  });
}

/** One page as a bundler would make it: code split, onnxruntime-web's wasm left as a file. */
async function pageFiles(name: PageName): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    stdin: { contents: `${pages[name].replace(/^\s*(import .*)$/gm, '$1')}`, resolveDir: root, loader: 'js' },
    banner: { js: prelude },
    bundle: true,
    splitting: true,
    write: false,
    minify: true,
    outdir: '/app',
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // Threads of onnxruntime start from its own script.
    external: ['/ort/*', 'node:*'],
    conditions: ['onnxruntime-web-use-extern-wasm'],
    logLevel: 'error',
  });
  return new Map(outputFiles.map(({ path, contents }) => [path.split(sep).join('/'), contents]));
}

const compressed = new Map<string, Uint8Array>();
function brotli(key: string, bytes: Uint8Array): ServedFile {
  let packed = compressed.get(key);
  if (!packed) {
    packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
    compressed.set(key, packed);
  }
  return { bytes: packed, encoding: 'br' };
}

/** Files under a folder, compressed when they are first asked for: a map that is a function. */
function servedFolder(prefix: string, folder: string): [string, () => ServedFile][] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .map((file) => {
      const path = join(folder, file);
      return [
        `${prefix}${relative(folder, path).split(sep).join('/')}`,
        () => brotli(path, readFileSync(path)),
      ];
    });
}

interface Times {
  readonly loadedMs: number;
  readonly resultMs: number;
  /** On the wire: the page, its scripts, onnxruntime-web. */
  readonly runtimeBytes: number;
  /** Manifest and model. */
  readonly modelBytes: number;
  readonly what: string;
}

async function visit(browser: LaunchedBrowser, name: PageName, preset?: PresetName): Promise<Times> {
  const lazy = new Map<string, () => ServedFile>([
    ...servedFolder('/model/', bundle),
    ...servedFolder('/tfjs/', join(packageFolder('@tensorflow/tfjs-backend-wasm')!, 'dist')),
    ...servedFolder('/ort/', join(packageFolder('onnxruntime-web')!, 'dist')),
  ]);
  const app = await pageFiles(name);
  for (const [path, bytes] of app) lazy.set(path, () => brotli(`${name}${path}`, bytes));
  const html =
    '<!doctype html><meta charset="utf-8"><body><script type="module" src="/app/stdin.js"></script>';
  lazy.set('/index.html', () => ({ bytes: html }));
  if (!lazy.has('/model/config.json'))
    lazy.set('/model/config.json', () => ({ bytes: '{"model_type":"custom"}' }));
  const bytes = { runtimeBytes: 0, modelBytes: 0 };
  const files = {
    get(path: string): ServedFile | undefined {
      const file = lazy.get(path)?.();
      if (file && 'bytes' in file)
        bytes[path.startsWith('/model/') ? 'modelBytes' : 'runtimeBytes'] += file.bytes.length;
      return file;
    },
  } as ReadonlyMap<string, ServedFile>;
  const server = await serve({ files, isolated: false });
  const context = await phoneContext(browser.browser!, preset);
  try {
    const page = await context.newPage();
    await page.addInitScript(before);
    if (preset) await slowDown(context, page, preset);
    await page.goto(`${server.url}index.html`, { waitUntil: 'commit' });
    const handle = await page.waitForFunction(
      () => (window as unknown as { result?: unknown }).result,
      null,
      {
        timeout: 90_000,
      },
    );
    const result = (await handle.jsonValue()) as
      | (Omit<Times, keyof typeof bytes> & { error?: undefined })
      | { error: string };
    if (result.error !== undefined) throw new Error(`${name}: ${result.error}`);
    return { ...result, ...bytes };
  } finally {
    await context.close();
    await server.close();
  }
}

const machine = describeMachine();
if (!findBrowser('chromium')) {
  console.log('No Chromium was found; EDGEPRESS_CHROMIUM names one. Nothing was measured.');
} else {
  const browser = await launchBrowser('chromium');
  const versions = ['onnxruntime-web', '@tensorflow/tfjs-core', '@huggingface/transformers'].map(
    (p) => `${p} ${installedVersion(p) ?? '–'}`,
  );
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.os} · ${browser.title} · ${versions.join(' · ')}`,
  );
  console.log(
    `${manifest.name}: ${repetitions} cold visits each, medians; Brotli ${quality}; not isolated, one thread\n`,
  );
  try {
    for (const preset of [undefined, 'phone'] as const) {
      console.log(
        preset ? `emulated ${preset}: ${presets[preset].summary}` : 'this machine, network of this machine',
      );
      let first: Times | undefined;
      for (const name of Object.keys(pages) as PageName[]) {
        if (name === 'edgepress-runtime, tfjs' && !manifest.variants.some((v) => v.name === 'tfjs')) continue;
        if (name === 'transformers.js' && !packageFolder('@huggingface/transformers')) {
          console.log(`  ${name}: not measured, @huggingface/transformers is not installed`);
          continue;
        }
        try {
          // Once uncounted: the server compresses each file when it is first asked for.
          if (!preset) await visit(browser, name);
          const visits: Times[] = [];
          for (let i = 0; i < repetitions; i++) visits.push(await visit(browser, name, preset));
          const of = (key: Exclude<keyof Times, 'what'>) => median(visits.map((v) => v[key]));
          const times = {
            loadedMs: of('loadedMs'),
            resultMs: of('resultMs'),
            modelBytes: of('modelBytes'),
            runtimeBytes: of('runtimeBytes'),
            what: visits[0]!.what,
          };
          first ??= times;
          const range = visits.map((v) => v.resultMs);
          const ratio =
            times === first ? '' : ` · ${formatTimes(times.resultMs / first.resultMs)} times as long`;
          console.log(
            `  ${name.padEnd(28)} model ${formatBytes(times.modelBytes).padStart(8)} + runtime ${formatBytes(times.runtimeBytes).padStart(8)}  loaded ${formatMs(times.loadedMs).padStart(8)}` +
              `  first result ${formatMs(times.resultMs).padStart(8)} (${formatMs(Math.min(...range))} to ${formatMs(Math.max(...range))})` +
              `${ratio}  ${times.what}`,
          );
        } catch (error) {
          console.log(
            `  ${name}: not measured: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
          );
        }
      }
      console.log('');
    }
  } finally {
    await browser.close();
  }
}
