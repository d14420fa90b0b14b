/** Every message that a user can be shown as an error, one function each. Assert on `code`, never on wording.
 *  Order of the parts: what was expected, for what, what came; then one next step as the hint. */

/** Whose problem it is: 'user' (input or arguments), 'unsupported' (a model we can't serve), 'environment'
 *  (disk, permissions, missing runtime), 'gate' (a budget the user set was not met), 'internal' (our bug). */
export type DiagnosticKind = 'user' | 'unsupported' | 'environment' | 'gate' | 'internal';

export class Diagnostic extends Error {
  readonly code: string;
  readonly kind: DiagnosticKind;
  readonly hint: string | undefined;

  constructor(code: string, kind: DiagnosticKind, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Diagnostic';
    this.code = code;
    this.kind = kind;
    this.hint = hint;
  }
}

/** Process exit code for each kind; 0 is success and 130 an interrupt. */
export const exitCodes: Record<DiagnosticKind, number> = {
  internal: 1,
  user: 2,
  unsupported: 3,
  gate: 4,
  environment: 5,
};

const user = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'user', message, hint, cause);
const unsupported = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'unsupported', message, hint, cause);
const environment = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'environment', message, hint, cause);
const internal = (code: string, message: string, cause?: unknown) =>
  new Diagnostic(
    code,
    'internal',
    message,
    'This is a bug in edgepress; please report it with the model.',
    cause,
  );

// --- graph integrity -------------------------------------------------------------------------------------------

export const graphInvalid = (what: string) => internal('GRAPH_INVALID', what);

export const unknownDtype = (code: number | string, where: string) =>
  unsupported('UNKNOWN_DTYPE', `${where} has element type ${code}, which ONNX 1.20 does not define.`);

export const tensorBytes = (what: string, expected: number, received: number) =>
  user(
    'TENSOR_BYTES',
    `${what} needs ${expected} bytes for its shape and type; ${received} are there.`,
    'The file is damaged or was written by a faulty exporter; export the model again.',
  );

// --- ranges and numerics ---------------------------------------------------------------------------------------

export const emptyRange = (what: string, min: number, max: number) =>
  user(
    'EMPTY_RANGE',
    `${what} has range [${min}, ${max}]; a finite range is needed to quantise it.`,
    'Look for NaN or infinity in the model or the data: compress inspect shows constants with NaN.',
  );

/** Adds the diagnostics of the other rooms; each room's messages stand in its own block below. */

// --- formats ---------------------------------------------------------------------------------------------------

// --- engines ---------------------------------------------------------------------------------------------------

// --- data and calibration --------------------------------------------------------------------------------------

// --- passes, recipes and selection -----------------------------------------------------------------------------

// --- files and process -----------------------------------------------------------------------------------------

export { environment as environmentDiagnostic, internal as internalDiagnostic, unsupported, user };
