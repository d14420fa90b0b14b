/** What the gate of a bundle measures against: how near a variant's outputs have to be, and how that is said. */
import type { DataSource } from '../data/source.ts';
import type { OutputComparison } from '../judge/analyze/compare.ts';
import { formatMeasure, isShareOfAnswers } from '../judge/report/measure-words.ts';
import { budgeted, type Measure, mainOf } from '../judge/task/measure.ts';
import type { Task } from '../judge/task/task.ts';
import { formatDb, formatPercent } from '../support/units.ts';

export interface Budget {
  /** Share of samples with the same top-1, or of the task's own measure, where the data is real; null: none was asked for. */
  readonly minAgreement: number | null;
  /** dB, for all that no measure of the task is of. */
  readonly minSqnrDb: number;
}

export interface GateData {
  readonly source: DataSource;
  readonly indices: readonly number[];
  /** Inputs of a probe, which the original tells apart: measures of its task say something of them. */
  readonly isTelling?: boolean;
}

/** "webgpu, Chromium 140.0, google swiftshader"; of wasm the browser alone. */
export const placeOf = (
  provider: 'wasm' | 'webgpu',
  { browser, adapter }: { readonly browser: string; readonly adapter: string | null },
) => [...(provider === 'webgpu' ? ['webgpu'] : []), browser, ...(adapter ? [adapter] : [])].join(', ');

/** Share of answers that are the original's, where none was asked for. */
export const usualAgreement = 0.9;

export function parityOf({ outputs, measures }: GateFound, samples: number, runtime: string) {
  const main = mainOf(measures);
  const own = main !== null && main.id !== 'sqnr' && main.id !== 'same-top-1' ? main : null;
  const worst = (values: readonly (number | null)[]) => {
    const known = values.filter((v) => v !== null);
    return known.length === 0 ? null : Math.min(...known);
  };
  return {
    runtime,
    samples,
    sqnrDb: worst(outputs.map((o) => o.sqnrDb)),
    cosine: worst(outputs.map((o) => o.cosine)),
    top1Agreement: worst(outputs.map((o) => o.top1Agreement)),
    ...(own && { measure: { name: own.name, value: own.value!, unit: own.unit } }),
  };
}

/** An error that is smaller than this is none, where an output is all zero. */
const nothing = 1e-3;

/** Of few samples, one that differs may be chance: a variant that agrees on 94 of 100 agrees on all of four only three
 *  times out of four. Kernels that are wrong disagree on more than one. */
export const fewAgreement = (samples: number, minAgreement: number) =>
  1 - Math.ceil(samples * (1 - minAgreement) - 1e-9) / samples;

/** What was found on samples. */
export interface GateFound {
  readonly task: Task;
  readonly outputs: readonly OutputComparison[];
  readonly measures: readonly Measure[];
}

/** Why what was found is not near enough; null when it is. Outputs are judged by what they are for: the largest score by how often it
 *  is the original's, others by the measures of the task; by noise what no measure is of, and everything where inputs are noise, which
 *  has neither classes nor objects. */
export function outOfBudget(
  found: GateFound,
  { source, isTelling }: GateData,
  budget: Budget,
): string | null {
  const { task, outputs, measures } = found;
  const broken = outputs.find((o) => o.nonFinite > 0);
  if (broken) return `${broken.nonFinite} values of output "${broken.name}" are not finite, or were not`;
  const isReal = source.kind !== 'synthetic' || isTelling === true;
  const least = budget.minAgreement ?? usualAgreement;
  const main = mainOf(measures);
  const isMeasured = isReal && main !== null && main.id !== 'sqnr' && !isShareOfAnswers(main);
  const judged = new Set(isMeasured ? outputsOf(task) : []);
  for (const o of outputs) {
    if (judged.has(o.name)) continue;
    if (o.top1Agreement !== null && isReal) {
      if (o.top1Agreement < least)
        return `same top-1 on ${formatPercent(o.top1Agreement)} of rows of "${o.name}", at least ${formatPercent(least)} asked`;
    } else if (o.sqnrDb !== null) {
      if (o.sqnrDb < budget.minSqnrDb)
        return `output "${o.name}" has SQNR ${formatDb(o.sqnrDb)}, at least ${formatDb(budget.minSqnrDb)} asked`;
    } else if (o.maxAbsError > nothing) return `output "${o.name}" was all zero and is not any more`;
  }
  return isMeasured ? tooFar(measures, budget.minAgreement) : null;
}

const outputsOf = ({ outputs }: Task) => outputs.map(({ name }) => name);

/** @param minAgreement  of the measure that stands for the task, where it is a share; null: none was asked for */
function tooFar(measures: readonly Measure[], minAgreement: number | null): string | null {
  const asked = minAgreement === null ? null : budgeted(measures);
  for (const measure of measures) {
    const { name, value, limits, higherIsBetter } = measure;
    const limit = measure === asked ? askedOf(measure, minAgreement!) : (limits?.bad ?? null);
    if (value === null || limit === null || (higherIsBetter ? value >= limit : value <= limit)) continue;
    const bound = `at ${higherIsBetter ? 'least' : 'most'} ${formatMeasure({ ...measure, value: limit })} asked`;
    return `${name} ${formatMeasure(measure)}, ${bound}`;
  }
  return null;
}

/** Of 90 % asked for, an error may be 10 %. */
const askedOf = ({ ideal, higherIsBetter }: Measure, share: number) =>
  higherIsBetter ? share : ideal! + 1 - share;
