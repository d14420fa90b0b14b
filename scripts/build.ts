/** npm run build: dist/, what the package edgepress ships, and src/runtime/dist, what edgepress-runtime does. */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import writeLabPage from './build-lab-page.ts';
import writePassIndex from './build-pass-index.ts';
import writeProfilePage from './build-profile-page.ts';
import { writeRuntime } from './build-runtime.ts';
import writeTfjs from './build-tfjs.ts';
import { writeTypes } from './build-types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;
const declarations = ['--declaration', '--declarationDir', 'dist/declared'];

// Files that were renamed or removed would stay, and travel along.
rmSync(`${root}dist`, { recursive: true, force: true });
writePassIndex();
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', ...declarations], {
  cwd: root,
  stdio: 'inherit',
});
await writeTypes(`${root}dist`);
await writeRuntime();
for (const part of ['charts', 'schemas']) await import(`./build-${part}.ts`);
for (const write of [writeLabPage, writeProfilePage, writeTfjs]) await write(`${root}dist`);
chmodSync(`${root}dist/src/cli/main.js`, 0o755);
