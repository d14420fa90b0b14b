/** Workers of a queue as processes, and what they say. */
import type { ChildProcess } from 'node:child_process';
import type { Outcome, Workspace } from './program.ts';

export interface SaidEvent {
  readonly event: string;
  readonly key?: string;
  readonly error?: string | null;
}

export interface StartedWorker {
  readonly child: () => ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** What it said so far. */
  readonly events: () => readonly SaidEvent[];
  /** Resolves at the first event of the kind (the n-th, from 1). */
  said(event: string, n?: number): Promise<SaidEvent>;
}

const started: ChildProcess[] = [];

/** Ends those that a test which failed left. */
export function endWorkers(): void {
  for (const child of started.splice(0)) child.kill('SIGKILL');
}

/** @param cache  of its own: what it fetches isn't there already */
export function startWorker(w: Workspace, args: readonly string[], cache: string): StartedWorker {
  let process: ChildProcess;
  let text = '';
  const events = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as SaidEvent);
  const outcome = w.start(['worker', ...args, '--json'], {
    env: { XDG_CACHE_HOME: w.path(cache) },
    onStart: (child) => {
      process = child;
      started.push(child);
    },
    onStdout: (said) => {
      text = said;
    },
  });
  return {
    child: () => process,
    outcome,
    events,
    async said(event, n = 1) {
      for (;;) {
        const found = events().filter((one) => one.event === event)[n - 1];
        if (found) return found;
        if (process.exitCode !== null || process.signalCode !== null)
          throw new Error(`The worker ended: ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
