/** What runs are called. */
import type { Run } from './messages.ts';

export const runKey = ({ variant, provider, threads }: Run) => `${variant}/${provider}/${threads}`;

/** "wasm, 4 threads" or "webgpu": only wasm is run with several. */
export const describeProvider = ({ provider, threads }: Pick<Run, 'provider' | 'threads'>) =>
  provider === 'wasm' ? `${provider}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : provider;

/** Runs at one place can take turns. */
export const placeKey = ({ provider, threads }: Pick<Run, 'provider' | 'threads'>) =>
  `${provider}/${threads}`;

/** The one that others at its place are compared with. */
export const baseOf = (runs: readonly Run[]): Run | undefined =>
  runs.find((run) => run.variant === 'float') ?? runs[0];

export const describeRun = (run: Run) => `${run.variant} · ${describeProvider(run)}`;
