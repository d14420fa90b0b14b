/** Tables that scroll inside themselves on a phone, or fold each row into a block, with a caption for those who can't
 *  see where they stand. */
import { html, type Markup } from './markup.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | Markup;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
}

/** @param narrow  on a phone: 'scroll' sideways, 'fold' each row into lines of "title: cell", or 'note': the last column
 *                 goes under the others */
export function table<Row>(
  caption: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  narrow: 'scroll' | 'fold' | 'note' = 'scroll',
): Markup {
  const align = (column: Column<Row>) => (column.numeric ? 'num' : 'text');
  // Roles are said again because a table that CSS lays out as blocks loses its own.
  const head = columns.map(
    (column) => html`<th scope="col" role="columnheader" class="${align(column)}">${column.title}</th>`,
  );
  const body = rows.map(
    (row) =>
      html`<tr role="row">${columns.map((column, i) =>
        i === 0
          ? html`<th scope="row" role="rowheader" class="${align(column)}">${column.cell(row)}</th>`
          : html`<td role="cell" class="${align(column)}" data-title="${column.title}">${column.cell(row)}</td>`,
      )}</tr>
`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table role="table" class="${narrow}"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${body}</tbody></table></div>`;
}
