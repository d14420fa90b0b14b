/** TensorFlow.js for pages without a bundler: one module with what edgepress-runtime uses of it, and the files of its wasm
 *  backend. Built beside the package, bundled on the fly from sources while developing. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolder } from './machine.ts';

export interface PageFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** With SIMD, for pages with one thread and for those with more; all browsers have had SIMD since 2023. */
const wasmFiles = ['tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'];

let read: Promise<readonly PageFile[]> | undefined;

/** tfjs.js, the .wasm files and their licence, in the order of their names. */
export function tfjsFiles(): Promise<readonly PageFile[]> {
  read ??= import.meta.url.endsWith('.ts')
    ? bundleTfjs()
    : filesIn(fileURLToPath(new URL('../../../tfjs', import.meta.url)));
  return read;
}

async function filesIn(folder: string): Promise<PageFile[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => ({ name, bytes: new Uint8Array(await readFile(join(folder, name))) })),
  );
}

/** The packages are development dependencies, as esbuild is; scripts/build-tfjs.ts calls this as well. */
export async function bundleTfjs(): Promise<PageFile[]> {
  const { build } = await import('esbuild');
  const core = packageFolder('@tensorflow/tfjs-core')!;
  const backend = packageFolder('@tensorflow/tfjs-backend-wasm')!;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: core },
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    banner: { js: '/*! TensorFlow.js, Copyright Google LLC, Apache-2.0 */' },
    logLevel: 'silent',
  });
  const wasm = wasmFiles.map(async (name) => ({ name, bytes: await readFile(join(backend, 'dist', name)) }));
  // The packages name their licence and don't bring its text.
  const licence = { name: 'LICENSE', bytes: await readFile(join(packageFolder('sharp')!, 'LICENSE')) };
  return [licence, ...(await Promise.all(wasm)), { name: 'tfjs.js', bytes: outputFiles[0]!.contents }];
}

/** What src/support/tfjs.ts calls. */
const entry = `
export { env, setBackend, tensor, version_core } from '@tensorflow/tfjs-core';
export { loadGraphModel } from '@tensorflow/tfjs-converter';
export { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
`;
