/** The ranking by which layers compute in float again, as a table. */

import { type DamageRow, damageRows, damageTitle } from '../damage.ts';
import type { Report } from '../report.ts';
import { restoredSummary } from '../stage-summary.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

export function damage(report: Report): Markup | null {
  const { restored } = report.precision;
  if (!restored) return null;
  const body = table<DamageRow>(
    damageTitle,
    damageRows(report),
    [
      { title: 'Layers', cell: ({ layers }) => layers.join(', ') },
      { title: 'SQNR of the answers', cell: ({ sqnr }) => sqnr, numeric: true },
      { title: 'Now', cell: ({ became }) => became },
    ],
    'fold',
  );
  return html`<p>${restoredSummary(restored)}.</p>${body}`;
}
