/** Scripts of the lab page: built beside the package, bundled on the fly from sources while developing. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface PageScripts {
  readonly main: Uint8Array;
  readonly worker: Uint8Array;
}

const names = ['main', 'worker'] as const;

/** Where `npm run build` puts them, in dist/. */
export const builtName = (name: keyof PageScripts) => `lab-${name}.js`;

export async function loadPageScripts(): Promise<PageScripts> {
  if (import.meta.url.endsWith('.ts')) return bundlePageScripts();
  const [main, worker] = await Promise.all(
    names.map((name) => readFile(new URL(`../../../${builtName(name)}`, import.meta.url))),
  );
  return { main: main!, worker: worker! };
}

/** esbuild is a development dependency; scripts/build-lab-page.ts calls this as well. */
export async function bundlePageScripts(): Promise<PageScripts> {
  const { build } = await import('esbuild');
  const [main, worker] = await Promise.all(
    names.map(async (name) => {
      const result = await build({
        entryPoints: [fileURLToPath(new URL(`./page/${name}.ts`, import.meta.url))],
        bundle: true,
        write: false,
        minify: true,
        platform: 'browser',
        format: 'esm',
        target: 'es2022',
        logLevel: 'silent',
      });
      return result.outputFiles[0]!.contents;
    }),
  );
  return { main: main!, worker: worker! };
}
