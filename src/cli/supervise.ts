/** Ctrl-C ends a command whatever it computes: the work is done in a child process, and this one, which has nothing to do,
 *  hears signals at once. It tells the child to stop, ends it if that takes too long, and removes what it was making.
 *  A child that dies by itself is said to have. */
import { type ChildProcess, fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { runtimeCrashed } from '../support/diagnostics/engines.ts';
import { signals } from './interrupt.ts';
import { asTemporaryFolder, makeTemporaryFolder, removeTemporaryFolder } from './temporary-folder.ts';

/** What the child has of its own to clean up after itself. */
const patienceMs = 700;
const stoppedCode = 130;
const mark = 'EDGEPRESS_SUPERVISED';

export interface Supervisor {
  /** Number of its process. */
  readonly parent: number;
  /** The run's own, for temporary files. null: the system's is used. */
  readonly folder: string | null;
}

/** Who started this process as its child; null where nobody did. Who is asked again doesn't know any more. */
export function supervisor(): Supervisor | null {
  const found = process.env[mark];
  delete process.env[mark];
  return found !== undefined && process.send ? (JSON.parse(found) as Supervisor) : null;
}

/** Runs the program again, as a child. @returns its exit code; 130 when it was stopped
 *  @throws RUNTIME_CRASHED when a signal that nobody sent from here ended it */
export async function supervise(): Promise<number> {
  const temporary = makeTemporaryFolder();
  const self: Supervisor = { parent: process.pid, folder: temporary };
  const child = fork(process.argv[1]!, process.argv.slice(2), {
    stdio: 'inherit',
    env: { ...process.env, ...asTemporaryFolder(temporary), [mark]: JSON.stringify(self) },
  });
  let making: string | null = null;
  child.on('message', (message: { making: string | null }) => {
    making = message.making;
  });
  const stopping = stopOnSignal(child);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...how) => resolve(how));
  }).finally(() => {
    stopping.dispose();
    if (temporary !== null) removeTemporaryFolder(temporary);
  });
  if (signal === null && !(code === stoppedCode && stopping.asked())) return code ?? 1;
  if (making !== null) rmSync(making, { recursive: true, force: true });
  for (const stream of [process.stdout, process.stderr]) if (stream.isTTY) stream.write(showCursor);
  if (signal !== null && !stopping.asked()) throw runtimeCrashed(signal);
  console.error('Stopped. Nothing was written.');
  return stoppedCode;
}

const showCursor = '\u001b[?25h';

function stopOnSignal(child: ChildProcess) {
  let timer: NodeJS.Timeout | null = null;
  const stop = () => {
    if (timer) return void child.kill('SIGKILL');
    timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    if (child.connected) child.send('stop', () => {});
  };
  for (const name of signals) process.on(name, stop);
  return {
    asked: () => timer !== null,
    dispose() {
      if (timer) clearTimeout(timer);
      for (const name of signals) process.off(name, stop);
    },
  };
}
