/** What can be measured of a model at its task: the catalogue of measures, and one of them with its value. */
import { z } from 'zod';

export const measureSchema = z.object({
  /** Which of the catalogue, for programs: "same-top-1". */
  id: z.string(),
  /** As people read it. */
  name: z.string(),
  /** null where it could not be told, such as boxes where neither model finds any. */
  value: z.number().nullable(),
  /** 'fraction' prints as percent; 'index' is a number up to 1, 'own' in the unit of the output itself, 'nats' of a distribution. */
  unit: z.enum(['fraction', 'index', 'dB', 'own', 'nats', 'number']),
  higherIsBetter: z.boolean(),
  /** Of two models that answer alike; null where there is none (decibels have no end). */
  ideal: z.number().nullable(),
  /** Worse than `warn` is doubtful, worse than `bad` is bad; null for what says nothing by itself. */
  limits: z.object({ warn: z.number(), bad: z.number().nullable() }).nullable(),
  /** 95 %, where it is known. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** The output that it is of, where a model has several and the worst counts. */
  of: z.string().optional(),
});

export type Measure = z.infer<typeof measureSchema>;

/** How good each of two models is by labels, or by what comes next in a text. */
export const metricSchema = z.object({
  name: z.string(),
  before: z.number().nullable(),
  after: z.number().nullable(),
  /** 'fraction' prints as percent. */
  unit: z.enum(['fraction', 'number', 'bits']),
  higherIsBetter: z.boolean(),
  /** 95 % interval of `after`, where it has one. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** 95 % interval of `after` − `before` on the same samples; absent where it is not known. */
  changeInterval: z.tuple([z.number(), z.number()]).optional(),
});

export type Metric = z.infer<typeof metricSchema>;

type Kind = Omit<Measure, 'id' | 'value' | 'interval'>;

const share = (name: string, limits: Kind['limits']): Kind => ({
  ...{ name, limits, unit: 'fraction', higherIsBetter: true, ideal: 1 },
});
const index = (name: string, limits: Kind['limits']): Kind => ({
  ...{ name, limits, unit: 'index', higherIsBetter: true, ideal: 1 },
});
const error = (name: string, unit: Kind['unit'], limits: Kind['limits'] = null): Kind => ({
  ...{ name, limits, unit, higherIsBetter: false, ideal: 0 },
});

/** Of answers that are right or wrong. */
const answers = { warn: 0.97, bad: 0.9 };

/** Measures against the original, each in one row. What they mean in a sentence is in src/judge/report/measure-words.ts. */
export const measures = {
  'same-top-1': share('same top-1', answers),
  'same-next-token': share('same next token', answers),
  /** Under 10 dB a third of what an answer says is noise, as for 'relative-error'; results that are of no use lie near 0 (bench/RESULTS.md). */
  sqnr: { name: 'SQNR', unit: 'dB', higherIsBetter: true, ideal: null, limits: { warn: 15, bad: 10 } },
  /** Of the next token's distribution; 0.2 nats are a fifth more of perplexity. */
  divergence: error('divergence of the next token', 'nats', { warn: 0.05, bad: 0.2 }),
  'cosine-mean': index('cosine', { warn: 0.99, bad: 0.95 }),
  'cosine-worst': index('worst cosine', { warn: 0.95, bad: 0.8 }),
  'neighbours-kept': share('nearest neighbours kept', null),
  /** Of the root mean square of what the original's answers vary by: 15 dB and 10 dB of noise. */
  'relative-error': error('error', 'fraction', { warn: 0.178, bad: 0.316 }),
  rmse: error('RMSE', 'own'),
  mae: error('mean absolute error', 'own'),
  ssim: index('SSIM', { warn: 0.95, bad: 0.85 }),
  psnr: { name: 'PSNR', unit: 'dB', higherIsBetter: true, ideal: null, limits: { warn: 30, bad: 20 } },
  'mean-iou': share('mean IoU', { warn: 0.9, bad: 0.75 }),
  'same-places': share('same class of places', null),
  /** Of the result's boxes, the original's being taken for right. */
  'map-50': share('mAP@0.5', { warn: 0.95, bad: 0.85 }),
  'map-coco': share('mAP@0.5:0.95', null),
  'boxes-matched': share('matched boxes', null),
  'activations-f1': share('F1 of what is there', { warn: 0.95, bad: 0.85 }),
  'activations-error': error('mean difference of activations', 'number'),
  'text-kept': share('text kept', { warn: 0.95, bad: 0.85 }),
  'characters-kept': share('characters kept', { warn: 0.98, bad: 0.93 }),
} as const satisfies Record<string, Kind>;

export type MeasureId = keyof typeof measures;

/** One of the catalogue with what was found. */
export function measured(
  id: MeasureId,
  value: number | null,
  interval: readonly [number, number] | null = null,
): Measure {
  const { limits, ...kind } = measures[id];
  // Numbers that are none are told of as such, output by output.
  const known = value !== null && Number.isFinite(value) ? value : null;
  return { id, ...kind, limits: limits && { ...limits }, value: known, interval: interval && [...interval] };
}

export type Level = 'plain' | 'warn' | 'bad';

export function levelOf({ value, limits, higherIsBetter }: Measure): Level {
  if (value === null || limits === null) return 'plain';
  const isWorse = (limit: number) => (higherIsBetter ? value < limit : value > limit);
  return limits.bad !== null && isWorse(limits.bad) ? 'bad' : isWorse(limits.warn) ? 'warn' : 'plain';
}

/** Points (hundredths) that are lost against a model that answers alike; null for what is no share. */
export function pointsLost({ value, ideal, unit }: Measure): number | null {
  if (value === null || ideal === null || (unit !== 'fraction' && unit !== 'index')) return null;
  return 100 * Math.abs(ideal - value);
}

/** The measure that stands for the task: the first that has a value. */
export const mainOf = (found: readonly Measure[]): Measure | null =>
  found.find(({ value }) => value !== null) ?? null;

/** The first that points can be lost of. */
export const budgeted = (found: readonly Measure[]): Measure | null =>
  found.find((m) => pointsLost(m) !== null) ?? null;

/** Of a measure of the catalogue by its name, and a value of it; of others nothing is known. */
export function levelOfNamed({ name, value }: Pick<Measure, 'name'> & { readonly value: number }): Level {
  const id = (Object.keys(measures) as MeasureId[]).find((key) => measures[key].name === name);
  return id ? levelOf(measured(id, value)) : 'plain';
}
