/** What was measured, in tables. */
import { placeOf } from '../jobs/profile-rows.ts';
import type { Profile, ProfileRow } from '../ship/profile/device.ts';
import { formatBytes, formatDecimal, formatMs, formatTimes } from '../support/units.ts';
import { table } from './table.ts';

/** A table for each device, the fastest marked, and what was not measured below. */
export function listing(result: Profile, reports: readonly string[] = []): string {
  const parts = result.devices.map(({ name, title }) => {
    const rows = result.rows.filter((row) => row.device === name);
    const fastest = fastestOf(rows);
    const lines = rows.flatMap((row) => (row.measured ? [cells(row, row === fastest)] : []));
    const head = ['', 'on', 'load', 'first run', 'median', 'p90', 'memory'];
    const shown = lines.length > 0 ? [table(head, lines)] : [];
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
      return `${formatMs(ms)}${row === first ? '' : ` (${times(row, first!)})`}${row === fastest ? ' ◀' : ''}`;
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

/** "2.0×", of neighbouring runs where the two took turns. */
function times(row: ProfileRow, first: ProfileRow): string {
  const { against } = row;
  if (against?.subject !== first.subject) return `${formatTimes(medianOf(first)! / medianOf(row)!)}×`;
  if (against.change === 'unclear') return 'too noisy to tell';
  return against.change === 'same' ? 'as fast, within noise' : `${formatTimes(against.ratio)}×`;
}

const placeName = (row: ProfileRow) =>
  `${row.device}${row.device === row.provider ? '' : ` ${row.provider}`}${row.threads > 1 ? ` × ${row.threads}` : ''}`;

const medianOf = (row: ProfileRow) => row.measured?.result.medianMs ?? null;

function fastestOf(rows: readonly ProfileRow[]): ProfileRow | undefined {
  const measured = rows.filter((row) => medianOf(row) !== null);
  return measured.length > 1
    ? measured.reduce((best, row) => (medianOf(row)! < medianOf(best)! ? row : best))
    : undefined;
}

function cells(row: ProfileRow, fastest: boolean): string[] {
  const m = row.measured!.result;
  const ms = (value: number | null) => (value === null ? '–' : formatMs(value));
  return [
    row.subject,
    placeOf(row),
    ms((m.downloadMs ?? 0) + (m.compileMs ?? 0) + (m.createMs ?? 0)),
    ms(m.firstRunMs),
    `${ms(m.medianMs)}${fastest ? ' ◀' : '  '}`,
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
    placeOf(row),
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
    placeOf(row),
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
    if (row.against?.change === 'same') add(`as fast as ${row.against.subject}, within noise`, row);
    if (row.against?.change === 'unclear')
      add(`too noisy to tell whether it is faster than ${row.against.subject}`, row);
  }
  return [...about].map(([what, who]) => `  ${[...who].join(', ')}: ${what}`);
}

function footer(result: Profile, reports: readonly string[]): string {
  const explained = [
    '  load = download, compile, create · ◀ fastest · – not measured · inputs are made up',
    ...(result.rows.some((row) => row.visit) ? ['  first visit: compressed (br), nothing in the cache'] : []),
    ...(result.rows.some((row) => row.visit && row.visit.firstResultMs !== null)
      ? ['  first result = those bytes over the network emulated, compile, create, first run']
      : []),
  ];
  const files = [result.written ?? [], reports].flat();
  return [...explained, ...files.map((file) => `  → ${file}`)].join('\n');
}
