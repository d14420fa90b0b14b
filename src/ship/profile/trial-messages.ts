/** What the parent of a trial and its child say to each other. */
import type { EngineName } from '../../compute/engine/contract.ts';
import type { PathSource } from '../../model/formats/opened.ts';
import type { Failure, WireTensor } from './isolated-messages.ts';

export interface TrialTask {
  readonly engine: EngineName;
  readonly models: readonly {
    readonly source: PathSource;
    readonly runs: readonly (readonly WireTensor[])[];
  }[];
}

/** Told of each model in turn, as soon as it was tried; `opened` comes before it runs. */
export type TrialMessage =
  | { readonly opened: true }
  | { readonly outputs: readonly (readonly WireTensor[])[] }
  | { readonly failed: Failure };
