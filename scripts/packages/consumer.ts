/** Folders in which the packages are installed as users install them: from tarballs, with exactly the versions that this
 *  project's lock file names, so that npm's cache is enough. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}
type Locked = Readonly<Record<string, LockedPackage>>;

export interface Tarballs {
  readonly edgepress: string;
  readonly 'edgepress-runtime': string;
}

const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8'));

/** npm, without notices, and without scripts of packages. */
export function npm(args: readonly string[], cwd: string): string {
  const quiet = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel',
    'error',
  ];
  const shell = process.platform === 'win32';
  return execFileSync('npm', [...args, ...quiet], { cwd, encoding: 'utf8', stdio: 'pipe', shell });
}

/** Both packages as npm would publish them; `npm run build` must have run. */
export function packBoth(folder: string): Tarballs {
  mkdirSync(folder, { recursive: true });
  const pack = (from: string) => {
    const packed: { filename: string }[] = JSON.parse(
      npm(['pack', '--json', '--pack-destination', folder], from),
    );
    return join(folder, packed[0]!.filename);
  };
  return { edgepress: pack(root), 'edgepress-runtime': pack(join(root, 'src/runtime')) };
}

/** Where Node finds `name` from the package at `from`: the innermost node_modules that has it. */
function locate(locked: Locked, name: string, from: string): string | undefined {
  const places = from
    .split('node_modules/')
    .map((_, i, parts) => parts.slice(0, i + 1).join('node_modules/'));
  return places
    .reverse()
    .map((place) => `${place === '' || place.endsWith('/') ? place : `${place}/`}node_modules/${name}`)
    .find((path) => path in locked);
}

/** The packages that these need, by place; what the lock file doesn't have is optional. */
function closure(locked: Locked, names: readonly string[]): Map<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  const add = (name: string, from: string) => {
    const path = locate(locked, name, from);
    if (path === undefined || found.has(path)) return;
    const entry = locked[path]!;
    found.set(path, entry);
    for (const needed of needsOf(entry)) add(needed, path);
  };
  for (const name of names) add(name, '');
  return found;
}

/** Packages that npm installs with it: peers too, but for optional ones. */
function needsOf(entry: LockedPackage): string[] {
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} } = entry;
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  return [...new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers])];
}

/** Writes package.json and package-lock.json, and installs from npm's cache, from the network where it has not all.
 *  @param packages  tarballs of ours, by name
 *  @param others  packages of this project's lock file that the app asks for itself */
export function installConsumer(
  folder: string,
  packages: Partial<Tarballs>,
  others: readonly string[] = [],
): void {
  const { packages: locked } = readJson<{ packages: Locked }>(join(root, 'package-lock.json'));
  const own = Object.entries(packages).map(([name, tarball]) => ({ name, tarball, ...manifestOf(name) }));
  const entries = closure(locked, [...own.flatMap(({ needs }) => needs), ...others]);
  const asked = Object.fromEntries([
    ...own.map(({ name, tarball }) => [name, `file:${basename(tarball)}`]),
    ...others.map((name) => [name, locked[`node_modules/${name}`]!.version!]),
  ]);
  const app = {
    name: basename(folder),
    version: '1.0.0',
    private: true,
    type: 'module',
    dependencies: asked,
  };
  const ours = own.map(({ name, manifest }) => [
    `node_modules/${name}`,
    { ...manifest, resolved: asked[name] },
  ]);
  mkdirSync(folder, { recursive: true });
  for (const { tarball } of own) cpSync(tarball, join(folder, basename(tarball)));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(app, null, 2));
  const lock = { ...app, lockfileVersion: 3, requires: true };
  const all = Object.fromEntries([['', app], ...ours, ...entries]);
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages: all }, null, 2));
  installFromCache(folder);
}

function installFromCache(folder: string): void {
  try {
    npm(['ci', '--offline'], folder);
  } catch {
    npm(['ci', '--prefer-offline'], folder);
  }
}

/** What the lock file says of a package of ours, and the packages that it needs. */
function manifestOf(name: string): { manifest: LockedPackage; needs: string[] } {
  const place = name === 'edgepress' ? '' : 'src/runtime';
  const own = readJson<LockedPackage & { bin?: unknown }>(join(root, place, 'package.json'));
  const { version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta, bin } = own;
  const said = { version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta, bin };
  return { manifest: JSON.parse(JSON.stringify(said)), needs: needsOf(own) };
}

/** Bytes of all files below a folder; 0 when it isn't there. */
export function folderBytes(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

export const projectRoot = dirname(join(root, 'package.json'));
