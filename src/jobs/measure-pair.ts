/** Latency of two models, run alternately, and the peak memory of each alone, on the runtime of the target. */

import type { EngineName } from '../compute/engine/contract.ts';
import type { Stoppable } from '../compute/engine/run-context.ts';
import type { Sample } from '../data/source.ts';
import { syntheticInputs } from '../data/synthetic.ts';
import type { Latency, PairMeasurement } from '../judge/report/report.ts';
import type { Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import { measureIsolated, measureTwoIsolated, memoryMethod } from '../ship/profile/isolated.ts';
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
  { engine, sample, ports, signal, maxMs = 3000 }: MeasurePairOptions,
): Promise<PairMeasurement> {
  const feeds = sample?.inputs ?? syntheticInputs(ports, { seed: 0 });
  const common = { engine, signal };
  const session = { threads: 1 };
  const pair = await measureTwoIsolated({ model: before, session }, { model: after, session }, feeds, {
    ...common,
    maxMs,
    minMs: Math.min(maxMs, 1500),
    warmupMs: 700,
    minRepetitions: 20,
    maxRepetitions: 1000,
  });
  const brief = { ...common, session, warmup: 1, minRepetitions: 3, maxRepetitions: 3, maxMs: 1000 };
  const a = await measureIsolated(before, feeds, brief);
  const b = await measureIsolated(after, feeds, brief);
  return {
    latency: [row('before', pair.before, engine), row('after', pair.after, engine)],
    memory: {
      beforePeakBytes: a.memory.peakBytes,
      afterPeakBytes: b.memory.peakBytes,
      how: memoryMethod(engine),
    },
  };
}

function row(model: Latency['model'], m: Measurement, engine: EngineName): Latency {
  const packageName = engine === 'node' ? 'onnxruntime-node' : 'onnxruntime-web';
  return {
    model,
    device: `this machine (${describeMachine().cpu})`,
    provider: engine === 'node' ? 'cpu' : 'wasm',
    runtime: `${packageName} ${installedVersion(packageName) ?? ''}`.trim(),
    threads: 1,
    config: {},
    warmup: m.warmup,
    repetitions: m.samplesMs.length,
    medianMs: m.medianMs,
    p90Ms: m.p90Ms,
    minMs: m.minMs,
    createMs: m.createMs,
    firstRunMs: m.firstRunMs,
    samplesMs: m.samplesMs.map((ms) => Number(ms.toPrecision(5))),
    byTurns: true,
    emulated: false,
  };
}
