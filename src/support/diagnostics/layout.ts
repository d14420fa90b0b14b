/** Messages about the order of axes. */
import { internal, nearest, unsupported, user } from '../diagnostics.ts';

/** An operator that a rewrite makes for one writer reached another. */
export const operatorInternal = (operator: string, format: string) =>
  internal('INTERNAL_OPERATOR', `${format} has no operator ${operator}; it exists only in memory.`);

/** @param kind  "input" or "output" */
export function layoutUnknownPort(kind: string, name: string, known: readonly string[]) {
  const close = nearest(name, known);
  return user(
    'LAYOUT_UNKNOWN_PORT',
    `The model has no ${kind} "${name}" whose layout could change; it has ${known.map((k) => `"${k}"`).join(', ')}.`,
    close ? `Did you mean "${close}"?` : `Name one of its ${kind}s.`,
  );
}

/** @param inputs  as '"x" (float32 [1,10])' */
export const layoutUnclear = (inputs: readonly string[]) =>
  unsupported(
    'LAYOUT_UNCLEAR',
    `A layout is chosen for pictures, an input of four axes with 1 or 3 channels; the model takes ${inputs.join(', ')}.`,
    'Leave --layout out: the model is taken as its file has it.',
  );

/** @param what  why not: "has 2 axes" */
export const layoutFixed = (name: string, what: string) =>
  unsupported(
    'LAYOUT_FIXED',
    `Only tensors of batch, channels and space can go between NCHW and NHWC; "${name}" ${what}.`,
    'Leave it out of those whose layout is to change.',
  );
