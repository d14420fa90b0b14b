/** What the page and its measuring worker tell each other. One worker a task: the memory of WebAssembly never shrinks,
 *  the number of threads can't change, and a run that takes its worker down leaves the page standing. */
import type { Manifest, Variant } from '../../emit/manifest.ts';
import type { Measured, Run } from '../messages.ts';

type TaskVariant = Pick<Variant, 'format' | 'parts' | 'bytes' | 'sessionConfig' | 'requires'>;

export interface WorkerTask extends Pick<Run, 'provider' | 'threads'> {
  /** One is measured alone, several by turns. */
  readonly variants: readonly [TaskVariant, ...TaskVariant[]];
  readonly inputs: Manifest['inputs'];
  readonly outputs: Manifest['outputs'];
  readonly preprocessing: Manifest['preprocessing'];
  readonly session: string;
}

/** Samples of each, in the order of the variants. */
export interface TakenTurns {
  readonly kind: 'turns';
  readonly samplesMs: readonly (readonly number[])[];
}

export type Step = 'download' | 'start' | 'measure';

export type WorkerReport =
  | { readonly type: 'progress'; readonly step: Step; readonly fraction: number }
  | { readonly type: 'done'; readonly measured: Measured | TakenTurns }
  | { readonly type: 'failed'; readonly message: string };
