/** Messages of the gradient rules and lowerings. */
import { Diagnostic } from '../diagnostics.ts';

/** @param what  the input or attribute and what it must be, as '"starts" must be a constant' */
export const gradientSetting = (op: string, node: string, what: string): Diagnostic =>
  new Diagnostic(
    'GRADIENT_SETTING',
    'unsupported',
    `No gradient for ${op} "${node}" as it is set: ${what}.`,
    'Fold constants first (the pass fold-constants), or keep the weights before this node fixed with --freeze.',
  );

export const gradientQuantized = (found: readonly { op: string; node: string }[]): Diagnostic => {
  const [first] = found;
  const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
  return new Diagnostic(
    'GRADIENT_QUANTIZED',
    'unsupported',
    `${first?.op} "${first?.node}"${more} computes integers from trained weights; no gradient comes back through them.`,
    'Train the float model and quantise the result, or keep the weights before this node fixed with --freeze.',
  );
};
