/** Every error that an app can get from the runtime. Apps branch on `code`, never on wording. */

export type ErrorCode =
  /** edgepress.json is not there, not JSON, or not a manifest that this runtime reads. */
  | 'MANIFEST_INVALID'
  | 'FETCH_FAILED'
  /** A file's bytes are not those that the manifest promises, after one retry past all caches. */
  | 'HASH_MISMATCH'
  | 'SHARD_MISSING'
  /** Nothing in the bundle runs on this device, or what was asked for doesn't. */
  | 'NO_VARIANT'
  /** Every candidate failed; the message has each reason. */
  | 'PROVIDER_FAILED'
  /** The model refused these inputs while running. */
  | 'RUN_FAILED'
  | 'INPUT_INVALID'
  | 'OPTION_INVALID'
  | 'WORKER_FAILED'
  | 'ABORTED'
  | 'DISPOSED';

export class EdgepressError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EdgepressError';
    this.code = code;
  }
}

export const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

export const aborted = () => new EdgepressError('ABORTED', 'Stopped by the AbortSignal.');

/** @throws ABORTED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted();
}
