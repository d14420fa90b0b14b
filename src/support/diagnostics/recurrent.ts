/** Messages about recurrent operators in training. */
import { Diagnostic } from '../diagnostics.ts';

export const recurrentUnsupported = (op: string, node: string, what: string): Diagnostic =>
  new Diagnostic(
    'RECURRENT_UNSUPPORTED',
    'unsupported',
    `Training knows ${op} with the standard gates over sequences of one length; "${node}" has ${what}.`,
    'Freeze the weights up to this node, or export the model without it.',
  );
