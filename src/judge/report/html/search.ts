/** What a search tried before it chose: why this one, the front as a chart, and every candidate with the command that makes it. */
import type { Report } from '../report.ts';
import { goalText, howText, type SearchRow, searchHeads, searchRows, searchTitle } from '../search-words.ts';
import { type Draw, figure } from './chart.ts';
import { type ChartedVariant, variantsChart } from './chart-variants.ts';
import { html, type Markup, unbroken } from './markup.ts';
import { table } from './table.ts';

export function searched({ search }: Report, draw: Draw): Markup | null {
  if (!search) return null;
  const rows = searchRows(search);
  const variants = rows.flatMap(({ number, candidate: { metrics, front } }): ChartedVariant[] =>
    metrics?.pointsLost == null
      ? []
      : [
          {
            ...{
              name: String(number),
              sizeBytes: metrics.sizeBytes,
              brotliBytes: metrics.brotliBytes,
              current: front,
            },
            metric: 'points lost',
            value: metrics.pointsLost,
          },
        ],
  );
  const words = { current: 'on the front', others: 'another is smaller or better', mark: '' };
  const chart = variantsChart({ variants, evaluation: null }, words);
  const [first, second, third] = searchHeads(search);
  const body = table<SearchRow>(
    searchTitle,
    rows,
    [
      {
        title: 'Result',
        cell: ({ number, mark, name }) =>
          html`${String(number)} ${mark === '' ? null : html`<span class="badge ${mark === 'chosen' ? 'good' : 'plain'}">${mark}</span> `}${name}`,
      },
      { title: capital(first!), cell: ({ size }) => size, numeric: true },
      { title: capital(second!), cell: ({ lost }) => lost, numeric: true },
      { title: capital(third!), cell: ({ time }) => time, numeric: true },
      { title: 'Why not', cell: ({ reason }) => unbroken(reason) },
      { title: 'Command', cell: ({ command }) => html`<code>${command}</code>` },
    ],
    'fold',
  );
  return html`<p>Wanted: ${goalText(search)}. Chosen: ${unbroken(search.why)}.</p>
<p>${howText(search)}. Time is of the original's, by turns on this machine.</p>
${chart && figure({ ...chart, id: 'search-chart' }, draw)}${body}`;
}

const capital = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
