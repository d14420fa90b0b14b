/** What runs are called. */
import type { Run } from './messages.ts';

export const runKey = ({ variant, provider, threads }: Run) => `${variant}/${provider}/${threads}`;

/** "wasm, 4 threads" or "webgpu": only wasm is run with several. */
export const describeProvider = ({ provider, threads }: Pick<Run, 'provider' | 'threads'>) =>
  provider === 'wasm' ? `${provider}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : provider;

export const describeRun = (run: Run) => `${run.variant} · ${describeProvider(run)}`;
