/** What a search tried before it chose, as it stands in the report of what was chosen. null means "not measured". */
import { z } from 'zod';
import { sweepLatencySchema, sweepMetricsSchema } from './sweep-report.ts';

const candidateSchema = z.object({
  /** What is done, in words: "int8, three quarters of the channels' arithmetic". */
  name: z.string(),
  /** Makes it, compares it on samples that were held back, and measures it. */
  command: z.string(),
  /** Of the samples that chose; absent for what failed, or was not tried any more. */
  metrics: sweepMetricsSchema.nullable(),
  /** Bytes of a first visit in a page: model and runtime, compressed. */
  visitBytes: z.number().nullable(),
  latency: sweepLatencySchema.nullable(),
  /** Nothing that was tried is smaller, better and (where both were timed) faster at once. */
  front: z.boolean(),
  chosen: z.boolean(),
  /** Why it could not be chosen; null where it could. */
  reason: z.string().nullable(),
  tookMs: z.number().nullable(),
});
export type SearchCandidate = z.infer<typeof candidateSchema>;

export const searchSchema = z.object({
  goal: z.object({
    minimise: z.enum(['size', 'latency', 'first-visit']),
    /** Points; null: nothing was said. Then one may be lost of what labels tell, and other answers have to be called good. */
    maxDrop: z.number().nullable(),
    maxSizeBytes: z.number().nullable(),
    /** On this machine; null: nothing was said. */
    maxLatencyMs: z.number().nullable(),
    /** Of the original's; null: nothing was said, and what is as slow as the original will do. */
    maxLatencyShare: z.number().nullable(),
  }),
  /** Samples that chose; null where there is no data to choose by. */
  samples: z.number().nullable(),
  time: z.object({
    limitMs: z.number(),
    tookMs: z.number(),
    /** Said before the search began. */
    estimatedMs: z.number(),
    ended: z.enum(['done', 'time', 'interrupted']),
  }),
  candidates: z.array(candidateSchema),
  /** Why the winner is the winner, in a sentence. */
  why: z.string(),
});
export type Search = z.infer<typeof searchSchema>;
