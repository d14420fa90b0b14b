/** Tables of text: columns as wide as their longest cell. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

export interface TextTableOptions {
  /** Columns that stand at the right, all others at the left. */
  readonly right?: (column: number) => boolean;
  /** Columns of the terminal; the last column wraps under itself there. Default: no wrapping. */
  readonly width?: number | undefined;
  /** Spaces between columns. Default 2. */
  readonly gap?: number;
  /** Spaces in front of every line. Default 2. */
  readonly indent?: number | undefined;
  /** Least width of the first column. */
  readonly firstWidth?: number;
}

/** Lines of a table, without spaces at their end. Cells may carry colours.
 *  @param rows  cells from the left; missing ones are empty */
export function textTable(rows: readonly (readonly string[])[], options: TextTableOptions = {}): string[] {
  const { right = () => false, width = Number.POSITIVE_INFINITY, firstWidth = 0 } = options;
  const [indent, gap] = [' '.repeat(options.indent ?? 2), ' '.repeat(options.gap ?? 2)];
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(i === 0 ? firstWidth : 0, ...rows.map((row) => stringWidth(row[i] ?? ''))),
  );
  const last = columns - 1;
  const start = indent.length + widths.slice(0, last).reduce((sum, w) => sum + w + gap.length, 0);
  return rows.flatMap((row) => {
    const cells = widths.slice(0, last).map((w, i) => pad(row[i] ?? '', w, right(i)) + gap);
    const tail = right(last)
      ? [pad(row[last] ?? '', widths[last] ?? 0, true)]
      : wrapText(row[last] ?? '', width - start);
    return tail.map((line, i) => `${i === 0 ? indent + cells.join('') : ' '.repeat(start)}${line}`.trimEnd());
  });
}

/** Filled up with spaces to a width on the terminal. */
export function pad(text: string, columns: number, atRight = false): string {
  const space = ' '.repeat(Math.max(0, columns - stringWidth(text)));
  return atRight ? space + text : text + space;
}

/** Broken at spaces; a word longer than a line is cut. Always at least one line; 16 columns are always used. */
export const wrapText = (text: string, columns: number): string[] =>
  Number.isFinite(columns) ? wrapAnsi(text, Math.max(16, columns), { hard: true }).split('\n') : [text];
