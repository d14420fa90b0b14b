/** What measures of a task say, in words: one place for all views. Numbers and ids come in, sentences go out. */
import { tasks } from '../../support/task.ts';
import { formatDb, formatDecimal, formatPercent } from '../../support/units.ts';
import { type Measure, type MeasureId, mainOf } from '../task/measure.ts';
import { measuresOfOutputs } from '../task/measures-of.ts';
import type { Task } from '../task/task.ts';
import type { Report } from './report.ts';

/** Of a report, what stands for the task first; of older reports what their outputs say. */
export const measuresOf = ({ compare }: Pick<Report, 'compare'>): readonly Measure[] =>
  compare === null ? [] : (compare.measures ?? measuresOfOutputs(compare.outputs));

/** What stands for the task against the original; null where nothing was compared or nothing differs. */
export const mainMeasure = (report: Pick<Report, 'compare'>): Measure | null => mainOf(measuresOf(report));

/** "98.3 %", "0.9987", "37.1 dB"; a dash for what could not be told. */
export function formatMeasure({ unit, value }: Pick<Measure, 'unit' | 'value'>): string {
  if (value === null) return '–';
  if (unit === 'fraction') return formatPercent(value);
  if (unit === 'dB') return formatDb(value);
  if (unit === 'index') return formatDecimal(value, 4);
  return `${Number(value.toPrecision(3))}${unit === 'nats' ? ' nats' : ''}`;
}

interface Words {
  /** In the headline: "same answer for 98.3 % of 400 images". */
  readonly headline: (value: string, on: string) => string;
  /** What is wrong, a sentence without its end: "Gives the same answer as the original for only 85.0 % of 400 images". */
  readonly lacks: (value: string, on: string) => string;
}

const words: Readonly<Partial<Record<MeasureId, Words>>> = {
  'same-top-1': {
    headline: (value, on) => `same answer for ${value} of ${on}`,
    lacks: (value, on) => `Gives the same answer as the original for only ${value} of ${on}`,
  },
  'same-next-token': {
    headline: (value, on) => `same next token ${value} of the time on ${on}`,
    lacks: (value, on) => `Says the same next token as the original only ${value} of the time on ${on}`,
  },
  divergence: {
    headline: (value, on) => `next token's distribution off by ${value} on ${on}`,
    lacks: (value, on) =>
      `What comes next has other probabilities than for the original: ${value} of divergence on ${on}`,
  },
  sqnr: {
    headline: (value, on) => `outputs within ${value} SQNR on ${on}`,
    lacks: (value, on) => `Outputs are far from the original's: SQNR ${value} on ${on}`,
  },
  'cosine-mean': {
    headline: (value, on) => `vectors point as before (cosine ${value}) on ${on}`,
    lacks: (value, on) => `Vectors point elsewhere than the original's: mean cosine ${value} on ${on}`,
  },
  'cosine-worst': {
    headline: (value, on) => `cosine at least ${value} on ${on}`,
    lacks: (value, on) =>
      `One vector points elsewhere than the original's: cosine ${value}, the worst of ${on}`,
  },
  'relative-error': {
    headline: (value, on) => `answers off by ${value} of what they vary on ${on}`,
    lacks: (value, on) => `Answers are off by ${value} of what they vary on ${on}`,
  },
  psnr: {
    headline: (value, on) => `pictures within ${value} PSNR on ${on}`,
    lacks: (value, on) => `Pictures are noisier than the original's: PSNR ${value} on ${on}`,
  },
  ssim: {
    headline: (value, on) => `pictures alike (SSIM ${value}) on ${on}`,
    lacks: (value, on) => `Pictures are not built as the original's: SSIM ${value} on ${on}`,
  },
  'mean-iou': {
    headline: (value, on) => `masks overlap by ${value} (mean IoU) on ${on}`,
    lacks: (value, on) => `Masks overlap the original's by only ${value} (mean IoU) on ${on}`,
  },
  'map-50': {
    headline: (value, on) => `finds the original's boxes with mAP@0.5 ${value} on ${on}`,
    lacks: (value, on) => `Finds the original's boxes with an mAP@0.5 of only ${value} on ${on}`,
  },
  'activations-f1': {
    headline: (value, on) => `finds what the original finds with F1 ${value} on ${on}`,
    lacks: (value, on) => `Finds what the original finds with an F1 of only ${value} on ${on}`,
  },
  'text-kept': {
    headline: (value, on) => `same text for ${value} of ${on}`,
    lacks: (value, on) => `Reads the same text as the original in only ${value} of ${on}`,
  },
  'characters-kept': {
    headline: (value, on) => `${value} of characters as before on ${on}`,
    lacks: (value, on) => `Only ${value} of characters are as the original reads them on ${on}`,
  },
};

/** "Mean IoU" at the beginning of a line; "mAP@0.5" is a name of its own. */
export const titleOfMeasure = (name: string): string =>
  /^[a-z]+[A-Z]/.test(name) ? name : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

const wordsOf = ({ id, name }: Pick<Measure, 'id' | 'name'>): Words =>
  words[id as MeasureId] ?? {
    headline: (value, on) => `${name} ${value} on ${on}`,
    lacks: (value, on) => `${titleOfMeasure(name)} is ${value} on ${on}`,
  };

/** @param on  "400 images" */
export const measureHeadline = (measure: Measure, on: string): string =>
  wordsOf(measure).headline(formatMeasure(measure), `${on}${worstOf(measure)}`);

export const measureLacks = (measure: Measure, on: string): string =>
  wordsOf(measure).lacks(formatMeasure(measure), `${on}${worstOf(measure)}`);

const worstOf = ({ of }: Measure): string => (of === undefined ? '' : ` in the worst output, "${of}"`);

/** Of two models that answer alike it is 100 %, and what is between is counted in samples or places. */
export const isShareOfAnswers = ({ id }: Pick<Measure, 'id'>): boolean =>
  id === 'same-top-1' || id === 'same-next-token';

/** "object detection: boxes [1,4420,4] and scores [1,4420,2]" */
export function taskText({ name, by, evidence }: Task): string {
  const how = by === 'asked' ? ', as --task says' : '';
  return evidence === '' ? `${tasks[name]}${how}` : `${tasks[name]}${how}: ${evidence}`;
}

/** Lowest SQNR of any output in dB; null where none has one. */
export const worstSqnr = (report: Pick<Report, 'compare'>) =>
  lowest(report.compare?.outputs.map((output) => output.sqnrDb) ?? []);

function lowest(values: readonly (number | null)[]): number | null {
  const known = values.filter((v) => v !== null && !Number.isNaN(v)) as number[];
  return known.length === 0 ? null : Math.min(...known);
}
