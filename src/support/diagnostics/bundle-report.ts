/** What can go wrong when a bundle's report is asked for. */
import { Diagnostic } from '../diagnostics.ts';

export const reportKind = (file: string) =>
  new Diagnostic(
    'REPORT_KIND',
    'user',
    `--report takes files that end in .html, .md or .json; "${file}" does not.`,
    'Name it report.html, for example.',
  );
