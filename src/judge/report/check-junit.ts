/** A check as JUnit's XML, which test reports of continuous integration read: a test case for each budget. */
import type { CheckReport, CheckRow } from './check-report.ts';
import { allowedText, measuredText, nameOf, sentenceOf } from './check-words.ts';
import { html, type Markup, trusted } from './html/markup.ts';
import { ownMark } from './markdown-text.ts';

/** Names are escaped as in HTML, by the five entities that XML has too. What can't be measured is an error, what is beyond its budget
 *  a failure. */
export function renderCheckJunit(report: CheckReport): string {
  const { rows, createdAt, model } = report;
  const count = (status: CheckRow['status']) => rows.filter((row) => row.status === status).length;
  const [failures, errors] = [count('exceeded'), count('not-measured')];
  const counts = html`tests="${rows.length}" failures="${failures}" errors="${errors}"`;
  const suite = html`<testsuites name="edgepress check" ${counts}>
  <testsuite name="${model}" ${counts} skipped="0" timestamp="${createdAt}">
${rows.map((row) => testCase(row, report))}  </testsuite>
</testsuites>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${ownMark}\n${suite.markup}`;
}

function testCase(row: CheckRow, { model, against }: CheckReport): Markup {
  const kind = row.status === 'exceeded' ? 'failure' : 'error';
  const wrong =
    row.status === 'kept'
      ? null
      : html`      <${trusted(kind)} type="${row.budget}" message="${sentenceOf(row, against)}"/>
`;
  const where = row.on === null ? '' : `, ${row.on}`;
  return html`    <testcase classname="${model}" name="${nameOf(row)} ${allowedText(row)}">
${wrong}      <system-out>${measuredText(row)}${where}${row.doubt ? `. ${row.doubt}` : ''}</system-out>
    </testcase>
`;
}
