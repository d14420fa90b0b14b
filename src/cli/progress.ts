/** One live region on a terminal: spinner, step, bar, count, time left. Plain lines elsewhere (no TTY, CI, NO_COLOR).
 *  Everything goes to stderr. */
import ora, { type Ora } from 'ora';
import pc from 'picocolors';
import type { JobEvents } from '../jobs/progress.ts';
import { plain } from '../judge/report/terminal.ts';
import { formatDuration, liveText, stepLine } from './step-line.ts';

export const isPlain = () =>
  !process.stderr.isTTY ||
  // A terminal of no known size (a container's, say): ora would divide by it.
  !process.stderr.columns ||
  process.env['TERM'] === 'dumb' ||
  Boolean(process.env['CI']) ||
  Boolean(process.env['NO_COLOR']);

export interface Progress extends JobEvents {
  /** Clears the live region, after a failure or an interrupt. */
  stop(): void;
}

const silent: Progress = { stop() {} };

const noteLine = (name: string, text: string) => `  ${stepLine(name, plain(text), '', 78).trimEnd()}`;

export function createProgress(options: { quiet: boolean }): Progress {
  if (options.quiet) return silent;
  return isPlain() ? plainProgress() : liveProgress();
}

/** Columns of a line, at most; two stand before it. */
const columns = () => Math.min(process.stderr.columns || 80, 100) - 2;

function plainProgress(): Progress {
  return {
    note: (name, text) => console.error(noteLine(name, text)),
    end: (name, detail, ms) => console.error(`  ${stepLine(name, plain(detail), formatDuration(ms), 78)}`),
    stop() {},
  };
}

function liveProgress(): Progress {
  const { dim, green } = pc.createColors(true);
  let spinner: Ora | null = null;
  let started = 0;
  const stop = () => {
    spinner?.stop();
    spinner = null;
  };
  return {
    begin(name) {
      stop();
      started = performance.now();
      // The two columns in front are text: with ora's indent the cursor would stay there. Reading keys stays off, so
      // that Ctrl-C reaches the process.
      spinner = ora({
        text: name,
        prefixText: ' ',
        stream: process.stderr,
        isEnabled: true,
        discardStdin: false,
      }).start();
    },
    progress(name, done, total) {
      if (!spinner) return;
      const { head, bar, rest, tail } = liveText(name, done, total, performance.now() - started);
      spinner.text = `${head}${bar}${dim(rest)}${tail}`;
    },
    note(name, text) {
      // Written above the live line, which goes on.
      spinner?.clear();
      console.error(`  ${dim(noteLine(name, text))}`);
      spinner?.render();
    },
    end(name, detail, ms) {
      stop();
      const time = formatDuration(ms);
      // Two columns for the mark and its space.
      const line = stepLine(name, plain(detail), time, columns() - 2);
      console.error(`  ${green('✔')} ${line.slice(0, -time.length)}${dim(time)}`);
    },
    stop,
  };
}
