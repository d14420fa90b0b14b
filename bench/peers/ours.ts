/** Our side of what quantise.py does: the quantising part of `--int8 --data` (read, clean up, calibrate, quantise in the ways
 *  that are tried, write; no report)
 *  in a process of its own. One JSON job on standard input, one JSON line as answer. Run as built code: see our-process.ts. */
import { readFileSync, rmSync } from 'node:fs';
import { compressModel } from '../../src/compress/compress.ts';
import { planFacts } from '../../src/compress/plan-facts.ts';
import { createNearness } from '../../src/compute/calibrate/nearness.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { openData } from '../../src/data/open.ts';
import { splitData } from '../../src/data/split.ts';
import { calibrate, calibratingSamples } from '../../src/jobs/calibrate.ts';
import { askToCompress } from '../../src/jobs/compress.ts';
import { writeModelFile } from '../../src/model/formats/file.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { peakMemoryBytes } from '../../src/ship/profile/peak-memory.ts';
import { createTimeline } from './timeline.ts';

export interface OurJob {
  readonly model: string;
  readonly data: string;
  readonly preprocess?: string | undefined;
  readonly target: 'wasm' | 'node';
  readonly output: string;
  readonly calibrate: number;
  readonly evaluate: number;
}

export interface Timing {
  readonly seconds: number;
  /** All threads together, and the system's work for them. */
  readonly processorSeconds: number;
  /** Resident when the work began: the runtime of the language and its packages. */
  readonly beforeBytes: number;
  readonly peakBytes: number;
}

async function quantise(job: OurJob): Promise<object> {
  const beforeBytes = peakMemoryBytes();
  const started = performance.now();
  const spent = process.cpuUsage();
  const at = createTimeline();
  const opened = openModel(job.model);
  const { model: path, data, output, ...asked } = job;
  const request = { int8: true, data, ...asked };
  const plan = await (await askToCompress(request)).plan(planFacts(opened.model, path));
  const source = await openData(data, portsOf(opened.model), { seed: 0, preprocess: job.preprocess });
  const split = { calibration: job.calibrate, evaluation: job.evaluate, seed: 0 };
  const { calibration } = await splitData(source, split);
  at('open');
  const engine = await openEngine();
  at('engine');
  const samples = calibratingSamples({ source, calibration }, plan.recipe);
  const result = await compressModel(opened.model, {
    recipe: plan.recipe,
    engine,
    nearness: createNearness(engine, samples),
    calibrate: async (m, requests) => {
      const isFirst = !at.steps.some(({ step }) => step === 'calibrate');
      at(isFirst ? 'clean up' : 'quantise, try ranges');
      const { statistics } = await calibrate(m, requests, samples, { engine });
      at(isFirst ? 'calibrate' : 'measure shifts');
      return statistics;
    },
  });
  at('finish');
  rmSync(output, { force: true });
  writeModelFile(result.model, output);
  at('write');
  const { user, system } = process.cpuUsage(spent);
  const timing: Timing = {
    seconds: (performance.now() - started) / 1000,
    processorSeconds: (user + system) / 1e6,
    beforeBytes,
    peakBytes: peakMemoryBytes(),
  };
  return { ...timing, steps: at.steps };
}

console.log(JSON.stringify(await quantise(JSON.parse(readFileSync(0, 'utf8')))));
