/** Builds dist/ before the tests of the packages run, when it is missing or older than its sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = join(root, 'src/runtime/dist/index.d.ts');

export default function setup(): void {
  const paths = process.argv.slice(2).filter((word) => word.includes('test/'));
  if (paths.length > 0 && !paths.some((word) => word.includes('packages'))) return;
  if (existsSync(built) && statSync(built).mtimeMs > newest()) return;
  const program = [join(root, 'node_modules/tsx/dist/cli.mjs'), 'scripts/build.ts'];
  execFileSync(process.execPath, program, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

const newest = () => Math.max(...['src', 'passes', 'scripts'].flatMap((name) => times(join(root, name))));

const times = (at: string): number[] =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(join('runtime', 'dist')))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
