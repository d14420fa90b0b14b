/** A sweep and its workers as processes of the built program, and what workers say. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { program } from '../test/cli/build.ts';

export interface Ending {
  readonly code: number | null;
  readonly stderr: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

export interface WorkerProcess {
  readonly name: string;
  /** Keys of jobs, in the order in which they began and ended here. */
  readonly began: readonly string[];
  readonly ended: readonly string[];
  /** It takes jobs from now on. */
  readonly ready: Promise<void>;
  /** As a machine that loses its power. */
  kill(): Promise<Ending>;
  /** As an administrator does. */
  stop(): Promise<Ending>;
}

const running = new Set<ChildProcess>();

/** Ends what a run that failed left. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** @param cache  where it finds and keeps what it fetched */
function start(
  args: readonly string[],
  folder: string,
  cache: string,
  onLine: (line: string) => void,
): Started {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '', XDG_CACHE_HOME: join(folder, cache) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  const ended = new Promise<Ending>((resolve) =>
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, stderr });
    }),
  );
  return { child, ended };
}

/** A sweep until its end. @returns milliseconds, those that the program takes to start among them @throws where it ends with anything but 0 */
export async function runSweep(args: readonly string[], folder: string, cache: string): Promise<number> {
  const from = performance.now();
  const { ended } = start(['sweep', ...args, '--json'], folder, cache, () => {});
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(`The sweep ended with ${code}: ${stderr}`);
  return performance.now() - from;
}

/** One job at once. @param onEnded  told after each of its jobs */
export function startWorker(
  name: string,
  args: readonly string[],
  folder: string,
  onEnded: () => void,
): WorkerProcess {
  const began: string[] = [];
  const done: string[] = [];
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const onLine = (line: string) => {
    const { event, key = '' } = JSON.parse(line) as { event: string; key?: string };
    if (event === 'ready') isReady();
    if (event === 'began') began.push(key);
    if (event !== 'ended') return;
    done.push(key);
    onEnded();
  };
  const { child, ended } = start(['worker', ...args, '--jobs', '1', '--json'], folder, name, onLine);
  const endBy = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  const gone = ended.then(({ code, stderr }) => {
    throw new Error(`The worker ${name} ended with ${code} before it was ready: ${stderr}`);
  });
  gone.catch(() => {});
  return {
    ...{ name, began, ended: done, ready: Promise.race([ready, gone]) },
    kill: () => endBy('SIGKILL'),
    stop: () => endBy('SIGTERM'),
  };
}
