/** What commands that make a model show: what is known before, then what came of it, as JSON, as paths only, or for people. */
import type { ReportHeader } from '../judge/report/header.ts';
import type { Report } from '../judge/report/report.ts';
import { renderHeader, renderOutcome } from '../judge/report/terminal.ts';
import { printJson } from './print-json.ts';

export interface PrintFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const look = ({ isTTY, columns }: NodeJS.WriteStream) => ({
  colour: Boolean(isTTY) && !process.env['NO_COLOR'],
  width: Math.min(columns || 80, 100),
});

/** With the report on standard output, so that both are in a file; beside JSON on standard error. */
export function printHeader(header: ReportHeader, { json }: PrintFlags): void {
  if (json) console.error(`\n${renderHeader(header, look(process.stderr))}`);
  else console.log(`\n${renderHeader(header, look(process.stdout))}`);
}

export function printReport(report: Report, { json, quiet }: PrintFlags): void {
  if (json) printJson(report);
  else if (quiet) console.log(report.files.join('\n'));
  else console.log(`\n${renderOutcome(report, look(process.stdout))}`);
}
