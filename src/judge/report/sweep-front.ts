/** The rows of a sweep that nothing beats: the Pareto front of size, quality and, where all have it, time. */
import type { SweepRow } from './sweep-report.ts';

/** Lower is better in each. */
type Costs = readonly number[];

/** Rows that can be compared: of one model and target, judged by one measure on the same kind of samples. */
const groupOf = ({ model, target, metrics }: SweepRow): string =>
  JSON.stringify([model, target, metrics?.quality?.name, metrics?.on]);

/** @returns the same rows, those on the front marked */
export function withFront(rows: readonly SweepRow[]): SweepRow[] {
  const compared = rows.filter(hasCosts);
  const groups = [...new Set(compared.map(groupOf))].map((name) =>
    compared.filter((row) => groupOf(row) === name),
  );
  const best = new Set(groups.flatMap(frontOf).map(({ key }) => key));
  return rows.map((row) => ({ ...row, front: best.has(row.key) }));
}

const hasCosts = ({ status, metrics }: SweepRow): boolean =>
  status === 'done' && metrics !== null && metrics.quality !== null;

function frontOf(rows: readonly SweepRow[]): SweepRow[] {
  const isTimed = rows.every(({ latency }) => latency.some(({ measured }) => measured !== null));
  const isLossKnown = rows.every(({ metrics }) => metrics!.pointsLost !== null);
  const costs = new Map(rows.map((row) => [row, costsOf(row, isTimed, isLossKnown)]));
  return rows.filter((row) => !rows.some((other) => beats(costs.get(other)!, costs.get(row)!)));
}

/** What is lost is counted on the samples that a row was compared on; the value itself may be of others in another row. */
function costsOf({ metrics, latency }: SweepRow, isTimed: boolean, isLossKnown: boolean): Costs {
  const { value, higherIsBetter } = metrics!.quality!;
  const quality = isLossKnown ? metrics!.pointsLost! : higherIsBetter ? -value : value;
  const times = isTimed ? latency.flatMap(({ measured }) => (measured ? [timeOf(measured)] : [])) : [];
  return [metrics!.sizeBytes, quality, ...times];
}

/** Beside the original, where that was measured by turns: machines differ, shares less so. */
const timeOf = ({ share, medianMs }: { readonly share: number | null; readonly medianMs: number }) =>
  share ?? medianMs;

const beats = (a: Costs, b: Costs): boolean =>
  a.every((cost, i) => cost <= b[i]!) && a.some((cost, i) => cost < b[i]!);
