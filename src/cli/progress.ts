/** One live region on a terminal: spinner, step, bar, count, time left. Plain lines elsewhere (no TTY, CI, NO_COLOR).
 *  Everything goes to stderr. */
import ora, { type Ora } from 'ora';
import pc from 'picocolors';
import type { JobEvents } from '../jobs/progress.ts';
import type { ReportHeader } from '../judge/report/header.ts';
import { plain } from '../judge/report/terminal.ts';
import { formatDuration, liveText, stepLines } from './step-line.ts';

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

export interface ProgressOptions {
  readonly quiet: boolean;
  /** Shows what is known before the work, of jobs that tell it. What steps say that lead there stands in it. */
  readonly header?: ((header: ReportHeader) => void) | undefined;
}

export function createProgress({ quiet, header }: ProgressOptions): Progress {
  if (quiet) return silent;
  const progress = isPlain() ? plainProgress() : liveProgress();
  return header ? withHeader(progress, header) : progress;
}

/** What the header says, too. */
const toldByHeader: readonly string[] = ['read', 'data'];

const withHeader = (progress: Progress, header: (header: ReportHeader) => void): Progress => ({
  ...progress,
  known(facts) {
    progress.stop();
    header(facts);
  },
  end(name, detail, ms) {
    if (toldByHeader.includes(name)) progress.stop();
    else progress.end?.(name, detail, ms);
  },
});

/** Columns of a line, at most; two stand before it. */
const columns = () => Math.min(process.stderr.columns || 80, 100) - 2;

function plainProgress(): Progress {
  const say = (name: string, text: string, time: string) =>
    console.error(`  ${stepLines(name, plain(text), time, { columns: 78, wraps: false })[0]}`);
  return {
    note: (name, text) => say(name, text, ''),
    end: (name, detail, ms) => say(name, detail, formatDuration(ms)),
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
      const lines = stepLines(name, plain(text), '', { columns: columns() - 2, wraps: true });
      for (const line of lines) console.error(`    ${dim(line)}`);
      spinner?.render();
    },
    end(name, detail, ms) {
      stop();
      const time = formatDuration(ms);
      // Two columns for the mark and its space.
      const [line = '', ...rest] = stepLines(name, plain(detail), time, {
        columns: columns() - 2,
        wraps: true,
      });
      console.error(`  ${green('✔')} ${line.slice(0, -time.length)}${dim(time)}`);
      for (const more of rest) console.error(`    ${more}`);
    },
    stop,
  };
}
