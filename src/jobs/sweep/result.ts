/** What came of a job, as it is kept in a store under the job's key: its numbers, and its files by their content. */
import { z } from 'zod';
import {
  sweepFailureSchema,
  sweepLatencySchema,
  sweepMetricsSchema,
} from '../../judge/report/sweep-report.ts';
import { relativePath } from './content.ts';
import { digest, jobSchema } from './job.ts';
import { resultName, type Store } from './store.ts';

export const resultSchema = z.object({
  schema: z.literal('edgepress/job-result@1'),
  key: digest,
  /** What was done. */
  job: jobSchema,
  metrics: sweepMetricsSchema.nullable(),
  latency: sweepLatencySchema.nullable(),
  error: sweepFailureSchema.nullable(),
  /** The model first. */
  files: z.array(z.strictObject({ name: relativePath, sha256: digest, bytes: z.number() })),
  ms: z.number(),
  /** System, processor and Node that it was done on. */
  machine: z.string(),
});
export type JobResult = z.output<typeof resultSchema>;

/** null where there is none, and where what is there is none of ours. */
export async function readResult(store: Store, key: string): Promise<JobResult | null> {
  const bytes = await store.read(resultName(key));
  if (bytes === null) return null;
  try {
    const result = resultSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return result.key === key ? result : null;
  } catch {
    // Half of a file that a full disk left, or another version's: done again, and written over.
    await store.remove(resultName(key));
    return null;
  }
}

/** The first to come is kept. @returns what is kept */
export async function keepResult(store: Store, result: JobResult): Promise<JobResult> {
  await store.write(resultName(result.key), new TextEncoder().encode(`${JSON.stringify(result)}\n`));
  return (await readResult(store, result.key)) ?? result;
}
