/** A plain table: first column left, the others right. */
import { plain } from '../judge/report/terminal.ts';
import { textTable } from '../judge/report/text-table.ts';

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  textTable(
    [head, ...rows].map((row) => row.map(plain)),
    { gap: 3, right: (column) => column > 0 },
  ).join('\n');
