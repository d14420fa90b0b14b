/** What the page and its measuring worker tell each other. One worker a run: the memory of WebAssembly never shrinks,
 *  the number of threads can't change, and a run that takes its worker down leaves the page standing. */
import type { Manifest, Variant } from '../../emit/manifest.ts';
import type { Measured, Run } from '../messages.ts';

export interface WorkerTask {
  readonly run: Run;
  readonly variant: Pick<Variant, 'format' | 'parts' | 'bytes' | 'sessionConfig' | 'requires'>;
  readonly inputs: Manifest['inputs'];
  readonly outputs: Manifest['outputs'];
  readonly preprocessing: Manifest['preprocessing'];
  readonly session: string;
}

export type Step = 'download' | 'start' | 'measure';

export type WorkerReport =
  | { readonly type: 'progress'; readonly step: Step; readonly fraction: number }
  | { readonly type: 'done'; readonly measured: Measured }
  | { readonly type: 'failed'; readonly message: string };
