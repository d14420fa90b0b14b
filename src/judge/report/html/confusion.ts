/** The classes that are taken for each other: a table with every class where they are few, the most confused pairs otherwise. */
import { formatInteger, formatSigned } from '../../../support/units.ts';
import { type Confusion, type ConfusionPair, mostConfused } from '../confusion.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

/** With more, the table is wider than the page. */
const mostClasses = 30;
const mostPairs = 10;

export const confusion = (found: Confusion): Markup =>
  found.classes.length <= mostClasses ? matrix(found) : pairTable(found);

/** Rows are labels, columns answers; the darker a cell, the larger its share of the row. */
function matrix({ classes, pairs }: Confusion): Markup {
  const at = new Map(pairs.map((p) => [`${p.truth} ${p.predicted}`, p]));
  const head = classes.map(
    ({ name }) => html`<th scope="col"><span class="upright" title="${name}">${name}</span></th>`,
  );
  const rows = classes.map(
    ({ index, name, samples }) =>
      html`<tr><th scope="row"><span class="short" title="${name}">${name}</span></th>${classes.map(
        (answer) => cell(at.get(`${index} ${answer.index}`), samples),
      )}</tr>
`,
  );
  const caption = 'Samples by label (rows) and by the answer after compression (columns)';
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table class="matrix"><caption>${caption}</caption>
<thead><tr><th scope="col">Label</th>${head}</tr></thead>
<tbody>${rows}</tbody></table></div>
<p class="detail">Rows are labels, columns what the result answers. A small number is the change from the original.</p>`;
}

function cell(pair: ConfusionPair | undefined, samples: number): Markup {
  if (!pair) return html`<td></td>`;
  const { before, after, truth, predicted } = pair;
  const share = samples > 0 ? Math.round((100 * after) / samples) : 0;
  const change = after === before ? null : html`<small>${formatSigned(after - before, 0)}</small>`;
  return html`<td class="${truth === predicted ? 'hit' : 'miss'}" style="--share:${share}">${formatInteger(after)}${change}</td>`;
}

function pairTable(found: Confusion): Markup {
  const rows = mostConfused(found, mostPairs);
  if (rows.length === 0) {
    const once = found.pairs.some(({ truth, predicted }) => truth !== predicted);
    return html`<p>Neither model takes a class for another${once ? ' more than once, and both do so alike' : ''}.</p>`;
  }
  const byIndex = new Map(found.classes.map((c) => [c.index, c]));
  const name = (index: number) => byIndex.get(index)!.name;
  const share = (count: number, truth: number) =>
    `${formatInteger(count)} of ${formatInteger(byIndex.get(truth)!.samples)}`;
  return table(
    `The ${rows.length === 1 ? 'pair' : `${rows.length} pairs`} confused most often, of ${formatInteger(found.classes.length)} classes`,
    rows,
    [
      { title: 'Label → answer', cell: ({ truth, predicted }) => `${name(truth)} → ${name(predicted)}` },
      { title: 'Before', cell: ({ before, truth }) => share(before, truth), numeric: true },
      { title: 'After', cell: ({ after, truth }) => share(after, truth), numeric: true },
    ],
  );
}
