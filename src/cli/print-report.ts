/** What commands that make a model end with: the report as JSON, as paths only, or for people. */
import type { Report } from '../judge/report/report.ts';
import { renderTerminal } from '../judge/report/terminal.ts';
import { printJson } from './print-json.ts';

export interface PrintFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function printReport(report: Report, { json, quiet }: PrintFlags): void {
  if (json) printJson(report);
  else if (quiet) console.log(report.files.join('\n'));
  else {
    const colour = Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'];
    const width = Math.min(process.stdout.columns || 80, 100);
    console.log(`\n${renderTerminal(report, { colour, width })}`);
  }
}
