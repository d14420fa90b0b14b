/** What travels with all work that takes its time: declared here, extended or picked from everywhere else. */
import type { Engine } from './contract.ts';

/** Told how far the work is: so many of so many are done. */
export type Tell = (done: number, total: number) => void;

export interface RunContext {
  /** Runs graphs. */
  readonly engine: Engine;
  /** Stops the work; what had been begun is cleaned up. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: Tell | undefined;
}

/** Of work that can be stopped, with an engine of its own or as an argument. */
export type Stoppable = Pick<RunContext, 'signal'>;

/** The same, and it tells how far it is. */
export type Watchable = Pick<RunContext, 'signal' | 'onProgress'>;

/** Of work that runs graphs and tells of itself otherwise. */
export type EngineRun = Omit<RunContext, 'onProgress'>;
