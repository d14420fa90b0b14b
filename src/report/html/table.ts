/** Tables that scroll inside themselves on a phone, with a caption for those who can't see where they stand. */
import { html, type Markup } from './markup.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | Markup;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
}

export function table<Row>(caption: string, rows: readonly Row[], columns: readonly Column<Row>[]): Markup {
  const align = (column: Column<Row>) => (column.numeric ? 'num' : 'text');
  const head = columns.map((column) => html`<th scope="col" class="${align(column)}">${column.title}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>${columns.map((column, i) =>
        i === 0
          ? html`<th scope="row" class="${align(column)}">${column.cell(row)}</th>`
          : html`<td class="${align(column)}">${column.cell(row)}</td>`,
      )}</tr>
`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}
