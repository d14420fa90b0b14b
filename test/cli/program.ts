/** The program in a folder of its own: in a process that is kept, or started as a user's shell does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from './build.ts';
import { runKept } from './kept-program.ts';

export { program };

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
export const data = (name: string) => join(fixtures, 'data', name);
export const shippedModel = (name: string) => join(fixtures, 'models', `${name}.onnx`);

export interface Outcome {
  /** null when a signal that the program did not handle ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** On top of the environment of the tests; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with what came on stderr so far, each time more comes. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
  readonly onStart?: (child: ChildProcess) => void;
  readonly onStdout?: (text: string, child: ChildProcess) => void;
}

export interface Workspace {
  readonly folder: string;
  path(name: string): string;
  /** A copy of a shipped model in the folder. */
  copy(name: string, as?: string): string;
  /** In a process that has run the program before. */
  run(args: readonly string[]): Promise<Outcome>;
  /** In a process of its own, and the child that it makes. */
  start(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Everything in the folder, hidden files too, with sizes and times: equal lists mean nothing was written. */
  listing(): string[];
  remove(): void;
}

export function createWorkspace(): Workspace {
  const top = mkdtempSync(join(tmpdir(), 'edgepress-cli-'));
  const folder = join(top, 'work');
  mkdirSync(folder);
  const path = (name: string) => join(folder, name);
  return {
    folder,
    path,
    copy(name, as = `${name}.onnx`) {
      cpSync(shippedModel(name), path(as));
      return path(as);
    },
    run: (args) => runKept(args, folder, join(top, 'cache')),
    start: (args, options = {}) => start(process.execPath, [program, ...args], folder, top, options),
    listing: () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => {
          const stat = statSync(path(name));
          return stat.isDirectory() ? name : `${name} ${stat.size} ${stat.mtimeMs}`;
        }),
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** Runs any command with the environment of the tests: no colours, no TTY, a cache of its own. */
export function start(
  command: string,
  args: readonly string[],
  cwd: string,
  cache: string,
  { env = {}, onStart, onStderr, onStdout }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', XDG_CACHE_HOME: join(cache, 'cache'), ...env },
    stdio: [onStdout ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  onStart?.(child);
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk) => {
    stdout += chunk;
    onStdout?.(stdout, child);
  });
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
    onStderr?.(stderr, child);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
