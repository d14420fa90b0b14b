/** The measuring page's script: built beside the package, bundled on the fly from sources while developing. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

let bundled: Promise<Uint8Array> | undefined;

/** The script of src/ship/profile/page/main.ts as one ES module. */
export function pageScript(): Promise<Uint8Array> {
  bundled ??= import.meta.url.endsWith('.ts')
    ? bundlePage()
    : readFile(new URL('../../../profile-page.js', import.meta.url));
  return bundled;
}

/** esbuild is a development dependency; scripts/build-profile-page.ts calls this as well. */
export async function bundlePage(): Promise<Uint8Array> {
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: [fileURLToPath(new URL('./page/main.ts', import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2023',
    logLevel: 'silent',
  });
  return result.outputFiles[0]!.contents;
}
