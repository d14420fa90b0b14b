/** sweep.json and sweep.html, which fill while a sweep goes on: each is replaced whole, so that whoever reads sees one or the other. */
import path from 'node:path';
import { renderSweepHtml } from '../../judge/report/sweep-html.ts';
import type { SweepReport } from '../../judge/report/sweep-report.ts';
import { failureReason } from '../../ship/emit/write.ts';
import { outputUnwritable } from '../../support/diagnostics/files.ts';
import { replaceFile } from '../../support/replace-file.ts';

/** Where a sweep's report goes; beside the working folder, under the file's name, where nobody says it. */
export const sweepFolder = (file: string, output: string | undefined): string =>
  (output ?? path.basename(file).replace(/\.json$/i, '')).replace(/[\\/]+$/, '');

export const sweepFiles = (folder: string): string[] =>
  ['sweep.json', 'sweep.html'].map((name) => path.join(folder, name));

export interface SweepPages {
  /** There is something new to write; soon, not at once. */
  changed(): void;
  /** Writes the last state. @throws OUTPUT_UNWRITABLE, of earlier writing, too */
  close(): Promise<void>;
}

const leastMs = 1000;
/** Of the time that goes by, writing takes this share at most. */
const writingShare = 0.05;

export function openSweepPages(folder: string, report: () => SweepReport): SweepPages {
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  let problem: unknown = null;
  let pauseMs = leastMs;
  const write = async () => {
    const started = performance.now();
    await writePages(folder, report());
    pauseMs = Math.max(leastMs, (performance.now() - started) / writingShare);
  };
  const soon = () => {
    timer = null;
    writing = writing.then(write).catch((error: unknown) => {
      problem ??= error;
    });
  };
  return {
    changed() {
      timer ??= setTimeout(soon, pauseMs);
    },
    async close() {
      if (timer) clearTimeout(timer);
      await writing;
      await write();
      if (problem) throw problem;
    },
  };
}

async function writePages(folder: string, report: SweepReport): Promise<void> {
  const [json = '', page = ''] = sweepFiles(folder);
  replace(json, `${JSON.stringify(report, null, 1)}\n`);
  replace(page, await renderSweepHtml(report));
}

function replace(file: string, text: string): void {
  try {
    replaceFile(file, text);
  } catch (cause) {
    throw outputUnwritable(file, failureReason(cause), cause);
  }
}
