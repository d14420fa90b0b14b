/** Why a job failed, as it stands in a row and goes between processes. */
import type { SweepFailure } from '../../judge/report/sweep-report.ts';
import { Diagnostic, messageOf } from '../../support/diagnostics.ts';

export function failureOf(error: unknown): SweepFailure {
  if (!(error instanceof Diagnostic))
    return {
      code: 'UNEXPECTED',
      kind: 'internal',
      message: messageOf(error),
      hint: 'This is a bug in edgepress; please report it with the model.',
    };
  const { code, kind, message, hint = null } = error;
  return { code, kind, message, hint };
}

/** Of the job itself, wherever it is done: it needs not be tried again. */
export const isLasting = ({ kind, code }: SweepFailure): boolean =>
  ['user', 'unsupported', 'gate'].includes(kind) &&
  !['JOB_CRASHED', 'JOB_TIMEOUT', 'SWEEP_INPUT_CHANGED'].includes(code);
