/** A job of a sweep as data: small, the same wherever it is done, and named by a hash of all that its result depends on. */
import { z } from 'zod';
import { describeMachine } from '../../ship/profile/machine.ts';
import { canonicalJson } from '../../support/canonical-json.ts';
import { deviceClasses } from '../../support/device-class.ts';
import { jobInvalid } from '../../support/diagnostics/sweep.ts';
import { wholeNumber } from '../../support/field.ts';
import { sha256Text } from '../../support/hash.ts';
import { targetNames } from '../../support/target.ts';
import { version } from '../../support/version.ts';
import { jobRecipeSchema, normalised } from './recipe.ts';

/** SHA-256 as 64 hexadecimal digits. */
export const digest = z.string().regex(/^[0-9a-f]{64}$/, 'A SHA-256 was expected.');

/** Content by its hash, or a word that stands in the place of a path: "synthetic", "imagenet", "none". */
const content = z.union([
  z.strictObject({ sha256: digest }),
  z.strictObject({ word: z.string().regex(/^[\w-]+$/) }),
]);

const versions = z.strictObject({ edgepress: z.string(), runtimes: z.record(z.string(), z.string()) });

/** Makes a smaller model and compares it with the original; measures no time. */
export const compressJobSchema = z.strictObject({
  kind: z.literal('compress'),
  model: digest,
  inputs: z.strictObject({
    data: content.optional(),
    labels: content.optional(),
    testData: content.optional(),
    testLabels: content.optional(),
    preprocess: content.optional(),
    tokenizer: content.optional(),
  }),
  recipe: jobRecipeSchema,
  target: z.enum(targetNames),
  seed: wholeNumber,
  versions,
});

/** Measures the result of another job beside the original, with nothing else going on. */
export const timeJobSchema = z.strictObject({
  kind: z.literal('time'),
  /** Key of the job whose result is timed. */
  of: digest,
  model: digest,
  /** Numbers for sizes that the model leaves open. */
  sizes: z.record(z.string(), z.number()).optional(),
  device: z.enum(deviceClasses),
  versions,
});

export const jobSchema = z.discriminatedUnion('kind', [compressJobSchema, timeJobSchema]);
export type Job = z.output<typeof jobSchema>;
export type CompressJob = z.output<typeof compressJobSchema>;
export type TimeJob = z.output<typeof timeJobSchema>;

/** Of edgepress and what computes for it, as installed here. */
export const versionsHere = (): Job['versions'] => ({
  edgepress: version,
  runtimes: describeMachine().runtimes,
});

/** @returns 64 hexadecimal digits; the same for the same work on any machine */
export const keyOf = (job: Job): Promise<string> =>
  sha256Text(canonicalJson(job.kind === 'compress' ? { ...job, recipe: normalised(job.recipe) } : job));

/** What came from elsewhere, as a job. @throws JOB_INVALID */
export function parseJob(json: unknown): Job {
  const parsed = jobSchema.safeParse(json);
  if (parsed.success) {
    const { data: job } = parsed;
    return job.kind === 'compress' ? { ...job, recipe: normalised(job.recipe) } : job;
  }
  const { path, message } = parsed.error.issues[0]!;
  throw jobInvalid(`${path.join('.')}: ${message}`);
}
