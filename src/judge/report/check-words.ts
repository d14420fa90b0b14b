/** What a check found, in words: one place for all of its views. */
import {
  counted,
  formatBytes,
  formatDecimal,
  formatInteger,
  formatMs,
  formatPercent,
  formatSigned,
} from '../../support/units.ts';
import type { CheckReport, CheckRow, Figure } from './check-report.ts';

type Budget = CheckRow['budget'];

const names: Readonly<Record<Budget, string>> = {
  maxSize: 'file size',
  maxDrop: 'accuracy',
  minAgreement: 'same top-1',
  minSqnr: 'SQNR',
  maxLatency: 'latency',
  maxFirstVisit: 'first visit',
};

/** The metric, where there is one; the output, where a model has several; the device that times are of. */
export function nameOf({
  budget,
  subject,
  measure,
}: Pick<CheckRow, 'budget' | 'subject' | 'measure'>): string {
  if (measure !== undefined) return measure;
  if (subject === null) return names[budget];
  if (budget === 'maxDrop') return subject;
  return `${names[budget]} ${isTimed(budget) ? 'on' : 'of'} ${subject}`;
}

const isTimed = (budget: Budget) => budget === 'maxLatency' || budget === 'maxFirstVisit';

const isAtLeast = (budget: Budget) => budget.startsWith('min');

/** "All 3 budgets are kept.", "2 of 3 budgets are not kept." */
export function headlineOf({ rows }: Pick<CheckReport, 'rows'>): string {
  const bad = rows.filter(({ status }) => status !== 'kept').length;
  if (rows.length === 1) return `The budget is ${bad ? 'not ' : ''}kept.`;
  const all = rows.length === 2 ? 'Both' : `All ${rows.length}`;
  if (bad === 0) return `${all} budgets are kept.`;
  if (bad === rows.length)
    return `${rows.length === 2 ? 'Neither' : 'None'} of ${rows.length} budgets is kept.`;
  return `${bad} of ${rows.length} budgets ${bad === 1 ? 'is' : 'are'} not kept.`;
}

/** "at most 4.00 MB", "at most 1 point less". */
export const allowedText = ({ budget, allowed }: CheckRow): string =>
  `${isAtLeast(budget) ? 'at least' : 'at most'} ${boundText(allowed)}${allowed.unit === 'points' ? ' less' : ''}`;

/** "68.2 kB (was 219 kB)", "31.1 % (219 kB → 68.2 kB)". */
export function measuredText(row: CheckRow): string {
  const { measured, value, base, status } = row;
  if (measured === null) return status === 'kept' ? 'identical' : 'not measured';
  const [found, noise] = [resultText(row, measured), isWithinNoise(row) ? ', within noise' : ''];
  if (value === null || base === null)
    return row.budget === 'maxDrop' ? `${found}${lossRange(row)}` : `${found}${noise}`;
  const [before, after] = [base, value].map((figure) => fixedText(figure, 1));
  if (row.budget === 'maxDrop') return `${found} (${before} → ${after})${lossRange(row)}`;
  if (value.unit === measured.unit) return `${found}${noise} (was ${before})`;
  // Neighbouring runs may say another share than the medians that stand beside it.
  const isApart =
    row.interval !== null && fixedText({ unit: 'share', value: value.value / base.value }, 1) !== found;
  return `${found}${isApart ? ' run by run' : ''}${noise} (${isApart ? 'medians ' : ''}${before} → ${after})`;
}

/** ", 95 % −19.4 to +19.4": points lost are points down. */
const lossRange = ({ interval }: CheckRow): string =>
  interval === null ? '' : `, 95 % ${formatSigned(-interval[1], 1)} to ${formatSigned(-interval[0], 1)}`;

/** Whether the budget is inside of the interval of what was measured: another run may judge otherwise. */
const isWithinNoise = ({ interval, allowed }: CheckRow): boolean =>
  interval !== null && interval[0] <= allowed.value && allowed.value < interval[1];

/** What is beyond a budget must not read as if it were the budget itself. */
function resultText({ budget, allowed, status }: CheckRow, measured: Figure): string {
  const text = (figure: Figure, places: number) =>
    budget === 'maxDrop' ? lossText(figure.value, places) : fixedText(figure, places);
  const places = status === 'exceeded' ? [1, 2, 3, 4, 5, 6] : [1];
  const apart = places.find((n) => text(measured, n) !== text(allowed, n));
  return text(measured, apart ?? places.at(-1)!);
}

export const statusText = ({ status, doubt }: CheckRow): string =>
  ({ kept: doubt === undefined ? 'kept' : 'kept, unsure', exceeded: 'not kept', 'not-measured': 'not kept' })[
    status
  ];

/** What is wrong, in a sentence. */
export function sentenceOf(row: CheckRow, against: CheckReport['against']): string {
  const name = nameOf(row);
  const what = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  if (row.reason !== null) return `${what} is not measured: ${row.reason}.`;
  return `${what} is ${measuredText(row)}; ${allowedText(row)}${whose(row, against)} was asked for.`;
}

/** Of what a share is, and than what points are less. */
function whose({ budget, allowed: { unit } }: CheckRow, against: CheckReport['against']): string {
  const other = against?.kind === 'report' ? 'the earlier result' : 'the original';
  if (unit === 'points') return ` than ${other}`;
  return unit === 'share' && !isAtLeast(budget) ? ` of ${other}` : '';
}

/** Points lost are points down. */
const lossText = (lost: number, places: number) => `${formatSigned(-lost, places)} points`;

/** With so many decimals; sizes and times have three digits in a unit that suits them, or all of them. */
function fixedText({ unit, value }: Figure, places: number): string {
  if (unit === 'bytes') return places === 1 ? formatBytes(value) : `${formatInteger(value)} B`;
  if (unit === 'ms') return places === 1 ? formatMs(value) : `${formatDecimal(value, places + 1)} ms`;
  if (unit === 'share') return formatPercent(value, places);
  return `${formatDecimal(value, places)} ${unit}`;
}

/** As somebody would write a budget: "4.00 MB", "50 %", "1 point", "20 dB". */
function boundText({ unit, value }: Figure): string {
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'ms') return formatMs(value);
  const number = Number((unit === 'share' ? 100 * value : value).toPrecision(9));
  return `${number} ${unit === 'share' ? '%' : unit === 'points' && number === 1 ? 'point' : unit}`;
}

/** Where budgets were measured that were measured at all, and which. */
export function placesOf({ rows }: CheckReport): { readonly on: string; readonly names: string }[] {
  const places = new Map<string, string[]>();
  for (const row of rows)
    if (row.on !== null) places.set(row.on, [...(places.get(row.on) ?? []), nameOf(row)]);
  return [...places].map(([on, found]) => ({ on, names: found.join(', ') }));
}

/** "500 samples of glyphs/ (500 images) on wasm 1.30.0". */
export const samplesText = (samples: number, data: string, runtime: string): string =>
  `${counted(samples, 'sample')} of ${data} on ${runtime}`;
