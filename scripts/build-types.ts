/** Declarations as they are published: one file an entry, with no other file of ours behind it. npm run build calls it, after tsc. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const root = fileURLToPath(new URL('..', import.meta.url));
const writtenOut = join(root, 'scripts/types/manifest.ts');

/** Takes the manifest's types from where they are written out. */
const withoutZod: Plugin = {
  name: 'without-zod',
  resolveId: (source, from) =>
    source.endsWith('/ship/emit/manifest.ts') && from !== writtenOut ? writtenOut : null,
};

/** The declarations of each entry (by name), from .ts or .d.ts files; what several share is in files beside them. */
async function bundleTypes(entries: Record<string, string>, plugins: Plugin[] = []) {
  const bundle = await rollup({
    input: entries,
    external: (id) => /^(@?[a-z])/.test(id),
    // A type that a public function names and no entry exports, for one: who imports it couldn't name it.
    onwarn: ({ message }) => {
      throw new Error(message);
    },
    plugins: [...plugins, dts({ tsconfig: join(root, 'tsconfig.json'), compilerOptions: { noEmit: false } })],
  });
  const names = { entryFileNames: '[name].d.ts', chunkFileNames: 'shared-[hash].d.ts' };
  const { output } = await bundle.generate({ format: 'es', ...names });
  return output.map((file) => ({
    name: file.fileName,
    text: file.type === 'chunk' ? file.code : String(file.source),
  }));
}

/** index.d.ts of edgepress-runtime. */
export async function writeRuntimeTypes(folder: string): Promise<void> {
  const files = await bundleTypes({ index: join(root, 'src/runtime/index.ts') }, [withoutZod]);
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
}

/** index.d.ts and web.d.ts of edgepress, from what tsc declared; the declarations of single files go. */
export async function writeTypes(folder: string): Promise<void> {
  const declared = join(folder, 'declared');
  const entry = (name: string) => join(declared, 'src', `${name}.d.ts`);
  const files = await bundleTypes({ index: entry('index'), web: entry('web') });
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
  rmSync(declared, { recursive: true });
}
