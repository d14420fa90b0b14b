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
  const groups = new Map<string, SweepRow[]>();
  for (const row of compared) {
    const name = groupOf(row);
    const rows = groups.get(name);
    if (rows) rows.push(row);
    else groups.set(name, [row]);
  }
  const best = new Set([...groups.values()].flatMap(frontOf).map(({ key }) => key));
  return rows.map((row) => ({ ...row, front: best.has(row.key) }));
}

const hasCosts = ({ status, metrics }: SweepRow): boolean =>
  status === 'done' && metrics !== null && metrics.quality !== null;

function frontOf(rows: readonly SweepRow[]): SweepRow[] {
  const devices = devicesOfAll(rows);
  const isLossKnown = rows.every(({ metrics }) => metrics!.pointsLost !== null);
  const ordered = rows
    .map((row) => ({ row, costs: costsOf(row, devices, isLossKnown) }))
    .sort((a, b) => difference(a.costs, b.costs));
  // What beats a row comes before it in this order, and so does something on the front.
  const front: typeof ordered = [];
  for (const one of ordered) if (!front.some((other) => beats(other.costs, one.costs))) front.push(one);
  return front.map(({ row }) => row);
}

/** Those that all rows were timed on: times of one say nothing beside times of another. */
const devicesOfAll = (rows: readonly SweepRow[]): string[] => {
  const timed = rows.map(({ latency }) =>
    latency.flatMap(({ device, measured }) => (measured ? [device] : [])),
  );
  return [...new Set(timed[0])].filter((device) => timed.every((list) => list.includes(device)));
};

/** By the first cost that differs. */
function difference(a: Costs, b: Costs): number {
  const at = a.findIndex((cost, i) => cost !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** What is lost is counted on the samples that a row was compared on; the value itself may be of others in another row. */
function costsOf({ metrics, latency }: SweepRow, devices: readonly string[], isLossKnown: boolean): Costs {
  const { value, higherIsBetter } = metrics!.quality!;
  const quality = isLossKnown ? metrics!.pointsLost! : higherIsBetter ? -value : value;
  const times = devices.map((device) =>
    timeOf(latency.find((one) => one.device === device && one.measured)!.measured!),
  );
  return [metrics!.sizeBytes, quality, ...times];
}

/** Two sessions of one model differ by some per cent: times are counted in steps of four. */
const timeStep = Math.log(1.04);

/** Beside the original, where that was measured by turns: machines differ, shares less so. */
const timeOf = ({ share, medianMs }: { readonly share: number | null; readonly medianMs: number }) =>
  Math.round(Math.log(share ?? medianMs) / timeStep);

const beats = (a: Costs, b: Costs): boolean =>
  a.every((cost, i) => cost <= b[i]!) && a.some((cost, i) => cost < b[i]!);
