/** A module of ours in a process of its own, which may die without taking this one along. Node only. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Stoppable } from '../../compute/engine/run-context.ts';

/** @param from  import.meta.url of the caller
 *  @param module  relative to it, without its ending */
export function startChild(from: string, module: string): ChildProcess {
  const fromSource = from.endsWith('.ts');
  const script = new URL(`${module}${fromSource ? '.ts' : '.js'}`, from);
  return fork(fileURLToPath(script), {
    // Typed arrays travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: fromSource ? ['--import', typescriptLoader()] : [],
    // NODE_OPTIONS of test runners and debuggers would add their own memory to the child's.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

/** Sources are run as they are only while developing, where tsx is installed. */
const typescriptLoader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

interface Bounds extends Stoppable {
  /** Between one answer and the next. */
  readonly timeoutMs: number;
  readonly onTimeout: () => void;
  readonly onAbort: (reason: unknown) => void;
}

/** Ends a child: when it answered, when time is up, when the signal aborts.
 *  @returns `settle` ends it and does what follows; `answered` gives it the whole time again; `release` bounds it no longer */
export function bounded(child: ChildProcess, { timeoutMs, onTimeout, onAbort, signal }: Bounds) {
  const abort = () => onAbort(signal?.reason);
  let timer = setTimeout(onTimeout, timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  const release = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    child.removeAllListeners();
  };
  return {
    release,
    answered() {
      clearTimeout(timer);
      timer = setTimeout(onTimeout, timeoutMs);
    },
    settle(finish: () => void) {
      release();
      child.kill('SIGKILL');
      finish();
    },
  };
}

/** A child that died before it could listen is reported by 'exit'. */
export function sendTo(child: ChildProcess, task: object, onError: (error: Error) => void): void {
  child.send(task, (error) => {
    if (error && child.exitCode === null && child.signalCode === null) onError(error);
  });
}
