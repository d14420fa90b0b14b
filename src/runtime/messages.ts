/** What the page and its worker say to each other. Each request has an id, which its answers carry. */
import type { Manifest } from '../ship/emit/manifest.ts';
import { EdgepressError, type ErrorCode, messageOf } from './errors.ts';
import type { Progress } from './fetch.ts';
import type { LoadOptions, ModelInfo } from './load.ts';
import type { OrtBundle } from './select.ts';
import type { ModelInputs, ModelOutputs } from './tensors.ts';

/** The options that can cross: no functions, no modules. */
export type WorkerOptions = Omit<
  LoadOptions,
  'onProgress' | 'signal' | 'worker' | 'ort' | 'tfjs' | 'litert'
> & {
  readonly tfjs?: string;
  readonly litert?: string;
  readonly ort?: Readonly<Partial<Record<OrtBundle, string>>>;
};

export type Request =
  | { readonly id: number; readonly kind: 'load'; readonly url: string; readonly options: WorkerOptions }
  | { readonly id: number; readonly kind: 'run'; readonly inputs: ModelInputs }
  | { readonly id: number; readonly kind: 'dispose' }
  /** Stops the request with that id. */
  | { readonly id: number; readonly kind: 'abort' };

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

export type Answer =
  | { readonly id: number; readonly kind: 'progress'; readonly progress: Progress }
  | {
      readonly id: number;
      readonly kind: 'done';
      readonly info: ModelInfo | null;
      /** Of a load. */
      readonly manifest?: Manifest;
      /** Of a run. */
      readonly outputs?: ModelOutputs;
    }
  | {
      readonly id: number;
      readonly kind: 'failed';
      readonly info: ModelInfo | null;
      readonly failure: Failure;
    };

export const toFailure = (error: unknown): Failure =>
  error instanceof EdgepressError
    ? { code: error.code, message: error.message }
    : { code: 'WORKER_FAILED', message: messageOf(error) };
