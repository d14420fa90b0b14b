/** Latency of two models, run alternately, and the peak memory of each alone, on the runtime of the target. */

import type { EngineName } from '../compute/engine/contract.ts';
import type { Stoppable } from '../compute/engine/run-context.ts';
import type { Sample } from '../data/source.ts';
import { syntheticInputs } from '../data/synthetic.ts';
import type { Latency, PairMeasurement } from '../judge/report/report.ts';
import type { Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import {
  type IsolatedCandidate,
  measureByTurnsIsolated,
  measureIsolated,
  memoryMethod,
} from '../ship/profile/isolated.ts';
import { describeMachine, installedVersion } from '../ship/profile/machine.ts';
import type { Measurement } from '../ship/profile/measure.ts';

interface MeasurePairOptions extends Stoppable {
  readonly engine: EngineName;
  /** What to feed; when absent, seeded synthetic inputs of the ports' shapes. */
  readonly sample: Sample | null;
  readonly ports: readonly Port[];
  readonly maxMs?: number;
}

export async function measurePair(
  before: Runnable,
  after: Runnable,
  { engine, sample, ports, signal, maxMs }: MeasurePairOptions,
): Promise<PairMeasurement> {
  const feeds = sample?.inputs ?? syntheticInputs(ports, { seed: 0 });
  const common = { engine, signal };
  const latency = await timeByTurns(before, after, feeds, { ...common, maxMs });
  const session = { threads: 1 };
  const brief = { ...common, session, warmup: 1, minRepetitions: 3, maxRepetitions: 3, maxMs: 1000 };
  const a = await measureIsolated(before, feeds, brief);
  const b = await measureIsolated(after, feeds, brief);
  return {
    latency,
    memory: {
      beforePeakBytes: a.memory.peakBytes,
      afterPeakBytes: b.memory.peakBytes,
      how: memoryMethod(engine),
    },
  };
}

type Feeds = Sample['inputs'];

interface TimeOptions extends Stoppable {
  readonly engine: EngineName;
  readonly threads?: number;
  readonly maxMs?: number | undefined;
}

const patience = (maxMs = 3000) => ({
  ...{ maxMs, minMs: Math.min(maxMs, 1500), warmupMs: 700 },
  ...{ minRepetitions: 20, maxRepetitions: 1000 },
});

/** In a process of their own. */
export async function timeByTurns(
  before: Runnable,
  after: Runnable,
  feeds: Feeds,
  { engine, threads = 1, signal, maxMs }: TimeOptions,
): Promise<[Latency, Latency]> {
  const candidate = (model: Runnable): IsolatedCandidate => ({ model, session: { threads } });
  const options = { engine, signal, ...patience(maxMs) };
  const [a, b] = await measureByTurnsIsolated([candidate(before), candidate(after)], feeds, options);
  const place = { engine, threads, byTurns: true };
  return [row('before', a!, place), row('after', b!, place)];
}

/** In a process of its own. */
export async function timeAlone(
  model: Runnable,
  feeds: Feeds,
  { engine, threads = 1, signal, maxMs }: TimeOptions,
): Promise<Latency> {
  const session = { threads };
  const timed = await measureIsolated(model, feeds, { engine, signal, session, ...patience(maxMs) });
  return row('after', timed, { engine, threads, byTurns: false });
}

interface Place {
  readonly engine: EngineName;
  readonly threads: number;
  readonly byTurns: boolean;
}

function row(model: Latency['model'], m: Measurement, { engine, threads, byTurns }: Place): Latency {
  const packageName = engine === 'node' ? 'onnxruntime-node' : 'onnxruntime-web';
  return {
    model,
    device: `this machine (${describeMachine().cpu})`,
    provider: engine === 'node' ? 'cpu' : 'wasm',
    runtime: `${packageName} ${installedVersion(packageName) ?? ''}`.trim(),
    threads,
    config: {},
    warmup: m.warmup,
    repetitions: m.samplesMs.length,
    medianMs: m.medianMs,
    p90Ms: m.p90Ms,
    minMs: m.minMs,
    createMs: m.createMs,
    firstRunMs: m.firstRunMs,
    samplesMs: m.samplesMs.map((ms) => Number(ms.toPrecision(5))),
    byTurns,
    emulated: false,
  };
}
