/** The page below the big numbers, one function a section; a section without anything to show is left out. */
import { reasonWords } from '../../../support/reason.ts';
import { formatBytes, formatDb, formatInteger, formatMs } from '../../../support/units.ts';
import { type Account, operatorsOf, roleName, storedAs } from '../account.ts';
import { configText } from '../config-text.ts';
import { dataText } from '../data-text.ts';
import { taskText } from '../measure-words.ts';
import { preprocessingText } from '../preprocessing-text.ts';
import type { Report } from '../report.ts';
import { searchTitle } from '../search-words.ts';
import { stepRemarks, stepTable } from '../steps.ts';
import { strippedText } from '../stripped-text.ts';
import { keptGroups, type SummaryRow, smallRows } from '../summary.ts';
import { type Chart, type Draw, figure } from './chart.ts';
import { bytesChart } from './chart-bytes.ts';
import { latencyChart } from './chart-latency.ts';
import { qualityChart, worstList } from './chart-quality.ts';
import { trainingCharts } from './chart-training.ts';
import { variantsChart } from './chart-variants.ts';
import { confusion } from './confusion.ts';
import { damage } from './damage.ts';
import { html, type Markup, safePicture, unbroken } from './markup.ts';
import { searched } from './search.ts';
import { table } from './table.ts';

/** More than this many rows make a page that no one reads; the JSON has them all. */
const mostRows = 500;
const mostPictures = 24;

export function sections(report: Report, draw: Draw): Markup {
  const withChart = (title: string, chart: Chart | null, more: Markup | null = null) =>
    chart === null ? null : section(title, chart.id, html`${figure(chart, draw)}${more}`);
  return html`${[
    moreFigures(report),
    milestones(report),
    report.search ? section(searchTitle, 'search', html`${searched(report, draw)}`) : null,
    withChart('Size against quality', variantsChart(report)),
    withChart('Speed', latencyChart(report)),
    whereBytesAre(report, draw),
    withChart(
      'Quality by layer',
      qualityChart(report),
      html`<h3>The ten worst</h3>${worstList(report.layers)}`,
    ),
    forBudget(report),
    trained(report, draw),
    leftAlone(report),
    confused(report),
    disagreements(report),
    steps(report),
    next(report),
    recipe(report),
    section('Raw numbers', 'raw', rawNumbers),
  ]}`;
}

export const section = (title: string, id: string, body: Markup) =>
  html`<section aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}</section>
`;

/** What the five figures above don't say. */
function moreFigures(report: Report): Markup | null {
  const rows = smallRows(report);
  if (rows.length === 0) return null;
  const body = table<SummaryRow>(
    'The model before and after',
    rows,
    [
      { title: 'Measure', cell: (row) => row.label },
      { title: 'Before', cell: (row) => row.before, numeric: true },
      { title: 'After', cell: (row) => html`<span class="${row.tone}">${row.after}</span>`, numeric: true },
      { title: 'Note', cell: (row) => html`<span class="${row.tone}">${unbroken(row.note)}</span>` },
    ],
    'note',
  );
  return section('More figures', 'summary', body);
}

/** Layers as areas; then every constant, as a table. */
function whereBytesAre(report: Report, draw: Draw): Markup | null {
  const chart = bytesChart(report);
  if (chart === null && !report.account) return null;
  return section(
    'Where the bytes are',
    'bytes',
    html`${chart && figure(chart, draw)}${report.account ? accountTable(report.account) : null}`,
  );
}

const accountTable = ({ bytes, rows }: Account): Markup =>
  table(
    `All ${formatBytes(bytes)} of constants in the result, each once`,
    rows,
    [
      { title: 'What', cell: roleName },
      { title: 'Stored as', cell: storedAs },
      { title: 'Bytes', cell: (row) => formatBytes(row.bytes), numeric: true },
      { title: 'Constants', cell: operatorsOf },
      { title: 'Why', cell: (row) => (row.reason === null ? '' : reasonWords(row.reason)) },
    ],
    'fold',
  );

function milestones(report: Report): Markup | null {
  const { steps } = report;
  if (!steps || steps.length < 2) return null;
  const { head, rows } = stepTable(steps);
  const columns = head.map((title, i) => ({
    title: title.charAt(0).toUpperCase() + title.slice(1),
    cell: (row: string[]) => row[i] ?? '',
    numeric: i > 0,
  }));
  const reason = stepRemarks(report);
  return section(
    'Step by step',
    'milestones',
    html`${table('The model after every step', rows, columns, 'fold')}${reason && html`<p>${reason}</p>`}`,
  );
}

function forBudget(report: Report): Markup | null {
  const body = damage(report);
  return body && section('For the budget', 'damage', body);
}

function trained({ training }: Report, draw: Draw): Markup | null {
  const parts = (training ?? []).map((t, i) => trainingCharts(t, `training-${i + 1}`, draw));
  return parts.every((part) => part === null) ? null : section('Training', 'training', html`${parts}`);
}

function leftAlone({ layers, skipped, precision, inFile = [], stripped }: Report): Markup | null {
  const groups = keptGroups(layers);
  if (groups.length === 0 && skipped.length === 0 && inFile.length === 0 && !stripped) return null;
  const kept = table(
    'Layers that do not compute in int8, and why',
    groups,
    [
      { title: 'Layers', cell: (group) => group.what },
      { title: 'Why', cell: (group) => group.reason },
      {
        title: 'Weights',
        cell: (group) => formatBytes(group.layers.reduce((sum, layer) => sum + layer.weightBytesAfter, 0)),
        numeric: true,
      },
      {
        title: 'Which',
        cell: (group) =>
          html`<span class="name">${some(
            group.layers.map((layer) => layer.name),
            6,
          )}</span>`,
      },
    ],
    'fold',
  );
  const passes = table('What passes could have acted on and did not', skipped.slice(0, mostRows), [
    { title: 'At', cell: (skip) => html`<span class="name">${skip.at}</span>` },
    { title: 'Pass', cell: (skip) => skip.pass },
    { title: 'Why', cell: (skip) => reasonWords(skip.reason) },
  ]);
  const more = skipped.length > mostRows ? html`<p>The first ${mostRows}; the JSON has all.</p>` : null;
  return section(
    'Left alone, and why',
    'left',
    html`${groups.length > 0 ? kept : html`<p>${precision.mode === 'none' ? 'No precision was asked for: all layers compute as before.' : 'Every layer that can compute in int8 does.'}</p>`}
${inFile.map((remark) => html`<p>In the file: ${remark}</p>`)}
${stripped ? html`<p>Taken out: ${strippedText(stripped)}</p>` : null}
${skipped.length > 0 ? html`<details><summary>All ${formatInteger(skipped.length)} places that passes left as they were</summary>${passes}${more}</details>` : null}`,
  );
}

function confused({ evaluation }: Report): Markup | null {
  const found = evaluation?.confusionMatrix;
  return found ? section('Which classes are taken for which', 'confusion', confusion(found)) : null;
}

/** What the colours on pictures mean. */
const drawnLegend = (kind: 'boxes' | 'mask') =>
  html`<ul class="legend"><li><span class="swatch only-before"></span>${kind === 'boxes' ? 'original' : 'original alone'}</li><li><span class="swatch only-after"></span>${kind === 'boxes' ? 'result; thick where the other has no such box' : 'result alone'}</li>${kind === 'mask' ? html`<li><span class="swatch other-class"></span>another class</li>` : null}</ul>
`;

function disagreements({ compare }: Report): Markup | null {
  const found = compare?.disagreements ?? [];
  if (found.length === 0) return null;
  const drawn = found.find((one) => one.drawn)?.drawn;
  const cards = found.slice(0, mostPictures).map(({ id, before, after, truth, picture }) => {
    const url = safePicture(picture);
    const image = url
      ? html`<img src="${url}" alt="${id}">`
      : html`<div class="no-picture" aria-hidden="true">no picture</div>`;
    const mark = (answer: string) => (truth === null ? '' : answer === truth ? 'good' : 'bad');
    return html`<li>${image}<dl><dt>before</dt><dd class="${mark(before)}">${before}</dd><dt>after</dt><dd class="${mark(after)}">${after}</dd>${truth === null ? null : html`<dt>label</dt><dd>${truth}</dd>`}</dl><p class="name">${id}</p></li>
`;
  });
  const shown = found.length > mostPictures ? ` The first ${mostPictures} of ${found.length}.` : '';
  return section(
    'Where before and after disagree',
    'disagree',
    html`<p>Inputs of which the two models say something else, of ${compare!.samples} compared.${shown}</p>
${drawn ? drawnLegend(drawn) : null}<ul class="pictures${drawn ? ' drawn' : ''}">${cards}</ul>`,
  );
}

function steps({ stages }: Report): Markup | null {
  if (stages.length === 0) return null;
  return section(
    'What was done',
    'steps',
    table(
      'Steps in order',
      stages,
      [
        { title: 'Step', cell: (stage) => stage.name },
        { title: 'What', cell: (stage) => stage.summary },
        {
          title: 'Passes',
          cell: (stage) =>
            some(
              stage.passes.filter((p) => p.changed > 0).map((p) => `${p.name} (${p.changed})`),
              20,
            ),
        },
        { title: 'Time', cell: (stage) => formatMs(stage.ms), numeric: true },
      ],
      'fold',
    ),
  );
}

function next({ next: steps }: Report): Markup | null {
  if (steps.length === 0) return null;
  const items = steps.map(
    ({ command, why }) => html`<li><code>${command}</code> <span class="detail">${why}</span></li>
`,
  );
  return section('What to try next', 'next', html`<ul class="next">${items}</ul>`);
}

function recipe(report: Report): Markup {
  const { environment: env, data, target, compare } = report;
  const list = (record: Readonly<Record<string, string>>) =>
    Object.entries(record)
      .map(([k, v]) => `${k} ${v}`)
      .join(', ');
  const facts: (readonly [string, string])[] = [
    ['Command', report.command],
    ...(report.config ? [['Configuration', configText(report.config)] as const] : []),
    ['Made', `${report.createdAt} by ${report.tool.name} ${report.tool.version}`],
    ['Precision', report.precision.summary],
    [
      'Target',
      [target.name, target.runtime, list(target.sessionConfig)].filter((text) => text !== '').join(' · '),
    ],
    ['Data', dataText(data, report.probe)],
    ...(report.task ? [['Task', taskText(report.task)] as const] : []),
    ['Preprocessing', preprocessingText(data?.preprocessing ?? null)],
    ['Guessed', data === null || data.guessed.length === 0 ? 'nothing' : data.guessed.join('; ')],
    [
      'Compared',
      compare === null
        ? 'not measured'
        : `${compare.samples} samples on ${compare.runtime}: ${outputsText(compare)}`,
    ],
    [
      'Machine',
      `${env.os} · ${env.cpu}, ${env.cores} cores, ${formatBytes(env.memoryBytes)} · Node ${env.node}`,
    ],
    ['Runtimes', list(env.runtimes)],
    [
      'Source',
      [report.source.file, `sha256 ${report.source.sha256}`, report.source.producer]
        .filter((part) => part !== '')
        .join(' · '),
    ],
    ['Result', `${report.result.file} · sha256 ${report.result.sha256}`],
  ];
  const text = facts.map(([name, value]) => `${name}: ${value}`).join('\n');
  return section(
    'Recipe and environment',
    'recipe',
    html`${copyable('Recipe', JSON.stringify(report.recipe, null, 2) ?? '{}')}
${copyable('Environment', text)}`,
  );
}

export const copyable = (title: string, text: string) =>
  html`<div class="copyable"><div class="copy-head"><h3>${title}</h3><button type="button" class="copy" hidden>Copy</button></div><pre tabindex="0" aria-label="${title}">${text}</pre></div>`;

const outputsText = ({ outputs }: NonNullable<Report['compare']>) =>
  outputs
    .map((o) => {
      const error =
        o.maxAbsError === null ? 'largest error not finite' : `largest error ${o.maxAbsError.toPrecision(3)}`;
      return `${o.name} ${o.sqnrDb === null ? 'SQNR –' : `SQNR ${formatDb(o.sqnrDb)}`}, ${error}`;
    })
    .join('; ');

/** The script shows it. */
export const downloadButton = html`<p><button type="button" id="download" hidden>Download report.json</button></p>`;

const rawNumbers = html`<p>All of this, and every repetition of every timing, is in this page as JSON.</p>
${downloadButton}`;

/** "a, b and 4 more". */
function some(names: readonly string[], most: number): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
