/** Writes dist/runtime/: the runtime as ES modules for pages, onnxruntime-web left outside. Run after tsc, whose
 *  declarations it points to. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

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
    external: ['onnxruntime-web', 'onnxruntime-web/*'],
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(root, 'dist', 'runtime');
  // Names of shared files change with their content; those of the last build would travel along.
  rmSync(folder, { recursive: true, force: true });
  await buildRuntime(folder);
  writeFileSync(join(folder, 'index.d.ts'), "export * from '../src/runtime/index.js';\n");
}
