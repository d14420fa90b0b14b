/** What made-up inputs tell of a result, against what data of the model's own kind tells: the section "Probes" of bench/RESULTS.md.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/probes.ts [model …]
 *
 *  Every result is made without data. What was made and measured on data is kept in .cache/probes; probes run anew. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openEngine } from '../src/compute/engine/open.ts';
import { openOn } from '../src/compute/engine/open-model.ts';
import { prepareData } from '../src/data/prepare-data.ts';
import { withCarriedStates } from '../src/jobs/carry-states.ts';
import { compress } from '../src/jobs/compress.ts';
import { taskOf } from '../src/jobs/model-task.ts';
import { openProbe } from '../src/jobs/probe.ts';
import { runPair } from '../src/jobs/run-pair.ts';
import { formatMeasure, mainMeasure, worstSqnr } from '../src/judge/report/measure-words.ts';
import { pointsLostOf } from '../src/judge/report/metrics.ts';
import type { PairResult, Report } from '../src/judge/report/report.ts';
import { comparedLevel, mainMetric } from '../src/judge/report/verdict.ts';
import { pointsLost } from '../src/judge/task/measure.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import type { OpenedModel } from '../src/model/formats/opened.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { Diagnostic } from '../src/support/diagnostics.ts';
import { spread } from '../src/support/spread.ts';
import { cacheFolder, type ProbeCase, probeCases } from './probe-cases.ts';

const modes = {
  fp16: { fp16: true },
  int8: { int8: true },
  q4: { q4: true },
  'prune 50%': { prune: 50 },
} as const;

type Mode = keyof typeof modes;
const usualSamples = 100;

/** On data of the model's own kind. */
type Real = Pick<PairResult, 'compare' | 'evaluation'>;

async function made({ name, model }: ProbeCase, mode: Mode): Promise<Uint8Array> {
  const file = path.join(cacheFolder, `${name} ${mode}.onnx`.replaceAll(/[^\w.]+/g, '-'));
  if (!existsSync(file)) {
    const { files } = await compress(model, {
      ...modes[mode],
      format: 'onnx',
      measure: false,
      compare: false,
    });
    writeFileSync(file, files[0]!.bytes);
  }
  return new Uint8Array(readFileSync(file));
}

async function onData(c: ProbeCase, mode: Mode, opened: OpenedModel, result: OpenedModel): Promise<Real> {
  const file = path.join(cacheFolder, `${c.name} ${mode}.json`.replaceAll(/[^\w.]+/g, '-'));
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const engine = await openEngine('wasm');
  const { held } = await prepareData({ path: c.data(), ...c.options }, portsOf(opened.model), {
    ...{ seed: 0, calibration: 0, evaluation: Number.POSITIVE_INFINITY, synthetic: 0, model: opened },
  });
  const indices = spread(held.indices, c.samples ?? usualSamples);
  let { source } = held;
  if (source.carried) {
    const session = await openOn(engine, opened);
    source = await withCarriedStates(source, indices, session, undefined);
    await session.close();
  }
  const task = taskOf(opened, undefined, source);
  const { compare, evaluation } = await runPair(
    { model: opened },
    { model: result },
    { engine, source, indices, task, pictures: 0 },
  );
  writeFileSync(file, JSON.stringify({ compare, evaluation }));
  return { compare, evaluation };
}

/** How bad a result really is: points of accuracy, or of the measure that stands for the task, or its noise. */
function truthOf(real: Real): 'fine' | 'destroyed' | 'between' {
  const metric = mainMetric(real);
  const measure = mainMeasure(real);
  // A third and a tenth of what answers vary by: 10 and 20 dB.
  if (measure?.id === 'relative-error' && measure.value !== null)
    return measure.value > 0.316 ? 'destroyed' : measure.value < 0.1 ? 'fine' : 'between';
  const lost = metric?.unit === 'fraction' ? pointsLostOf(metric) : measure && pointsLost(measure);
  const sqnr = worstSqnr(real);
  if (lost === null || lost === undefined) {
    if (sqnr === null) return 'fine';
    return sqnr < 10 ? 'destroyed' : sqnr > 20 ? 'fine' : 'between';
  }
  return lost > 10 ? 'destroyed' : lost < 2 ? 'fine' : 'between';
}

const figures = (found: Real): string => {
  const measure = mainMeasure(found);
  const sqnr = worstSqnr(found);
  const metric = mainMetric(found);
  const told = measure && measure.id !== 'sqnr' ? `${measure.name} ${formatMeasure(measure)}, ` : '';
  const accuracy =
    metric && metric.unit === 'fraction'
      ? `, ${metric.name} ${(100 * metric.before!).toFixed(0)} → ${(100 * metric.after!).toFixed(0)} %`
      : '';
  return `${told}${sqnr === null ? 'no noise' : `${sqnr.toFixed(1)} dB`}${accuracy}`;
};

const wanted = process.argv.slice(2);
const tally = { destroyed: 0, missed: 0, fine: 0, alarmed: 0 };
mkdirSync(cacheFolder, { recursive: true });
console.log(JSON.stringify(describeMachine()));
console.log('| model | result | on made-up inputs | on data | level | |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const c of probeCases.filter(
  ({ name }) => wanted.length === 0 || wanted.some((w) => name.includes(w)),
)) {
  if (!existsSync(c.model)) {
    console.log(`| ${c.name} | not measured: set EDGEPRESS_ZOO |`);
    continue;
  }
  const opened = await openModel(c.model);
  const task = taskOf(opened, undefined);
  const engine = await openEngine('wasm');
  const began = performance.now();
  const probe = await openProbe(opened, null, { comparedOn: 'wasm', task });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const what = `${probe.facts.what}; ${probe.indices.length} samples${probe.facts.choices === undefined ? '' : `, ${probe.facts.choices} answers`}; ${task.name}; ${seconds} s`;
  console.log(`| ${c.name} | | ${what} | | | |`);
  for (const mode of Object.keys(modes) as Mode[]) {
    try {
      const result = await openModel(await made(c, mode));
      const real = await onData(c, mode, opened, result);
      const found = await runPair(
        { model: opened },
        { model: result },
        { engine, task, source: probe.source, indices: probe.indices, pictures: 0 },
      );
      const level = comparedLevel({ ...found, task, probe: probe.facts, data: null } as unknown as Report);
      const truth = truthOf(real);
      const isMissed = truth === 'destroyed' && level !== 'bad';
      const isAlarm = truth === 'fine' && level === 'bad';
      if (truth === 'destroyed') tally.destroyed++;
      if (truth === 'fine') tally.fine++;
      if (isMissed) tally.missed++;
      if (isAlarm) tally.alarmed++;
      const judged = isMissed ? '**missed**' : isAlarm ? '**false alarm**' : '';
      console.log(
        `| ${c.name} | ${mode} | ${figures(found)} | ${figures(real)}, ${truth} | ${level} | ${judged} |`,
      );
    } catch (error) {
      if (!(error instanceof Diagnostic)) throw error;
      console.log(`| ${c.name} | ${mode} | ${error.code} | | | |`);
    }
  }
}
console.log(
  `\nOf ${tally.destroyed} destroyed results ${tally.missed} not red; of ${tally.fine} fine ones ${tally.alarmed} red.`,
);
