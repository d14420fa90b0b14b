/** Work whose failure is a finding, not the end of the job. */
import type { Stoppable } from '../compute/engine/run-context.ts';
import { Diagnostic } from '../support/diagnostics.ts';

type Outcome<T> =
  | { readonly measured: T; readonly reason: null }
  | { readonly measured: null; readonly reason: string };

/** One that cannot run there is a row with the reason; a bug of ours, or the user's interrupt, is not. */
export async function attempt<T>(
  measure: () => Promise<T>,
  signal: Stoppable['signal'],
): Promise<Outcome<T>> {
  try {
    return { measured: await measure(), reason: null };
  } catch (error) {
    if (signal?.aborted || !(error instanceof Diagnostic) || error.kind === 'internal') throw error;
    return { measured: null, reason: error.message };
  }
}
