/** What rows of a sweep say, in words: one place for terminal and page. */
import { formatBytes, formatDecimal, formatMs, formatPercent, formatTimes } from '../../support/units.ts';
import type { SweepLatency, SweepMetrics, SweepReport, SweepRow } from './sweep-report.ts';

/** "int8 static, prune 30"; "as it is" of a recipe that asks for nothing. */
export function recipeText(recipe: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(recipe).map(([key, value]) => {
    if (value === true) return words(key);
    if (value === false) return `no ${words(key)}`;
    if (key === 'recipe') return `recipe ${(value as { name?: string }).name ?? ''}`.trim();
    return `${words(key)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
  });
  return parts.length === 0 ? 'as it is' : parts.join(', ');
}

/** "weightBits" → "weight bits". */
const words = (key: string) => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

type Named = Pick<SweepRow, 'recipe' | 'seed'>;

/** What tells a job from the others of its sweep; with its seed where there are several. */
export function rowText(row: Named, { jobs }: { readonly jobs: readonly Named[] }): string {
  const { varied, hasSeeds } = differences(jobs);
  const own = Object.entries(row.recipe).filter(([key]) => varied.has(key));
  const text = recipeText(Object.fromEntries(own));
  return hasSeeds ? `${text}, seed ${row.seed}` : text;
}

interface Differences {
  /** Fields that aren't the same in all recipes. */
  readonly varied: ReadonlySet<string>;
  readonly hasSeeds: boolean;
}

/** Looked for once in each list. */
const known = new WeakMap<readonly Named[], Differences>();

function differences(jobs: readonly Named[]): Differences {
  const found = known.get(jobs);
  if (found) return found;
  const keys = new Set(jobs.flatMap(({ recipe }) => Object.keys(recipe)));
  const isVaried = (key: string) => new Set(jobs.map(({ recipe }) => JSON.stringify(recipe[key]))).size > 1;
  const hasSeeds = new Set(jobs.map(({ seed }) => seed)).size > 1;
  const result = { varied: new Set([...keys].filter(isVaried)), hasSeeds };
  known.set(jobs, result);
  return result;
}

export function qualityText({ quality }: Pick<SweepMetrics, 'quality'>): string {
  return quality === null ? '–' : `${quality.name} ${valueText(quality.unit, quality.value)}`;
}

export function valueText(unit: string, value: number): string {
  if (unit === 'fraction') return formatPercent(value);
  if (unit === 'dB') return `${formatDecimal(value, 1)} dB`;
  return String(Number(value.toPrecision(4)));
}

/** "0.5", "−0.3" where it is better than the original; a dash where points can't be lost. */
export const lostText = ({ pointsLost }: Pick<SweepMetrics, 'pointsLost'>): string =>
  pointsLost === null ? '–' : formatDecimal(pointsLost, 1);

/** "12.3 ms, 0.52 of the original's". */
export function latencyText({ medianMs, share }: SweepLatency): string {
  return share === null
    ? formatMs(medianMs)
    : `${formatMs(medianMs)}, ${formatTimes(share)} of the original's`;
}

const kinds: Readonly<Record<NonNullable<SweepMetrics['on']>, string>> = {
  'held-back': 'samples held back',
  seen: 'samples already seen',
  text: 'shipped text',
  'made-up': 'made-up inputs',
};

export const onText = ({ on, samples }: Pick<SweepMetrics, 'on' | 'samples'>): string =>
  on === null ? '–' : `${samples} ${kinds[on]}`;

/** The sweep in a sentence. */
export function sweepHeadline({ counts, complete, jobs }: SweepReport): string {
  const { jobs: all, done, found, failed } = counts;
  const front = jobs.filter((row) => row.front).length;
  const unjudged = jobs.filter(
    ({ status, metrics }) => status === 'done' && metrics?.quality === null,
  ).length;
  const parts = [
    `${done} of ${all} jobs done${found > 0 ? `, ${found} of them found from before` : ''}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(complete && (front > 0 || unjudged === 0) ? [`${front} on the front of size and quality`] : []),
    ...(complete && unjudged > 0 ? [`${unjudged} compared with nothing`] : []),
    ...(complete ? [] : [`${all - done - failed} to go`]),
  ];
  return `${parts.join('; ')}.`;
}

/** Of all rows of one model: the smallest that loses the least. */
export function bestOf(rows: readonly SweepRow[]): SweepRow | null {
  const usable = rows.filter(({ metrics }) => metrics?.quality && metrics.verdict.level !== 'bad');
  return [...usable].sort((a, b) => a.metrics!.sizeBytes - b.metrics!.sizeBytes)[0] ?? null;
}

export const sizeText = ({ sizeBytes }: Pick<SweepMetrics, 'sizeBytes'>) => formatBytes(sizeBytes);

/** How far the estimate was off: "estimated 1 min 20 s, took 1 min 5 s (23 % too long)". */
export function timeText({ time, complete }: SweepReport): string {
  const { estimatedMs, tookMs, from } = time;
  if (estimatedMs === null) return `took ${durationText(tookMs)}`;
  const estimate = `estimated ${durationText(estimatedMs)} (${from})`;
  if (!complete) return estimate;
  const off = estimatedMs / Math.max(1, tookMs) - 1;
  const how =
    Math.abs(off) < 0.05 ? 'right' : `${formatPercent(Math.abs(off), 0)} too ${off > 0 ? 'long' : 'short'}`;
  return `${estimate}, took ${durationText(tookMs)}: the estimate was ${how}`;
}

/** "0.2 s", "47 s", "3 min 20 s", "2 h 5 min". */
export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 120
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Jobs that can be compared: those of one model and target, in the order of the sweep. */
export function groupsOf({ jobs }: Pick<SweepReport, 'jobs'>): { title: string; rows: SweepRow[] }[] {
  const titleOf = ({ model, target }: SweepRow) => `${model} for ${target}`;
  const titles = [...new Set(jobs.map(titleOf))];
  return titles.map((title) => ({ title, rows: jobs.filter((row) => titleOf(row) === title) }));
}

/** Bad news first. */
export function sweepNews({ jobs }: SweepReport): { level: 'warn' | 'bad'; text: string }[] {
  const failed = jobs.flatMap(({ error }) => (error ? [error.code] : []));
  const untimed = jobs.flatMap(({ latency }) => latency.flatMap(({ error }) => (error ? [error.code] : [])));
  const probed = jobs.filter(
    ({ metrics }) => metrics && metrics.on !== null && metrics.on !== 'held-back',
  ).length;
  const counts = (codes: readonly string[]) =>
    [...new Set(codes)]
      .map((code) => `${code} (${codes.filter((other) => other === code).length})`)
      .join(', ');
  return [
    ...(failed.length > 0 ? [{ level: 'bad' as const, text: `Failed jobs: ${counts(failed)}.` }] : []),
    ...(untimed.length > 0 ? [{ level: 'bad' as const, text: `Not timed: ${counts(untimed)}.` }] : []),
    ...(probed > 0
      ? [
          {
            level: 'warn' as const,
            text: `${probed} jobs were not compared on samples held back; what they were compared on stands in their rows.`,
          },
        ]
      : []),
  ];
}
