/** One live region on a terminal: spinner, step, bar, count, time left. Plain lines elsewhere (no TTY, CI, NO_COLOR).
 *  Everything goes to stderr. */
import ora, { type Ora } from 'ora';
import pc from 'picocolors';
import type { JobEvents } from '../jobs/progress.ts';
import { formatMs } from '../support/units.ts';

export const isPlain = () =>
  !process.stderr.isTTY || Boolean(process.env['CI']) || Boolean(process.env['NO_COLOR']);

export interface Progress extends JobEvents {
  /** Clears the live region, after a failure or an interrupt. */
  stop(): void;
}

const silent: Progress = { stop() {} };

export function createProgress(options: { quiet: boolean }): Progress {
  if (options.quiet) return silent;
  return isPlain() ? plainProgress() : liveProgress();
}

function plainProgress(): Progress {
  return {
    end: (name, detail, ms) => console.error(`  ${name.padEnd(10)} ${shorten(detail, 56)}  ${formatMs(ms)}`),
    stop() {},
  };
}

function liveProgress(): Progress {
  const { dim, green } = pc.createColors(true);
  let spinner: Ora | null = null;
  let started = 0;
  return {
    begin(name) {
      started = performance.now();
      spinner?.stop();
      spinner = ora({ text: name, indent: 2, stream: process.stderr, discardStdin: false }).start();
    },
    progress(name, done, total) {
      if (!spinner) return;
      const left = done > 0 ? ((performance.now() - started) / done) * (total - done) : 0;
      const filled = Math.round((20 * done) / Math.max(1, total));
      const bar = `${'█'.repeat(filled)}${dim('░'.repeat(20 - filled))}`;
      spinner.text = `${name.padEnd(10)} ${bar} ${done}/${total}${left > 500 ? dim(`  ${Math.ceil(left / 1000)} s left`) : ''}`;
    },
    end(name, detail, ms) {
      const width = Math.max(20, Math.min(process.stderr.columns ?? 80, 100) - 28);
      spinner?.stopAndPersist({
        symbol: green('✔'),
        text: `${name.padEnd(10)} ${shorten(detail, width).padEnd(Math.min(width, 50))} ${dim(formatMs(ms))}`,
      });
      spinner = null;
    },
    stop() {
      spinner?.stop();
      spinner = null;
    },
  };
}

const shorten = (text: string, width: number) =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;
