/** Writes docs/api/: what can be imported, from docstrings (typedoc), and what can be asked for, from the requests' schemas.
 *    npm run docs               after a change of public docstrings or options
 *    npm run docs -- --check    says what is out of date, and fails */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { requests } from '../src/jobs/requests/index.ts';
import { fieldsOf, innerOf, type RequestField } from '../src/support/field.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const committed = join(root, 'docs/api');

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string) => `\`${cell(text)}\``;

const typeText = ({ schema }: RequestField) => [...new Set(valuesOf(schema))].map(code).join(', ');

/** What a call may give, as TypeScript writes it: each value where there are only some, else the type. */
function valuesOf(schema: z.ZodType): string[] {
  const inner = innerOf(schema);
  if (inner instanceof z.ZodEnum) return inner.options.map((value) => JSON.stringify(value));
  if (inner instanceof z.ZodLiteral) return [...inner.values].map((value) => JSON.stringify(value));
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((one) => valuesOf(one as z.ZodType));
  if (inner instanceof z.ZodPipe) return valuesOf(inner.in as z.ZodType);
  if (inner instanceof z.ZodArray) {
    const elements = [...new Set(valuesOf(inner.element as z.ZodType))];
    return [elements.length > 1 ? `(${elements.join(' | ')})[]` : `${elements[0]}[]`];
  }
  return [inner.def.type];
}

function defaultText({ default: value, meta, isRequired }: RequestField): string {
  if (isRequired) return 'required';
  if (meta.fallback !== undefined) return cell(meta.fallback);
  return value === undefined ? '' : code(JSON.stringify(value));
}

/** A field that is true unless told otherwise is described by what leaving it out does. */
const aboutOf = ({ meta: { flags, description } }: RequestField) =>
  `${flags.startsWith('--no-') ? '`false`: ' : ''}${cell(description)}`;

const row = (f: RequestField) =>
  `| ${code(f.key)} | ${code(f.meta.flags)} | ${typeText(f)} | ${defaultText(f)} | ${aboutOf(f)} |`;

function optionsPage(): string {
  const sections = Object.entries(requests).map(([name, request]) => [
    `## ${name}`,
    '',
    '| field | option | values | default | |',
    '| --- | --- | --- | --- | --- |',
    ...fieldsOf(request)
      .filter(({ meta }) => !meta.isHidden)
      .map(row),
    '',
  ]);
  const head = [
    '# Options',
    '',
    'The options of each command, and what the call of the same name takes them as.',
    '',
  ];
  return [...head, ...sections.flat()].join('\n');
}

function write(folder: string): void {
  const typedoc = join(root, 'docs/node_modules/typedoc/bin/typedoc');
  execFileSync(process.execPath, [typedoc, '--out', folder], { cwd: join(root, 'docs'), stdio: 'inherit' });
  writeFileSync(join(folder, 'options.md'), optionsPage());
  const index = join(folder, 'README.md');
  writeFileSync(index, `${readFileSync(index, 'utf8').trimEnd()}\n- [options of the calls](options.md)\n`);
}

const filesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [relative(folder, file), readFileSync(file, 'utf8')]),
  );

/** Pages that differ from what would be written now. */
export function stalePages(): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-api-'));
  try {
    write(folder);
    const [now, then] = [filesOf(folder), filesOf(committed)];
    return [...new Set([...now.keys(), ...then.keys()])].filter((name) => now.get(name) !== then.get(name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = process.argv.includes('--check') ? stalePages() : [];
  if (!process.argv.includes('--check')) write(committed);
  if (stale.length > 0) {
    console.error(`Out of date: ${stale.join(', ')} in docs/api. Run \`npm run docs\`.`);
    process.exitCode = 1;
  }
}
