/** What was measured, in tables. */
import { placeOf } from '../jobs/profile-rows.ts';
import type { Profile, ProfileRow } from '../ship/profile/device.ts';
import { fastestRuns } from '../ship/profile/fastest.ts';
import { isSoftware } from '../support/gpu-adapter.ts';
import { formatBytes, formatDecimal, formatMs, formatTimes } from '../support/units.ts';
import { table } from './table.ts';

/** A table for each device, the fastest marked, and what was not measured below. */
export function listing(result: Profile, reports: readonly string[] = []): string {
  const parts = result.devices.map(({ name, title }) => {
    const rows = result.rows.filter((row) => row.device === name);
    const fastest = fastestOf(rows);
    const base = rows.find((row) => againstOf(row))?.measured?.result.against?.variant;
    const lines = rows.flatMap((row) => (row.measured ? [cells(row, fastest.includes(row), base)] : []));
    const turns = base === undefined ? [] : [`vs ${base}`];
    const head = ['', 'on', 'load', 'first run', 'median', ...turns, 'p90', 'memory'];
    const shown = lines.length > 0 ? [table(head, lines, 2)] : [];
    const more = [...visitTable(rows), ...throughputTable(rows), ...notes(rows)];
    return [`  ${name}   ${title}`, ...shown, ...more].join('\n');
  });
  return [...parts, footer(result, reports)].join('\n\n');
}

/** Variants down, places across; how many times as fast as the float variant there, or the first. */
export function overview(result: Profile, reports: readonly string[] = []): string {
  const places = [...new Set(result.rows.filter((row) => row.measured).map(placeName))];
  const subjects = [...new Set(result.rows.map((row) => row.subject))];
  const at = (subject: string, place: string) =>
    result.rows.find((row) => row.subject === subject && row.measured && placeName(row) === place);
  const columns = places.map((place) => {
    const rows = subjects.map((subject) => at(subject, place));
    const fastest = fastestOf(rows.flatMap((row) => row ?? []));
    const first = rows.find((row) => row?.subject === 'float') ?? rows.find((row) => row);
    return rows.map((row) => {
      const ms = row && medianOf(row);
      if (!row || ms == null) return '–';
      return `${formatMs(ms)}${row === first ? '' : ` (${times(row, first!)})`}${fastest.includes(row) ? ' ◀' : ''}`;
    });
  });
  const lines = subjects.map((subject, i) => [subject, ...columns.map((column) => column[i]!)]);
  const emulated = result.devices
    .filter((d) => d.emulated)
    .flatMap((d) => [
      `  ${d.name}   ${d.title}`,
      ...visitTable(result.rows.filter((row) => row.device === d.name)),
    ]);
  return [
    table(['median', ...places], lines),
    ...emulated,
    ...notes(result.rows),
    `\n${footer(result, reports)}`,
  ].join('\n');
}

/** "2.0×", of neighbouring runs; nothing where the two did not take turns. */
function times(row: ProfileRow, first: ProfileRow): string {
  const against = againstOf(row);
  if (against?.variant !== first.subject) return 'not by turns';
  if (against.change === 'unclear') return 'too noisy to tell';
  return against.change === 'same' ? 'as fast, within noise' : `${formatTimes(against.ratio)}×`;
}

const againstOf = (row: ProfileRow) => row.measured?.result.against;

/** "wasm × 4"; "webgpu (CPU)" where that stands in for the GPU. */
const onOf = (row: ProfileRow) => `${placeOf(row)}${onSoftware(row) ? ' (CPU)' : ''}`;

const placeName = (row: ProfileRow) =>
  row.device === row.provider && row.threads === 1 ? row.device : `${row.device} ${onOf(row)}`;

const onSoftware = ({ measured }: ProfileRow) =>
  measured?.result.adapter != null && isSoftware(measured.result.adapter);

const medianOf = (row: ProfileRow) => row.measured?.result.medianMs ?? null;

/** None where there is nothing to compare. */
function fastestOf(rows: readonly ProfileRow[]): ProfileRow[] {
  const measured = rows.filter((row) => medianOf(row) !== null && !onSoftware(row));
  if (measured.length < 2) return [];
  return fastestRuns(measured, (row) => {
    const { adapter, medianMs, against } = row.measured!.result;
    const { intervalMs } = row.measured!;
    return { variant: row.subject, place: placeOf(row), adapter, medianMs: medianMs!, intervalMs, against };
  });
}

/** @param base  what others took turns with on this device; undefined where none did */
function cells(row: ProfileRow, fastest: boolean, base: string | undefined): string[] {
  const m = row.measured!.result;
  const { ratio, change } = m.against ?? {};
  const short = { same: '≈', unclear: '?', faster: '', slower: '' };
  const turns = change === undefined ? '' : short[change] || `${formatTimes(ratio!)}×`;
  const ms = (value: number | null) => (value === null ? '–' : formatMs(value));
  return [
    row.subject,
    onOf(row),
    ms((m.downloadMs ?? 0) + (m.compileMs ?? 0) + (m.createMs ?? 0)),
    ms(m.firstRunMs),
    `${ms(m.medianMs)}${fastest ? ' ◀' : '  '}`,
    ...(base === undefined ? [] : [turns]),
    ms(m.p90Ms),
    m.peakBytes === null ? '–' : formatBytes(m.peakBytes),
  ];
}

/** Bytes of a first visit; the time until its first result where a network is emulated. */
function visitTable(rows: readonly ProfileRow[]): string[] {
  const visits = rows.flatMap((row) => (row.visit ? [{ row, visit: row.visit }] : []));
  if (visits.length === 0) return [];
  const known = visits.some(({ visit }) => visit.firstResultMs !== null);
  const soonest = Math.min(...visits.map(({ visit }) => visit.firstResultMs ?? Number.POSITIVE_INFINITY));
  const lines = visits.map(({ row, visit: { modelBytes, runtimeBytes, firstResultMs } }) => [
    row.subject,
    onOf(row),
    ...[modelBytes, runtimeBytes, modelBytes + runtimeBytes].map(formatBytes),
    ...(firstResultMs === null
      ? []
      : [`${formatMs(firstResultMs)}${visits.length > 1 && firstResultMs === soonest ? ' ◀' : '  '}`]),
  ]);
  const head = ['first visit', 'on', 'model', 'runtime', 'bytes', ...(known ? ['first result'] : [])];
  return ['', table(head, lines)];
}

function throughputTable(rows: readonly ProfileRow[]): string[] {
  const measured = rows.filter((row) => row.measured?.result.throughput);
  const of = (row: ProfileRow) => row.measured?.result.throughput ?? {};
  const batches = [...new Set(measured.flatMap((row) => Object.keys(of(row))))];
  if (batches.length === 0) return [];
  const lines = measured.map((row) => [
    row.subject,
    onOf(row),
    ...batches.map((b) => (of(row)[b] === undefined ? '–' : formatDecimal(of(row)[b]!, 1))),
  ]);
  return ['', table(['samples a second', 'on', ...batches.map((b) => `batch ${b}`)], lines)];
}

/** Each thing said once, with whom it concerns. */
function notes(rows: readonly ProfileRow[]): string[] {
  const about = new Map<string, Set<string>>();
  const add = (what: string, row: ProfileRow) =>
    about.set(what, (about.get(what) ?? new Set()).add(`${row.subject} on ${placeName(row)}`));
  for (const row of rows) {
    if (row.reason !== null) add(`not measured: ${row.reason}`, row);
    for (const note of row.measured?.notes ?? []) add(note, row);
    const against = againstOf(row);
    if (against?.change === 'same') add(`as fast as ${against.variant}, within noise`, row);
    if (against?.change === 'unclear')
      add(`too noisy to tell whether it is faster than ${against.variant}`, row);
  }
  return [...about].map(([what, who]) => `  ${[...who].join(', ')}: ${what}`);
}

function footer(result: Profile, reports: readonly string[]): string {
  const explained = [
    '  load = download, compile, create · ◀ fastest, or as fast within noise (≈)',
    '  – not measured · inputs are made up · variants took turns, each compared with its neighbour',
    ...(result.rows.some(onSoftware)
      ? ['  (CPU): no GPU, the CPU stands in for it; not ranked, nothing to go by for a real one']
      : []),
    ...(result.rows.some((row) => row.visit) ? ['  first visit: compressed (br), nothing in the cache'] : []),
    ...(result.rows.some((row) => row.visit && row.visit.firstResultMs !== null)
      ? ['  first result = those bytes over the network emulated, compile, create, first run']
      : []),
  ];
  const files = [result.written ?? [], reports].flat();
  return [...explained, ...files.map((file) => `  → ${file}`)].join('\n');
}
