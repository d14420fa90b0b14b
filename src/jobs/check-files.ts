/** The files that a check leaves for continuous integration: Markdown for a pull request, JUnit's XML, the summary of a job. */
import { accessSync, appendFileSync, constants, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { renderCheckJunit } from '../judge/report/check-junit.ts';
import { renderCheckMarkdown } from '../judge/report/check-markdown.ts';
import type { CheckReport } from '../judge/report/check-report.ts';
import { checkTargets, failureReason, writeTogether } from '../ship/emit/write.ts';
import { optionConflict } from '../support/diagnostics/command-line.ts';
import { outputUnwritable } from '../support/diagnostics/files.ts';

export interface CheckFiles {
  readonly markdown?: string | undefined;
  readonly junit?: string | undefined;
  /** A file of GitHub Actions, to which the Markdown is appended. */
  readonly summary?: string | undefined;
  readonly force: boolean;
}

/** Before any work. @param inputs  what is read, as far as it has paths
 *  @throws CONFLICTING_OPTION for two files in one place, and what `checkTargets` throws */
export function requireCheckFiles(
  { markdown, junit, summary, force }: CheckFiles,
  inputs: readonly (string | undefined)[],
): void {
  if (markdown !== undefined && junit !== undefined && resolve(markdown) === resolve(junit))
    throw optionConflict('--markdown', 'the same file as --junit');
  const read = inputs.filter((path) => path !== undefined);
  checkTargets(
    read,
    [markdown, junit].filter((path) => path !== undefined),
    force,
  );
  if (summary !== undefined && existsSync(summary))
    guarded(summary, () => accessSync(summary, constants.W_OK));
}

/** Both files or none; the summary last, whose other content stays. @returns paths @throws OUTPUT_UNWRITABLE */
export function writeCheckFiles(report: CheckReport, { markdown, junit, summary }: CheckFiles): string[] {
  const files = [
    ...(markdown === undefined ? [] : [{ path: markdown, content: renderCheckMarkdown(report) }]),
    ...(junit === undefined ? [] : [{ path: junit, content: renderCheckJunit(report) }]),
  ];
  writeTogether(files);
  if (summary !== undefined)
    guarded(summary, () => appendFileSync(summary, `${renderCheckMarkdown(report)}\n`));
  return files.map(({ path }) => path);
}

function guarded(file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw outputUnwritable(file, failureReason(cause), cause);
  }
}
