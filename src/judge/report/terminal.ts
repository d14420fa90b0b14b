/** The report in a terminal. Bad news first; fits the width; no escape codes without colour, and none ever from names
 *  in a model file. */
import { createColors } from 'picocolors';
import stringWidth from 'string-width';
import { formatBytes, formatCount, formatDb } from '../../support/units.ts';
import { accountLine, leftLines } from './account.ts';
import { configText } from './config-text.ts';
import { dataText } from './data-text.ts';
import type { ReportHeader } from './header.ts';
import { taskText } from './measure-words.ts';
import type { Report } from './report.ts';
import { noun, preprocessingName } from './sample-words.ts';
import { goalText, howText, searchHeads, searchRows } from './search-words.ts';
import { stepRemarks, stepTable } from './steps.ts';
import { strippedText } from './stripped-text.ts';
import {
  type KeptGroup,
  keptGroups,
  macsNote,
  type SummaryRow,
  summaryRows,
  type Tone,
  worstLayers,
} from './summary.ts';
import { pad, textTable, wrapText } from './text-table.ts';
import { trainingSentence } from './training.ts';

export interface TerminalOptions {
  readonly colour: boolean;
  /** Columns; 40 at least. */
  readonly width: number;
}

export interface Cell {
  readonly text: string;
  readonly tone?: Tone | 'dim' | 'bold';
}

const indent = '  ';
const labelWidth = 18;

/** What came of a run: bad news, what it amounts to, then results. What was known before, `renderHeader` has said. */
export const renderOutcome = (report: Report, options: TerminalOptions): string =>
  [
    renderBadNews(report.verdict, options),
    `${renderHeadline(report.verdict, options)}\n`,
    renderResult(report, options),
  ].join('');

/** Model, input, task, data and target: what is known before any work. */
export function renderHeader(report: ReportHeader, options: TerminalOptions): string {
  const { source, target } = report;
  const lines = [
    labelled(source.file, factsLine(source), options, 'bold'),
    labelled('input', inputLine(report), options),
    ...(report.task ? [labelled('task', taskText(report.task), options)] : []),
    labelled('data', dataText(report.data, report.probe), options),
    ...(target ? [labelled('target', `${target.name} (${target.runtime})`, options)] : []),
    ...(report.config ? [labelled('config', configText(report.config), options)] : []),
  ];
  return lines.join('');
}

/** Everything after the work: table, what was left alone, files, what next. Bad news is not in it; print that first. */
export function renderResult(report: Report, options: TerminalOptions): string {
  const parts = [
    renderSummary(summaryRows(report), options),
    stepLines(report, options),
    searchLines(report, options),
    keptLines(report, options),
  ];
  if (report.files.length > 0)
    parts.push(
      report.files.map((file) => `${indent}${paint(options)('→', 'good')} ${plain(file)}\n`).join(''),
    );
  if (report.next.length > 0) parts.push(nextLines(report, options));
  return parts.filter((part) => part !== '').join('\n');
}

/** The verdict in a sentence. */
function renderHeadline({ headline }: Report['verdict'], options: TerminalOptions): string {
  const colour = paint(options);
  const lines = wrapText(plain(headline), options.width - indent.length);
  return lines.map((line) => `${indent}${colour(line, 'bold')}\n`).join('');
}

/** One line a warning, the bad ones in red, the rest in yellow; empty when there is nothing to say. */
export function renderBadNews(verdict: Report['verdict'], options: TerminalOptions): string {
  const colour = paint(options);
  const lines = verdict.warnings.map(({ level, text }) => {
    const mark = level === 'bad' ? '✖' : '!';
    const [first, ...rest] = wrapText(plain(text), options.width - 4);
    return [`${mark} ${first}`, ...rest.map((line) => `  ${line}`)]
      .map((line) => `${indent}${colour(line, level)}\n`)
      .join('');
  });
  return lines.length === 0 ? '' : `${lines.join('')}\n`;
}

/** The before/after table. */
export function renderSummary(rows: readonly SummaryRow[], options: TerminalOptions): string {
  const head: Cell[] = ['', 'before', 'after', ''].map((text) => ({ text, tone: 'dim' }));
  let last = '';
  const body = rows.map(({ label, before, after, note, tone }): Cell[] => {
    // A label that repeats (latency at several places) is said once.
    const shown = label === last ? '' : label;
    last = label;
    const strong = tone === 'plain' ? {} : { tone };
    return [
      { text: shown },
      { text: before, tone: 'dim' },
      { text: after, ...strong },
      { text: note, ...strong },
    ];
  });
  return renderTable([head, ...body], options, labelWidth);
}

/** Columns two spaces apart; the last one wraps under itself at the terminal's width.
 *  @param firstWidth  least width of the first column */
export function renderTable(
  rows: readonly (readonly (Cell | string)[])[],
  options: TerminalOptions,
  firstWidth = 0,
): string {
  const colour = paint(options);
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' ? plain(cell) : colour(plain(cell.text), cell.tone))),
  );
  const lines = textTable(cells, { width: options.width, indent: indent.length, firstWidth });
  return lines.map((line) => `${line}\n`).join('');
}

/** "  label             text", wrapped under the text. */
export function labelled(label: string, text: string, options: TerminalOptions, tone?: Cell['tone']): string {
  const colour = paint(options);
  const name = plain(label);
  const start = indent.length + labelWidth + 2;
  const lines = wrapText(plain(text), options.width - start);
  const own = stringWidth(name) > labelWidth;
  const lead = `${indent}${colour(pad(name, labelWidth), tone)}`;
  const body = lines.map((line, i) => (i === 0 && !own ? `${lead}  ${line}` : ' '.repeat(start) + line));
  return `${(own ? [lead, ...body] : body).join('\n')}\n`;
}

// --- the lines ---------------------------------------------------------------------------------------------------

function factsLine(facts: ReportHeader['source']): string {
  const macs =
    facts.macs === null
      ? null
      : [`${formatCount(facts.macs)} MACs`, macsNote(facts)].filter((part) => part !== '').join(' ');
  const parts = [formatBytes(facts.sizeBytes), `${formatCount(facts.parameters)} parameters`, macs];
  return [...parts, `opset ${facts.opset}`].filter((part) => part !== null).join(' · ');
}

/** Caches of keys and values are dozens. */
const mostInputs = 6;

function inputLine({ source, data }: Pick<ReportHeader, 'source' | 'data'>): string {
  const some = source.inputs.slice(0, mostInputs).map((port) => `${port.name} ${port.type}`);
  const rest = source.inputs.length - some.length;
  const types = [...some, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  const name = data === null ? '' : preprocessingName(data);
  if (data === null || name === '') return types;
  if (!data.preprocessingGuessed) return `${types} → preprocessing ${name}`;
  return `${types} → preprocessing ${name} (${howFound(data)}; change with --preprocess)`;
}

function howFound(data: NonNullable<Report['data']>): string {
  const trial = data.preprocessingTrial;
  if (!trial) return 'guessed';
  const samples = `${trial.samples} ${noun({ data })}`;
  return trial.by === 'labels'
    ? `best of all presets on ${trial.samples} labelled ${noun({ data })}`
    : `with which the model tells ${samples} apart best of all presets`;
}

/** Every step of pruning and training with what it cost, and why they came in this order. */
function stepLines(report: Report, options: TerminalOptions): string {
  const { steps } = report;
  if (!steps || steps.length < 2) return '';
  const { head, rows } = stepTable(steps);
  const lines = renderTable(
    [head.map((text) => ({ text, tone: 'dim' as const })), ...rows],
    options,
    labelWidth,
  );
  const reason = stepRemarks(report);
  return reason ? `${lines}${labelled('', reason, options)}` : lines;
}

/** Most rows of what was tried that a terminal shows. */
const mostTried = 10;

function searchLines({ search }: Report, options: TerminalOptions): string {
  if (!search) return '';
  const all = searchRows(search);
  const rows = all.slice(0, mostTried).map(({ mark, name, size, lost, time, reason }): Cell[] => {
    const tone = mark === 'chosen' ? ('good' as const) : mark === 'front' ? undefined : ('dim' as const);
    const said = reason || (mark === 'front' ? 'on the front' : mark);
    const row = [size, lost, time, said === '' ? name : `${name}: ${said}`];
    return row.map((text) => ({ text, ...(tone && { tone }) }));
  });
  const head = searchHeads(search).map((text): Cell => ({ text, tone: 'dim' }));
  const more =
    all.length > mostTried
      ? [labelled('', `and ${all.length - mostTried} more, in the report`, options)]
      : [];
  return [
    labelled('wanted', goalText(search), options),
    labelled('chosen', search.why, options),
    labelled('search', howText(search), options),
    '\n',
    renderTable([head, ...rows], options),
    ...more,
  ].join('');
}

function keptLines(report: Report, options: TerminalOptions): string {
  const kept = (groups: readonly KeptGroup[]) => groups.map((group) => `${group.what}: ${group.reason}`);
  const lines = (label: string, texts: readonly string[]) => {
    const more = texts.length > 5 ? [`and ${texts.length - 4} more reasons, in the report`] : [];
    const shown = [...texts.slice(0, more.length > 0 ? 4 : 5), ...more];
    return shown.map((text, i) => labelled(i === 0 ? label : '', text, options));
  };
  const worst = worstLayers(report.layers, 3).map((layer) => `${layer.name} (${formatDb(layer.sqnrDb!)})`);
  return [
    ...(report.account
      ? [
          labelled('constants', accountLine(report.account), options),
          ...lines('left in float', leftLines(report.account)),
        ]
      : lines('kept in float', kept(keptGroups(report.layers, 'float')))),
    ...lines('in the file', report.inFile ?? []),
    ...lines('taken out', report.stripped ? [strippedText(report.stripped)] : []),
    ...['int8', 'float16'].flatMap((name) =>
      lines(
        `${name} in part`,
        kept(keptGroups(report.layers.filter((layer) => layer.precision.startsWith(name)))),
      ),
    ),
    ...(report.training ?? []).map((t, _, all) =>
      labelled(all.length > 1 ? t.name : 'trained', trainingSentence(t), options),
    ),
    ...lines('worst layers', worst.length === 0 ? [] : [worst.join(', ')]),
  ].join('');
}

function nextLines(report: Report, options: TerminalOptions): string {
  const colour = paint(options);
  const widest = Math.max(...report.next.map((step) => stringWidth(plain(step.command))));
  return report.next
    .map(({ command, why }, i) => {
      const lead = `${indent}${i === 0 ? 'Next: ' : '      '}`;
      const note = `(${plain(why)})`;
      const line = pad(plain(command), Math.min(widest, 40));
      const fits = lead.length + stringWidth(line) + 2 + stringWidth(note) <= options.width;
      if (fits) return `${lead}${colour(line, 'bold')}  ${colour(note, 'dim')}\n`;
      // Commands stay in one piece, to be copied; the reason wraps.
      const start = ' '.repeat(lead.length + 2);
      const reason = wrapText(note, options.width - start.length);
      const lines = reason.map((part) => `${start}${colour(part, 'dim')}\n`).join('');
      return `${lead}${colour(line.trimEnd(), 'bold')}\n${lines}`;
    })
    .join('');
}

// --- text --------------------------------------------------------------------------------------------------------

/** Control characters, escape sequences' first bytes and direction overrides never reach the terminal. */
export const plain = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�');

function paint({ colour }: TerminalOptions): (text: string, tone: Cell['tone'] | undefined) => string {
  const colours = createColors(colour);
  const by = {
    plain: String,
    good: colours.green,
    warn: colours.yellow,
    bad: colours.red,
    dim: colours.dim,
    bold: colours.bold,
  };
  return (text, tone) => (text === '' ? '' : by[tone ?? 'plain'](text));
}
