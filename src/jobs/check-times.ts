/** The rows of a check about time: latency, and what a first visit costs a page. */
import type { CheckRow } from '../judge/report/check-report.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { widest } from '../ship/profile/compare-runs.ts';
import { parseDevice } from '../ship/profile/device.ts';
import { visitOf } from '../ship/profile/visit.ts';
import type { Amount } from '../support/amount.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { formatBytes } from '../support/units.ts';
import { attempt } from './attempt.ts';
import type { Base } from './check-against.ts';
import { brotliBytesOf } from './model-facts.ts';
import { modelSubjects } from './profile-subjects.ts';
import type { JobRun } from './progress.ts';
import type { CheckRequest } from './requests/check.ts';
import { type Timed, timeResult, type Untimed } from './time-result.ts';

interface Devices {
  /** Where latency is measured. */
  readonly latency: readonly string[];
  /** Emulated phones, where a first visit has a time. */
  readonly visit: readonly string[];
}

/** @throws UNKNOWN_DEVICE; OPTION_WITHOUT_EFFECT where no device that was asked for has a network to wait for */
export function devicesOf({ device, maxLatency, maxFirstVisit }: CheckRequest): Devices {
  const isPhone = (name: string) => 'preset' in parseDevice(name);
  const phones = device ? device.filter(isPhone) : ['chromium:phone'];
  if (maxFirstVisit?.unit === 'ms' && phones.length === 0)
    throw optionWithoutEffect('--max-first-visit', 'a phone that is emulated, as --device chromium:phone');
  return {
    latency: maxLatency ? (device ?? ['wasm']) : [],
    visit: maxFirstVisit?.unit === 'ms' ? phones : [],
  };
}

export async function timeRows(
  result: OpenedModel,
  base: Base | null,
  asked: CheckRequest,
  run: JobRun,
): Promise<CheckRow[]> {
  const { maxLatency, maxFirstVisit } = asked;
  const devices = devicesOf(asked);
  const latency: CheckRow[] = [];
  const visits: CheckRow[] = [];
  for (const name of new Set([...devices.latency, ...devices.visit])) {
    const { measured, reason } = await attempt(() => timeResult(name, result, base, asked, run), run.signal);
    for (const found of measured ?? [{ subject: name, reason }]) {
      if (maxLatency && devices.latency.includes(name)) latency.push(latencyRow(maxLatency, found));
      if (maxFirstVisit && devices.visit.includes(name)) visits.push(visitRow(maxFirstVisit, found));
    }
  }
  if (maxFirstVisit?.unit === 'bytes') visits.push(await downloadRow(result, maxFirstVisit, asked));
  return [...latency, ...visits];
}

const empty = { interval: null, value: null, base: null, on: null, reason: null } as const;

const unmeasured = (
  budget: CheckRow['budget'],
  allowed: Amount,
  about: Pick<CheckRow, 'subject' | 'reason'> & Partial<Pick<CheckRow, 'on'>>,
): CheckRow => ({ budget, allowed, ...empty, ...about, measured: null, status: 'not-measured' });

/** Absolute, or as a share of the original's, run by run; what noise leaves open is not measured. */
export function latencyRow(allowed: Amount, found: Timed | Untimed): CheckRow {
  if ('reason' in found) return unmeasured('maxLatency', allowed, found);
  const { subject, on, medianMs, beside } = found;
  const known = typeof beside === 'string' ? null : beside;
  const isShare = allowed.unit === 'share';
  if (isShare && known === null)
    return unmeasured('maxLatency', allowed, { subject, on, reason: beside as string | null });
  // A time as a share of the original's is the inverse of how many times as fast it is.
  const [measured, low, high] =
    isShare && known
      ? [1 / known.change.ratio, 1 / known.change.interval[1], 1 / known.change.interval[0]]
      : [medianMs, ...found.intervalMs];
  if (low <= allowed.value && allowed.value < high && high / low > widest) {
    const reason = 'its runs differ too much among themselves to tell';
    return unmeasured('maxLatency', allowed, { subject, on, reason });
  }
  return {
    ...{ budget: 'maxLatency', subject, allowed, on, reason: null },
    measured: { unit: allowed.unit, value: measured },
    interval: [low, high],
    value: { unit: 'ms', value: medianMs },
    base: known && { unit: 'ms', value: known.medianMs },
    status: measured > allowed.value ? 'exceeded' : 'kept',
  };
}

function visitRow(allowed: Amount, found: Timed | Untimed): CheckRow {
  if ('reason' in found) return unmeasured('maxFirstVisit', allowed, found);
  const { subject, on, firstResultMs } = found;
  if (firstResultMs !== null) return visited(allowed, firstResultMs, { subject, on });
  return unmeasured('maxFirstVisit', allowed, { subject, on, reason: 'its first result has no time' });
}

const visited = (allowed: Amount, value: number, about: Pick<CheckRow, 'subject' | 'on'>): CheckRow => ({
  ...{ budget: 'maxFirstVisit', allowed, ...empty, ...about },
  measured: { unit: allowed.unit, value },
  status: value > allowed.value ? 'exceeded' : 'kept',
});

/** Bytes need no device. */
async function downloadRow(
  result: OpenedModel,
  allowed: Amount,
  { provider: [provider = 'wasm'] = [] }: CheckRequest,
): Promise<CheckRow> {
  if (result.format.id === 'tfjs') {
    const reason = 'TensorFlow.js loads it from bundles, which say what it downloads';
    return unmeasured('maxFirstVisit', allowed, { subject: null, reason });
  }
  const [{ format }] = modelSubjects(result, {});
  const sizes = { format, bytes: result.sizeBytes, brotliBytes: await brotliBytesOf(result) };
  const unmeasuredRuns = { provider, createMs: 0, firstRunMs: 0 };
  const { modelBytes, runtimeBytes } = visitOf(sizes, unmeasuredRuns, null);
  const on = `${formatBytes(modelBytes)} of model and ${formatBytes(runtimeBytes)} of runtime, compressed (br)`;
  return visited(allowed, modelBytes + runtimeBytes, { subject: null, on });
}
