/** What commands that take their time have in common: Ctrl-C stops the job, and what it does is shown as it goes. */
import type { JobEvents } from '../jobs/progress.ts';
import { interruptSignal } from './interrupt.ts';
import { createProgress } from './progress.ts';

export interface TerminalRun {
  readonly signal: AbortSignal;
  readonly events: JobEvents;
}

export async function runJob<T>(quiet: boolean, work: (run: TerminalRun) => Promise<T>): Promise<T> {
  const { signal, dispose } = interruptSignal();
  const events = createProgress({ quiet });
  try {
    return await work({ signal, events });
  } finally {
    events.stop();
    dispose();
  }
}

/** The command as it was typed, for reports. */
export const commandLine = () => `compress ${process.argv.slice(2).join(' ')}`;
