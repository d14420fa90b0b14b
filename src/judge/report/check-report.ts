/** What `compress check` found: a row for each budget that was given. Terminal, Markdown, JUnit and JSON are views of it. null means
 *  "not measured" or "not applicable"; a budget that could not be measured is not kept. */
import { z } from 'zod';

/** A number with what it counts: a share is a fraction of 1, points are hundredths of accuracy. */
const figure = z.object({ unit: z.enum(['bytes', 'ms', 'share', 'points', 'dB']), value: z.number() });

const checkRow = z.object({
  /** As in the request. */
  budget: z.enum(['maxSize', 'maxDrop', 'minAgreement', 'minSqnr', 'maxLatency', 'maxFirstVisit']),
  /** What of the model it is about, where it has several: a metric, an output; the device that it was timed on. */
  subject: z.string().nullable(),
  /** What stands for the task, where that is another measure than the budget's usual one: "mean IoU". */
  measure: z.string().optional(),
  allowed: figure,
  /** In the unit of `allowed`: what the two are compared by. */
  measured: figure.nullable(),
  /** 95 % interval of `measured`, of times and of losses where it is known. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** What the result has, and what it is checked against has, where these say more: 68.2 kB of 219 kB. */
  value: figure.nullable(),
  base: figure.nullable(),
  /** Data and samples, runtime or device; null where nothing was run. */
  on: z.string().nullable(),
  status: z.enum(['kept', 'exceeded', 'not-measured']),
  /** Why it was not measured. */
  reason: z.string().nullable(),
  /** Why one that is kept on these samples may not be on others; absent where they show that it is. */
  doubt: z.string().optional(),
});

export const checkReportSchema = z.object({
  schema: z.literal('edgepress/check@1'),
  tool: z.object({ name: z.literal('edgepress'), version: z.string() }),
  createdAt: z.string(),
  /** File name of the model that was checked. */
  model: z.string(),
  /** What it was checked against: the original, or an earlier result of which a report is left. */
  against: z.object({ kind: z.enum(['model', 'report']), name: z.string() }).nullable(),
  /** What was assumed about the data rather than told, in plain words. */
  guessed: z.array(z.string()),
  /** Whether every budget is. */
  kept: z.boolean(),
  rows: z.array(checkRow),
});

export type CheckReport = z.infer<typeof checkReportSchema>;
export type CheckRow = z.infer<typeof checkRow>;
export type Figure = z.infer<typeof figure>;
