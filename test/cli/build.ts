/** Builds the program before tests run, when its sources are newer: the tests start what users start. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import writeLabPage from '../../scripts/build-lab-page.ts';
import writeProfilePage from '../../scripts/build-profile-page.ts';
import writeTfjs from '../../scripts/build-tfjs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.cache', 'cli');
export const program = join(folder, 'src', 'cli', 'main.js');
const stamp = join(folder, 'built');

export default async function setup(): Promise<void> {
  // `vitest run test/model/ops` asks for nothing that needs the program.
  const paths = process.argv.slice(2).filter((word) => word.includes('test/'));
  if (paths.length > 0 && !paths.some((word) => word.includes('cli'))) return;
  const started = new Date();
  if (existsSync(program) && existsSync(stamp) && statSync(stamp).mtimeMs > newest()) return;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', folder], {
      cwd: root,
    });
  } catch (error) {
    // Type errors have a check of their own; what was emitted runs.
    if (!existsSync(program)) throw error;
  }
  for (const write of [writeLabPage, writeProfilePage, writeTfjs]) await write(folder);
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

const newest = () => Math.max(...['src', 'passes'].flatMap((name) => times(join(root, name))));

const times = (at: string): number[] =>
  readdirSync(at, { recursive: true, withFileTypes: true }).map(
    (e) => statSync(join(e.parentPath, e.name)).mtimeMs,
  );
