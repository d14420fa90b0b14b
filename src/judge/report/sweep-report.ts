/** What a sweep found: a row for each job. The page and the terminal are views of it. null means "not measured" or "not applicable". */
import { z } from 'zod';
import { targetNames } from '../../support/target.ts';

const interval = z.tuple([z.number(), z.number()]);

/** Of a model that was made, without times. */
export const sweepMetricsSchema = z.object({
  /** Of all files of the model. */
  sizeBytes: z.number(),
  brotliBytes: z.number().nullable(),
  /** Of the original. */
  originalBytes: z.number(),
  /** What stands for the task: a measure of both models by labels, or of the result against the original. */
  quality: z
    .object({
      name: z.string(),
      value: z.number(),
      /** Of the original by labels; null for a measure against the original. */
      original: z.number().nullable(),
      unit: z.string(),
      higherIsBetter: z.boolean(),
      interval: interval.nullable(),
    })
    .nullable(),
  /** Hundredths that are lost, of perplexity of what the original has; null where the measure has no end. */
  pointsLost: z.number().nullable(),
  /** Share of samples with the same top-1 as the original. */
  agreement: z.number().nullable(),
  /** Of the worst output. */
  sqnrDb: z.number().nullable(),
  /** What it was compared on: samples held back, samples it was made with, shipped text, made-up inputs. null: nothing was compared. */
  on: z.enum(['held-back', 'seen', 'text', 'made-up']).nullable(),
  samples: z.number().nullable(),
  verdict: z.object({ level: z.enum(['good', 'warn', 'bad']), headline: z.string() }),
});
export type SweepMetrics = z.infer<typeof sweepMetricsSchema>;

/** By turns with the original, on one machine, while it did nothing else for the sweep. */
export const sweepLatencySchema = z.object({
  device: z.string(),
  medianMs: z.number(),
  interval,
  originalMs: z.number().nullable(),
  /** Of the original's time. */
  share: z.number().nullable(),
  /** Machine, provider, runtime, runs. */
  on: z.string(),
});
export type SweepLatency = z.infer<typeof sweepLatencySchema>;

const failure = z.object({
  code: z.string(),
  kind: z.enum(['user', 'unsupported', 'environment', 'gate', 'internal']),
  message: z.string(),
  hint: z.string().nullable(),
});
export type SweepFailure = z.infer<typeof failure>;
export const sweepFailureSchema = failure;

const latencyRow = z.object({
  key: z.string(),
  device: z.string(),
  status: z.enum(['waiting', 'running', 'done', 'failed']),
  measured: sweepLatencySchema.nullable(),
  error: failure.nullable(),
});

const row = z.object({
  /** SHA-256 of what the job is. */
  key: z.string(),
  /** 'waiting' and 'running' stand only in the report of a sweep that isn't done. */
  status: z.enum(['waiting', 'running', 'done', 'failed']),
  /** The result was there before. */
  found: z.boolean(),
  model: z.string(),
  target: z.enum(targetNames),
  seed: z.number(),
  /** As in a call of compress. */
  recipe: z.record(z.string(), z.unknown()),
  metrics: sweepMetricsSchema.nullable(),
  latency: z.array(latencyRow),
  /** Whether no other row of the same model and target is better in one and as good in the others of size, quality and time. */
  front: z.boolean(),
  error: failure.nullable(),
  /** Relative to the folder of this report, the model first. */
  files: z.array(z.string()),
  /** Of the work, on the machine that did it. */
  ms: z.number().nullable(),
  machine: z.string().nullable(),
});
export type SweepRow = z.infer<typeof row>;

export const sweepReportSchema = z.object({
  schema: z.literal('edgepress/sweep-report@1'),
  tool: z.object({ name: z.literal('edgepress'), version: z.string() }),
  createdAt: z.string(),
  /** Name of the file that says what was to be done. */
  sweep: z.string(),
  /** Where it ran: "this machine, 2 at once"; a queue without its password. */
  where: z.string(),
  /** Whether no job is left. */
  complete: z.boolean(),
  counts: z.object({ jobs: z.number(), done: z.number(), found: z.number(), failed: z.number() }),
  time: z.object({
    /** Said before the sweep began. null: nothing was left to do. */
    estimatedMs: z.number().nullable(),
    /** What the estimate is from: earlier jobs like these, or the size of the models alone. */
    from: z.string(),
    tookMs: z.number(),
  }),
  jobs: z.array(row),
});
export type SweepReport = z.infer<typeof sweepReportSchema>;
