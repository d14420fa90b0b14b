/** A check as Markdown, for a comment on a pull request and the summary of a job. */
import type { CheckReport } from './check-report.ts';
import { allowedText, headlineOf, measuredText, nameOf, sentenceOf, statusText } from './check-words.ts';
import { code, ownMark, table, text } from './markdown-text.ts';

/** GitHub's flavour; names are escaped as in `renderMarkdown`. */
export function renderCheckMarkdown(report: CheckReport): string {
  const { rows, against, guessed, kept, model } = report;
  const bad = rows.filter(({ status }) => status !== 'kept');
  const head = ['', 'budget', 'allowed', 'measured', 'on'];
  const cells = rows.map((row) => [
    `${row.status !== 'kept' ? '❌' : row.doubt ? '⚠️' : '✅'} ${statusText(row)}`,
    text(nameOf(row)),
    text(allowedText(row)),
    text(measuredText(row)),
    text(row.on ?? ''),
  ]);
  const blocks = [
    `### ${kept ? '✅' : '❌'} ${text(headlineOf(report))}`,
    bad.map((row) => `- ❌ ${text(sentenceOf(row, against))}`).join('\n'),
    rows.flatMap(({ doubt }) => (doubt === undefined ? [] : [`- ⚠️ ${text(doubt)}`])).join('\n'),
    guessed.map((what) => `- ⚠️ Guessed: ${text(what)}.`).join('\n'),
    `${code(model)}${against ? `, checked against ${code(against.name)}` : ''}`,
    table(head, ['left', 'left', 'left', 'left', 'left'], cells),
    ownMark,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}
