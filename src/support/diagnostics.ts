/** What every error is that a user can be shown. Its messages stand by topic in diagnostics/, one function each. Assert on
 *  `code`, never on wording.
 *  Order of the parts: what was expected, for what, what came; then one next step as the hint. */

import { distance } from 'fastest-levenshtein';

/** Whose problem it is: 'user' (input or arguments), 'unsupported' (a model we can't serve), 'environment'
 *  (disk, permissions, missing runtime), 'gate' (a budget the user set was not met), 'internal' (our bug). */
export type DiagnosticKind = 'user' | 'unsupported' | 'environment' | 'gate' | 'internal';

/** Every error that a user can meet. Programs branch on `code`, never on wording.
 *  @example
 *  if (error instanceof Diagnostic) console.log(error.code, error.hint); */
export class Diagnostic extends Error {
  readonly code: string;
  readonly kind: DiagnosticKind;
  readonly hint: string | undefined;

  constructor(code: string, kind: DiagnosticKind, message: string, hint?: string, cause?: unknown) {
    super(shortened(message), cause === undefined ? undefined : { cause });
    this.name = 'Diagnostic';
    this.code = code;
    this.kind = kind;
    this.hint = hint;
  }
}

/** Names come from files, and may have millions of letters. */
const longest = 4000;

const shortened = (message: string): string =>
  message.length <= longest ? message : `${message.slice(0, longest / 2)} … ${message.slice(-longest / 2)}`;

/** What of a diagnostic goes from one process or page to another. */
export const partsOf = ({ code, kind, message, hint }: Diagnostic) => ({ code, kind, message, hint });

/** Process exit code for each kind; 0 is success and 130 an interrupt. */
export const exitCodes: Record<DiagnosticKind, number> = {
  internal: 1,
  user: 2,
  unsupported: 3,
  gate: 4,
  environment: 5,
};

/** The known name closest to what was typed, if it is close at all. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  if (typed.length > longest) return undefined;
  const scored = known.map((name) => ({ name, d: distance(typed.toLowerCase(), name.toLowerCase()) }));
  scored.sort((a, b) => a.d - b.d);
  const best = scored[0];
  // A name of one or two letters is near to every other such name.
  if (best && best.d <= Math.max(2, typed.length / 3) && best.d < typed.length) return best.name;
  const holding = known.filter((name) => name.toLowerCase().includes(typed.toLowerCase()));
  // "gpu" for "webgpu"; three letters of several names say nothing.
  return typed.length >= 4 || (typed.length === 3 && holding.length === 1) ? holding[0] : undefined;
}

export const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

export const user = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'user', message, hint, cause);
export const unsupported = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'unsupported', message, hint, cause);
export const environment = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'environment', message, hint, cause);
export const internal = (code: string, message: string, cause?: unknown) =>
  new Diagnostic(
    code,
    'internal',
    message,
    'This is a bug in edgepress; please report it with the model.',
    cause,
  );
