/** Builds the package edgepress-runtime (src/runtime/dist): ES modules for pages, onnxruntime-web, TensorFlow.js and LiteRT.js
 *  left outside, and their types. Demo pages of bundles take the modules from dist/runtime. npm run build calls it. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeRuntimeTypes } from './build-types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** index.js, worker.js, what they share and what is loaded on demand. */
export async function buildRuntime(folder: string): Promise<void> {
  const { outputFiles } = await build({
    write: false,
    absWorkingDir: root,
    entryPoints: ['src/runtime/index.ts', 'src/runtime/worker.ts'],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    minify: true,
    sourcemap: true,
    external: ['onnxruntime-web', 'onnxruntime-web/*', '@tensorflow/*', '@litertjs/*'],
    chunkNames: 'shared-[hash]',
    logLevel: 'warning',
  });
  mkdirSync(folder, { recursive: true });
  // Minifying drops the comments that tell bundlers to leave imports of addresses alone.
  for (const { path, text } of outputFiles)
    writeFileSync(
      path,
      text.replace(/\bimport\((\w+)\)/g, 'import(/* @vite-ignore */ /* webpackIgnore: true */ $1)'),
    );
}

/** src/runtime/dist, and a copy of the modules for demo pages. */
export async function writeRuntime(): Promise<void> {
  const folder = join(root, 'src/runtime/dist');
  const copy = join(root, 'dist/runtime');
  // Names of shared files change with their content; those of the last build would travel along.
  for (const old of [folder, copy]) rmSync(old, { recursive: true, force: true });
  await buildRuntime(folder);
  cpSync(folder, copy, { recursive: true, filter: (file) => !file.endsWith('.map') });
  await writeRuntimeTypes(folder);
}
