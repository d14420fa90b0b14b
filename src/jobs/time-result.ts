/** How long a result takes on a device: beside the original by turns where there is one, else alone. */
import { syntheticInputs } from '../data/synthetic.ts';
import { placeName } from '../judge/report/latency.ts';
import type { Latency, Report } from '../judge/report/report.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { type Port, portsOf } from '../model/ir/port.ts';
import { compareLatency, type LatencyChange } from '../ship/profile/compare-runs.ts';
import { type ProfileRow, parseDevice, type Subject } from '../ship/profile/device.ts';
import { medianInterval } from '../support/statistics.ts';
import { counted } from '../support/units.ts';
import type { Base } from './check-against.ts';
import { timeAlone, timeByTurns } from './measure-pair.ts';
import { brotliBytesOf } from './model-facts.ts';
import { measuredOn, placeOf } from './profile-rows.ts';
import { dimsOf, modelSubjects } from './profile-subjects.ts';
import { type JobRun, step } from './progress.ts';
import type { CheckRequest } from './requests/check.ts';

export interface Timed {
  /** "wasm", "chromium:phone", "node × 4". */
  readonly subject: string;
  /** Runs, place and runtime, for people. */
  readonly on: string;
  readonly medianMs: number;
  readonly intervalMs: readonly [number, number];
  /** What it is compared with and how the two compare; or why they can't be. null: there is nothing. */
  readonly beside: { readonly medianMs: number; readonly change: LatencyChange } | string | null;
  /** Of a first visit, where a network is emulated. */
  readonly firstResultMs: number | null;
}

/** Why it has no time. */
export interface Untimed {
  readonly subject: string;
  readonly reason: string;
}

/** One for each provider and number of threads. @throws what opening the device and measuring throw */
export async function timeResult(
  device: string,
  result: OpenedModel,
  base: Base | null,
  asked: CheckRequest,
  run: JobRun,
): Promise<(Timed | Untimed)[]> {
  const { kind } = parseDevice(device);
  if (result.format.id === 'tfjs')
    return [{ subject: device, reason: 'TensorFlow.js runs it, which is measured in bundles alone' }];
  return kind === 'node' || kind === 'wasm'
    ? onEngine(kind, result, base, asked, run)
    : inPage(device, result, base, asked, run);
}

async function onEngine(
  engine: 'node' | 'wasm',
  result: OpenedModel,
  base: Base | null,
  asked: CheckRequest,
  run: JobRun,
): Promise<(Timed | Untimed)[]> {
  const provider = engine === 'node' ? 'cpu' : 'wasm';
  if (asked.provider && !asked.provider.includes(provider))
    return [{ subject: engine, reason: `it runs on ${provider} only` }];
  if (result.format.id === 'tflite')
    return [{ subject: engine, reason: 'LiteRT.js runs it, in browsers alone' }];
  const found: Timed[] = [];
  for (const threads of new Set(asked.threads))
    found.push(await inProcess(engine, threads, result, base, asked, run));
  return found;
}

async function inProcess(
  engine: 'node' | 'wasm',
  threads: number,
  result: OpenedModel,
  base: Base | null,
  asked: CheckRequest,
  { signal, events }: JobRun,
): Promise<Timed> {
  const ports = portsOf(result.model);
  const feeds = syntheticInputs(ports, { seed: 0, dims: dimsOf(asked) });
  const options = { engine, threads, signal };
  const measure = async (): Promise<readonly [Latency | null, Latency]> =>
    base?.kind === 'model'
      ? timeByTurns(base.model, result, feeds, options)
      : [null, await timeAlone(result, feeds, options)];
  const runs = ([before, { repetitions }]: readonly [Latency | null, Latency]) =>
    before === null ? counted(repetitions, 'run') : `${repetitions} runs each, by turns`;
  const [before, after] = await step(events, engine, measure, runs);
  const other = before ?? (base?.kind === 'report' ? earlierLatency(base.report, after, ports) : null);
  const { medianMs, repetitions, runtime, samplesMs } = after;
  return {
    subject: threads > 1 ? `${engine} × ${threads}` : engine,
    on: `${counted(repetitions, 'run')}${before ? ' by turns' : ''} on ${placeName(after)}, ${runtime}`,
    medianMs,
    intervalMs: medianInterval(samplesMs),
    beside:
      other === null || typeof other === 'string'
        ? other
        : { medianMs: other.medianMs, change: compareLatency(other, after) },
    firstResultMs: null,
  };
}

/** What an earlier result took on this very machine and runtime; or why there is nothing of the kind. */
function earlierLatency({ latency }: Report, now: Latency, ports: readonly Port[]): Latency | string {
  if (ports.some(({ shape }) => shape === null || shape.slice(1).some((size) => typeof size !== 'number')))
    return 'the report does not say of which sizes of open inputs its times are';
  const same = (['device', 'provider', 'runtime', 'threads', 'emulated'] as const).map(
    (key) => (other: Latency) => other[key] === now[key],
  );
  const found = latency.find((l) => l.model === 'after' && same.every((isSame) => isSame(l)));
  return found ?? 'the report has no time of this machine, runtime and number of threads';
}

async function inPage(
  device: string,
  result: OpenedModel,
  base: Base | null,
  asked: CheckRequest,
  run: JobRun,
): Promise<(Timed | Untimed)[]> {
  const dims = dimsOf(asked);
  const sizes = { bytes: result.sizeBytes, brotliBytes: await brotliBytesOf(result) };
  const own: Subject = { ...modelSubjects(result, dims)[0], name: 'result', sizes };
  const others = base?.kind === 'model' ? [{ ...modelSubjects(base.model, dims)[0], name: 'original' }] : [];
  const { provider = ['wasm'], threads } = asked;
  const settings = { provider, threads, throughput: undefined };
  const { device: browser, rows } = await measuredOn(device, [...others, own], settings, run);
  return rows
    .filter((row) => row.subject === own.name)
    .map((row): Timed | Untimed => {
      const subject = placeOf(row) === 'wasm' ? device : `${device} ${placeOf(row)}`;
      const { measured, reason, visit } = row;
      const { medianMs = null, repetitions = 0, runtime = '' } = measured?.result ?? {};
      if (measured === null || medianMs === null) return { subject, reason: reason ?? 'it has no median' };
      const before = rows.find((other) => other.subject === 'original' && placeOf(other) === placeOf(row));
      return {
        subject,
        on: `${counted(repetitions, 'run')}${measured.result.against ? ' by turns' : ''} on ${browser.title}, ${runtime}`,
        medianMs,
        intervalMs: measured.intervalMs,
        beside: besideInPage(base, row, before),
        firstResultMs: visit?.firstResultMs ?? null,
      };
    });
}

function besideInPage(
  base: Base | null,
  { measured }: ProfileRow,
  before: ProfileRow | undefined,
): Timed['beside'] {
  if (base === null) return null;
  if (base.kind === 'report') return 'reports have no times in browsers';
  const medianMs = before?.measured?.result.medianMs ?? null;
  const against = measured?.result.against;
  if (!against || medianMs === null) return 'the original could not be run by turns with it';
  return { medianMs, change: against };
}
