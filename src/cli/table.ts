/** A plain table: first column left, the others right. */
import { plain } from '../judge/report/terminal.ts';
import { textTable } from '../judge/report/text-table.ts';

export const table = (head: readonly string[], rows: readonly (readonly string[])[], gap = 3): string =>
  textTable(
    [head, ...rows].map((row) => row.map(plain)),
    { gap, right: (column) => column > 0 },
  ).join('\n');
