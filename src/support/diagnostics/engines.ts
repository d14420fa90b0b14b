/** Messages of engines and what is run on them. */
import { Diagnostic, type DiagnosticKind, environment, internal, unsupported, user } from '../diagnostics.ts';

export const engineMissing = (what: string, packageName: string, reason: string, cause?: unknown) =>
  environment(
    'ENGINE_MISSING',
    `${what} needs the package ${packageName}, which ${reason}.`,
    `Run: npm install ${packageName}`,
    cause,
  );

export const unknownEngine = (name: string, known: readonly string[]) =>
  user('UNKNOWN_ENGINE', `There is no engine "${name}"; there are ${known.join(' and ')}.`);

/** `kind` is 'unsupported' when the runtime lacks an operator or type, 'environment' when memory ran out. */
export const engineOpen = (
  engine: string,
  reason: string,
  kind: DiagnosticKind = 'user',
  hint?: string,
  cause?: unknown,
) => new Diagnostic('ENGINE_OPEN', kind, `${engine} does not open the model: ${reason}`, hint, cause);

export const engineRun = (
  engine: string,
  reason: string,
  kind: DiagnosticKind = 'user',
  hint?: string,
  cause?: unknown,
) => new Diagnostic('ENGINE_RUN', kind, `${engine} could not run the model: ${reason}`, hint, cause);

export const engineThreads = (running: number, wanted: number) =>
  environment(
    'ENGINE_THREADS',
    `The wasm runtime of this process already runs with ${running} thread(s); ${wanted} were asked for.`,
    'Threads are fixed by the first session; use another process to measure other counts.',
  );

export const sessionClosed = () => internal('SESSION_CLOSED', 'A session was run after it had been closed.');

export const missingInput = (input: string, expected: string, given: readonly string[]) =>
  user(
    'MISSING_INPUT',
    `Input "${input}" (${expected}) is missing; given: ${given.map((n) => `"${n}"`).join(', ') || 'nothing'}.`,
  );

export const feedMismatch = (input: string, expected: string, received: string) =>
  user('FEED_MISMATCH', `Input "${input}" expects ${expected}; received ${received}.`);

export const unknownOutput = (name: string, known: readonly string[]) =>
  user(
    'UNKNOWN_OUTPUT',
    `The model has no output "${name}"; it has ${known.map((n) => `"${n}"`).join(', ')}.`,
  );

/** The target's runtime does not run the user's own model: no version of it would run there either. */
export const originalRefused = (file: string, reason: string, hint?: string) =>
  unsupported('MODEL_REFUSED', `${file} does not run on this target, not even uncompressed: ${reason}`, hint);

export const resultRefused = (runtime: string, reason: string, cause: unknown) =>
  internal('RESULT_REFUSED', `${runtime} opens the original but not the result: ${reason}`, cause);

export const runtimeCrashed = (signal: string) =>
  signal === 'SIGKILL'
    ? environment(
        'RUNTIME_CRASHED',
        'The system ended the process (SIGKILL).',
        'Most often the machine ran out of memory; close other programs or use a smaller input.',
      )
    : environment(
        'RUNTIME_CRASHED',
        `The runtime crashed: the process ended with ${signal}.`,
        'Another runtime may do better: --target wasm runs on onnxruntime-web.',
      );

/** The runtime ended with its process. */
export const trialCrashed = (runtime: string, how: string, doing: string) =>
  unsupported('RUNTIME_CRASHED', `The runtime (${runtime}) crashed with ${how} while it ${doing} the model.`);
