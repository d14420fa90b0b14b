/** What commands that take their time have in common: Ctrl-C stops the job, and what it does is shown as it goes. */
import type { JobRun } from '../jobs/progress.ts';
import { quoted } from '../support/shell.ts';
import { shownUrl } from '../support/url.ts';
import { interruptSignal } from './interrupt.ts';
import { createProgress, type ProgressOptions } from './progress.ts';

export async function runJob<T>(
  quiet: boolean,
  work: (run: JobRun & { readonly signal: AbortSignal }) => Promise<T>,
  header?: ProgressOptions['header'],
): Promise<T> {
  const { signal, dispose } = interruptSignal();
  const events = createProgress({ quiet, header });
  try {
    return await work({ signal, events });
  } finally {
    events.stop();
    dispose();
  }
}

/** The command as it was typed, for reports. */
export const commandLine = () => `compress ${process.argv.slice(2).map(shownUrl).map(quoted).join(' ')}`;
