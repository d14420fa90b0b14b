/** Measures a model file in a process of its own: true peak memory, and latency that nothing else in this process
 *  disturbs. Node only. */
import type { ChildProcess } from 'node:child_process';
import type { EngineName, SessionOptions } from '../../compute/engine/contract.ts';
import type { Runnable } from '../../model/formats/opened.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { measureCrashed, measureTimeout } from '../../support/diagnostics/devices.ts';
import {
  type Answer,
  type MemoryPeak,
  revive,
  type Subject,
  type Task,
  toWire,
} from './isolated-messages.ts';
import type { Measurement, MeasureOptions } from './measure.ts';
import { onDisk } from './model-files.ts';
import { bounded, sendTo, startChild } from './start-child.ts';
import type { Throughput, ThroughputRequest } from './throughput.ts';

interface IsolatedOptions extends MeasureOptions {
  readonly engine: EngineName;
  readonly session?: SessionOptions;
  /** Of the one model, after its latency and memory. */
  readonly throughput?: ThroughputRequest | undefined;
  /** The child is killed after this time; default 120 000. */
  readonly timeoutMs?: number;
}

export interface IsolatedMeasurement extends Measurement {
  readonly memory: MemoryPeak;
  /** Loading the runtime, up to the first answer of a one-node model. */
  readonly compileMs: number;
  readonly throughput?: Throughput | undefined;
}

/** How `memory` was measured, for reports. */
export const memoryMethod = (engine: EngineName) =>
  engine === 'wasm' ? 'WebAssembly memory of the runtime' : 'resident memory of a whole process';

/** @throws MEASURE_TIMEOUT, MEASURE_CRASHED, what the engine throws; the signal's reason when aborted */
export async function measureIsolated(
  model: Runnable,
  feeds: Readonly<Record<string, Tensor>>,
  options: IsolatedOptions,
): Promise<IsolatedMeasurement> {
  const answer = await onDisk([model], ([file]) => {
    const subject = { ...file!, options: options.session ?? {} };
    return runChild(model.name, task(options, feeds, [subject]), options);
  });
  if (!('single' in answer)) throw unexpected(model, answer);
  const { single, ...rest } = answer;
  return { ...single, ...rest };
}

export interface IsolatedCandidate {
  readonly model: Runnable;
  readonly session?: SessionOptions;
}

/** Two or more models by turns in one child process; see `measureByTurns`. Each may have session options of its own.
 *  @returns in the order of the candidates @throws as `measureIsolated` */
export async function measureByTurnsIsolated(
  candidates: readonly [IsolatedCandidate, ...IsolatedCandidate[]],
  feeds: Readonly<Record<string, Tensor>>,
  options: Omit<IsolatedOptions, 'session' | 'throughput'>,
): Promise<readonly Measurement[]> {
  const [{ model }] = candidates;
  const answer = await onDisk(
    candidates.map((c) => c.model),
    (files) => {
      const subjects = candidates.map(({ session = {} }, i) => ({ ...files[i]!, options: session }));
      return runChild(model.name, task(options, feeds, subjects as [Subject, ...Subject[]]), options);
    },
  );
  if (!('turns' in answer)) throw unexpected(model, answer);
  return answer.turns;
}

const unexpected = ({ name }: Runnable, answer: Answer) =>
  measureCrashed(name, 'an unexpected answer', Object.keys(answer).join());

function task(
  { engine, throughput, session: _, timeoutMs: __, signal: ___, ...measure }: IsolatedOptions,
  feeds: Readonly<Record<string, Tensor>>,
  subjects: Task['subjects'],
): Task {
  return { engine, subjects, feeds: toWire(feeds), measure, throughput };
}

function runChild(
  what: string,
  task: Task,
  { timeoutMs = 120_000, signal }: IsolatedOptions,
): Promise<Answer> {
  signal?.throwIfAborted();
  const child = startChild(import.meta.url, './isolated-child');
  const stderr = lastText(child);
  return new Promise<Answer>((resolve, reject) => {
    const { settle } = bounded(child, {
      ...{ timeoutMs, signal },
      onTimeout: () => settle(() => reject(measureTimeout(what, timeoutMs / 1000))),
      onAbort: (reason) => settle(() => reject(reason)),
    });
    child.once('message', (answer: Answer) =>
      settle(() => ('failed' in answer ? reject(revive(answer.failed)) : resolve(answer))),
    );
    child.once('error', (error) => settle(() => reject(measureCrashed(what, error.message, ''))));
    child.once('exit', (code, by) =>
      settle(() => reject(measureCrashed(what, by ?? `exit code ${code}`, stderr()))),
    );
    sendTo(child, task, (error) => settle(() => reject(measureCrashed(what, error.message, ''))));
  });
}

/** The last lines of a child's stderr, for the message when it dies. */
function lastText(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-500);
  });
  return () => text.trim().split('\n').slice(-3).join(' ');
}
