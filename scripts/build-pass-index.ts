/** Writes passes/index.ts, the list of all passes, from the files of passes/. Run after adding or removing a pass:
 *    npx tsx scripts/build-pass-index.ts */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../passes/', import.meta.url));
const indexFile = `${folder}index.ts`;

/** The text of passes/index.ts for the files that are there. A pass is the export made with definePass. */
export function passIndexText(): string {
  const found = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .sort()
    .map((file) => {
      const name = /export const (\w+) = definePass\b/.exec(readFileSync(folder + file, 'utf8'))?.[1];
      if (!name) throw new Error(`passes/${file} exports no pass made with definePass.`);
      return { file, name };
    });
  return [
    '/** All passes, by name. Generated from the folder by scripts/build-pass-index.ts; not edited by hand. */',
    "import type { Pass } from '../src/compress/pipeline/pass.ts';",
    ...found.map(({ file, name }) => `import { ${name} } from './${file}';`),
    '',
    'const all: readonly Pass[] = [',
    ...found.map(({ name }) => `  ${name},`),
    '];',
    '',
    'export const passes: ReadonlyMap<string, Pass> = new Map(all.map((pass) => [pass.name, pass]));',
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(indexFile, passIndexText());
