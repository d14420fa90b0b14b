/** Measures what bench/RESULTS.md states, and writes the page.
 *
 *    EDGEPRESS_ZOO=<folder> npm run bench             all sections, for hours; a run that was stopped goes on where it was
 *    npm run bench -- install int8-kernels            these sections only
 *    npm run bench -- --page                          the page alone, from bench/results/
 *
 *  A section that was not measured keeps what it says, with its date. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { resultFile, writeResult } from './result-file.ts';
import { type Section, sections } from './sections.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
/** Sections that an unfinished run has measured. */
const progressFile = path.join(root, '.cache/bench-done.json');

const commandLine = ({ zoo, command }: Section) =>
  `${zoo ? 'EDGEPRESS_ZOO=<folder> ' : ''}npx tsx ${command.join(' ')}`;

/** What the bench prints; also shown while it runs. Rejects when it fails. */
function outputOf({ command }: Section): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', ...command], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(text.trim()) : reject(new Error(`${command.join(' ')} ended with ${code}.`)),
    );
  });
}

async function measure(section: Section): Promise<void> {
  console.log(`\n== ${section.title}: ${commandLine(section)}`);
  const output = await outputOf(section);
  writeResult(section.name, commandLine(section), output);
}

function writePage(): void {
  const parts = sections.map(({ name, title, about }) => {
    const file = resultFile(name);
    const result = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'Not measured yet.';
    return `## ${title}\n\n${about}\n\n${result}`;
  });
  const head =
    '# Benchmarks\n\nWritten by `npm run bench` ([all.ts](all.ts)) from [results/](results); not edited by hand. [README.md](README.md) says what each bench needs.\nA section is as old as its date says.';
  writeFileSync(path.join(root, 'bench/RESULTS.md'), `${[head, ...parts].join('\n\n')}\n`);
}

const measuredBefore = (): string[] =>
  existsSync(progressFile) ? JSON.parse(readFileSync(progressFile, 'utf8')) : [];

async function measureAll(): Promise<void> {
  const done = measuredBefore();
  mkdirSync(path.dirname(progressFile), { recursive: true });
  for (const section of sections.filter(({ name }) => !done.includes(name))) {
    await measure(section);
    done.push(section.name);
    writeFileSync(progressFile, JSON.stringify(done));
    writePage();
  }
  rmSync(progressFile);
}

function find(name: string): Section {
  const section = sections.find((s) => s.name === name);
  if (section) return section;
  throw new Error(`No section "${name}"; there are ${sections.map((s) => s.name).join(', ')}.`);
}

const asked = process.argv.slice(2).filter((word) => word !== '--page');
const chosen = asked.map(find);
const wanted = chosen.length > 0 ? chosen : sections;
if (!process.argv.includes('--page') && !process.env['EDGEPRESS_ZOO'] && wanted.some((s) => s.zoo)) {
  console.error(
    'EDGEPRESS_ZOO is not set: it names the folder with real models and data. Sections without: ',
  );
  console.error(
    sections
      .filter((s) => !s.zoo)
      .map((s) => s.name)
      .join(', '),
  );
  process.exit(2);
}
if (asked.length > 0) for (const section of chosen) await measure(section);
else if (!process.argv.includes('--page')) await measureAll();
writePage();
