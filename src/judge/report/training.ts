/** What was trained, on what and with what success: the part of a report that a training run adds. */
import { z } from 'zod';
import type { TrainResult } from '../../compute/train/loop.ts';
import type { TrainingSettings } from '../../compute/train/settings.ts';
import { formatInteger } from '../../support/units.ts';
import { folded, table, text } from './markdown-text.ts';

const number = z.number().nullable();

export const trainingSchema = z.object({
  /** 'qat', 'distill', 'finetune', as the job calls it. */
  name: z.string(),
  /** Samples trained on, and samples kept out of that to choose the epoch by. None of either is compared on. */
  samples: z.number(),
  validationSamples: z.number(),
  losses: z.array(z.string()),
  /** Of the samples that chose the epoch: 'accuracy' and 'agreement' are fractions, 'SQNR' dB. null: not measured. */
  metric: z.string().nullable(),
  /** The metric before training. */
  before: number,
  best: z.object({ epoch: z.number(), metric: z.number() }).nullable(),
  epochs: z.array(
    z.object({
      epoch: z.number(),
      loss: z.number(),
      accuracy: number,
      learningRate: z.number(),
      metric: number,
    }),
  ),
  stopped: z.enum(['finished', 'early', 'aborted']),
  seconds: z.number(),
  settings: z.record(z.string(), z.unknown()),
  /** Settings that were changed and that no loss asks for, in words with the reason. Absent in older reports. */
  idle: z.array(z.string()).optional(),
  /** What of the result may surprise, as a sentence. */
  doubt: z.string().optional(),
});

export type TrainingFacts = z.infer<typeof trainingSchema>;

/** What a training run was and how it went, for the report. */
export interface TrainingRecord {
  readonly name: string;
  readonly samples: number;
  readonly validationSamples: number;
  readonly losses: readonly string[];
  /** null: not measured. */
  readonly metric: string | null;
  readonly before: number | null;
  readonly best: { readonly epoch: number; readonly metric: number } | null;
  readonly epochs: TrainResult['history'];
  readonly stopped: TrainResult['stopped'];
  readonly seconds: number;
  readonly settings: TrainingSettings;
  /** Settings that were changed and that no loss asks for, in words with the reason. */
  readonly idle: readonly string[];
  /** What of the result may surprise, as a sentence. */
  readonly doubt?: string;
}

/** "agreement 91.2 %", "SQNR 12.3 dB", "not measured" */
export function trainingMetric({ metric }: Pick<TrainingFacts, 'metric'>, value: number | null): string {
  if (metric === null || value === null) return 'not measured';
  return metric === 'SQNR' ? `SQNR ${value.toFixed(1)} dB` : `${metric} ${(100 * value).toFixed(1)} %`;
}

/** 0.0005, 2.6e-4, 0 */
export const trainingRate = (rate: number) => String(Number(rate.toPrecision(2)));

/** "accuracy 61.5 → 96.1 %", "SQNR 8.1 → 12.3 dB" */
export function trainingGain(t: Pick<TrainingFacts, 'metric' | 'before' | 'best'>): string {
  const after = t.best?.metric ?? null;
  if (t.before === null || after === null) return trainingMetric(t, after);
  return t.metric === 'SQNR'
    ? `SQNR ${t.before.toFixed(1)} → ${after.toFixed(1)} dB`
    : `${t.metric} ${(100 * t.before).toFixed(1)} → ${(100 * after).toFixed(1)} %`;
}

/** One sentence for the terminal: what, on how much, loss and metric before and after, and what was set for nothing. */
export function trainingSentence(t: TrainingFacts): string {
  const [first, last] = [t.epochs[0], t.epochs.at(-1)];
  const count = `${t.epochs.length} ${t.epochs.length === 1 ? 'epoch' : 'epochs'} on ${formatInteger(t.samples)} samples`;
  const loss = first && last ? `loss ${first.loss.toPrecision(3)} → ${last.loss.toPrecision(3)}` : '';
  const gain =
    t.metric === null || t.validationSamples === 0
      ? ''
      : `${trainingGain(t)} on ${formatInteger(t.validationSamples)} held out`;
  const best = t.best && t.epochs.length > 1 ? `best after epoch ${t.best.epoch}` : '';
  const stopped = t.stopped === 'early' ? 'stopped early' : '';
  return [gain, best, count, t.losses.join(' and '), loss, stopped, ...(t.idle ?? [])]
    .filter((part) => part !== '')
    .join(' · ');
}

/** Folded: the sentence and a row an epoch. */
export function trainingMarkdown(t: TrainingFacts): string {
  const rows = t.epochs.map((e) => [
    `${e.epoch}${e.epoch === t.best?.epoch ? ' (kept)' : ''}`,
    e.loss.toPrecision(4),
    trainingMetric(t, e.metric),
    trainingRate(e.learningRate),
  ]);
  const body = table(
    ['epoch', 'loss', 'held out', 'learning rate at its end'],
    ['left', 'right', 'right', 'right'],
    rows,
  );
  return folded(
    `Training, ${t.name}: ${trainingSentence(t)}`,
    `${text(`Settings: ${JSON.stringify(t.settings)}`)}\n\n${body}`,
  );
}
