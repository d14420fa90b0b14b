/** A page of Chromium with TensorFlow.js' backends that need a browser, by software where there is no GPU: what is written
 *  is loaded from a server by tf.loadGraphModel and run there. */
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { WrittenFile } from '../../../../../src/model/formats/format.ts';
import { isFloat } from '../../../../../src/model/ir/dtype.ts';
import { dtypeOf, type Model } from '../../../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { packageFolder } from '../../../../../src/ship/profile/machine.ts';
import { type ServedFile, serve } from '../../../../../src/ship/profile/serve.ts';
import { contentOf } from './run-written.ts';

export type PageBackend = 'webgl' | 'webgpu';

export interface TfjsPage {
  /** Backends that start in this browser. */
  readonly backends: readonly PageBackend[];
  /** Outputs by name, in the model's own types. */
  run(
    backend: PageBackend,
    model: Model,
    files: readonly WrittenFile[],
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

interface Plain {
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

declare const start: (backend: string) => Promise<boolean>;
declare const compute: (backend: string, url: string, feeds: Record<string, Plain>) => Promise<Plain[]>;

/** What the page runs. Numbers travel as text, in which JSON has no infinities. */
const entry = `
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
globalThis.start = (backend) => tf.setBackend(backend).catch(() => false);
globalThis.compute = async (backend, url, feeds) => {
  await tf.setBackend(backend);
  const model = await loadGraphModel(url);
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { values, dims, dtype }]) => [name, tf.tensor(values, dims, dtype)]),
  );
  const made = [await model.executeAsync(inputs)].flat();
  const found = [];
  for (const t of made) found.push({ dtype: t.dtype, dims: t.shape, values: Array.from(await t.data()) });
  model.dispose();
  tf.dispose([...Object.values(inputs), ...made]);
  return found;
};
`;

const flags = [
  ...['--headless=new', '--no-sandbox', '--no-first-run', '--disable-background-networking'],
  ...['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
];

export async function openTfjsPage(executablePath: string): Promise<TfjsPage> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: packageFolder('@tensorflow/tfjs-core')! },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    logLevel: 'silent',
  });
  const files = new Map<string, ServedFile>([
    ['/index.html', { bytes: '<!doctype html><script src="tfjs.js"></script>' }],
    ['/tfjs.js', { bytes: outputFiles[0]!.contents }],
  ]);
  const server = await serve({ files });
  const browser = await chromium.launch({ executablePath, args: flags });
  const page = await browser.newPage();
  await page.goto(`${server.url}index.html`);
  const backends: PageBackend[] = [];
  for (const backend of ['webgl', 'webgpu'] as const)
    if (await page.evaluate((name) => start(name), backend)) backends.push(backend);
  let count = 0;
  return {
    backends,
    async run(backend, model, written, feeds) {
      // A path that the browser has nothing cached for.
      const folder = `/model-${count++}`;
      for (const file of written) files.set(`${folder}/${file.name}`, { bytes: contentOf(file) });
      const [json] = written;
      const { signature } = JSON.parse(Buffer.from(contentOf(json!)).toString());
      const plain = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, plainTensor(t)]));
      const made = await page.evaluate(([name, url, values]) => compute(name, url, values), [
        backend,
        `${folder}/${json!.name}`,
        plain,
      ] as const);
      const typed = Object.keys(signature.outputs).map((name, i) => {
        const dtype = dtypeOf(model.graph.outputs.find((v) => v.name === name)!) ?? 'float32';
        return [name, tensorOf(dtype, made[i]!.dims, made[i]!.values)] as const;
      });
      return Object.fromEntries(typed);
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

const plainTensor = (t: Tensor): Plain => ({
  dtype: t.dtype === 'bool' ? 'bool' : isFloat(t.dtype) ? 'float32' : 'int32',
  dims: t.dims,
  values: Array.from(isFloat(t.dtype) ? float32Values(t) : numbers(t)),
});
