/** Writes passes/index.ts, how each pass is loaded, from the files of passes/. Tests, checks and builds do it by themselves;
 *  git doesn't keep it. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../passes/', import.meta.url));
const indexFile = `${folder}index.ts`;

/** Names of the files that hold a pass, without ".ts". */
export const passFiles = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .map((file) => file.slice(0, -3))
    .sort();

/** The text of passes/index.ts for the files that are there. A pass is the export made with definePass. */
function indexText(): string {
  const found = passFiles().map((file) => {
    const name = /export const (\w+) = definePass\b/.exec(readFileSync(`${folder}${file}.ts`, 'utf8'))?.[1];
    if (!name) throw new Error(`passes/${file}.ts exports no pass made with definePass.`);
    return { file, name };
  });
  return [
    '/** How each pass is loaded, by its name: a recipe loads those that it names. Made by scripts/build-pass-index.ts from the',
    ' *  files of this folder; not kept by git. */',
    "import type { Pass } from '../src/compress/pipeline/pass.ts';",
    '',
    'export const passLoaders: Readonly<Record<string, () => Promise<Pass>>> = {',
    ...found.map(({ file, name }) =>
      entry(`  '${file}': async () =>`, `(await import('./${file}.ts')).${name},`),
    ),
    '};',
    '',
  ].join('\n');
}

/** On one line where it fits, as the formatter has it. */
const entry = (head: string, body: string) =>
  head.length + 1 + body.length <= 110 ? `${head} ${body}` : `${head}\n    ${body}`;

/** Leaves an index that is right already as it is: its age tells whether to build the program again. */
export default function writePassIndex(): void {
  const text = indexText();
  if (existsSync(indexFile) && readFileSync(indexFile, 'utf8') === text) return;
  // Another process may be reading it.
  const whole = `${indexFile}.${process.pid}.tmp`;
  writeFileSync(whole, text);
  renameSync(whole, indexFile);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writePassIndex();
