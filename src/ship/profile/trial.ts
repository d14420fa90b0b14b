/** Opens and runs models in a process of its own, which a runtime may end. Node only. */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { EngineName } from '../../compute/engine/contract.ts';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Runnable } from '../../model/formats/opened.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { trialCrashed } from '../../support/diagnostics/engines.ts';
import type { Diagnostic } from '../../support/diagnostics.ts';
import { fromWire, revive, toWire } from './isolated-messages.ts';
import { onDisk } from './model-files.ts';
import { bounded, sendTo, startChild } from './start-child.ts';
import type { TrialMessage, TrialTask } from './trial-messages.ts';

export interface Tried {
  readonly opened: boolean;
  /** Of each run. */
  readonly outputs: readonly Readonly<Record<string, Tensor>>[];
  /** Why it doesn't open or run; RUNTIME_CRASHED where the process ended with it. null: it does both, or took too long. */
  readonly failed: Diagnostic | null;
}

interface TrialOptions extends Stoppable {
  readonly engine: EngineName;
  /** A run that takes longer is given up without a verdict; default 60 000. */
  readonly timeoutMs?: number;
}

interface Trial {
  readonly model: Runnable;
  /** What to run it on, once each; nothing: it is opened only. */
  readonly runs: readonly Readonly<Record<string, Tensor>>[];
}

/** @returns what became of each model @throws the signal's reason when aborted */
export const tryModels = (trials: readonly Trial[], options: TrialOptions): Promise<Tried[]> =>
  onDisk(
    trials.map(({ model }) => model),
    async (files) => {
      const models = trials.map(({ runs }, i) => ({ source: files[i]!, runs: runs.map(toWire) }));
      const tried: Tried[] = [];
      // A child that ends takes the model that it was at with it; the next one goes on behind that.
      while (tried.length < models.length)
        tried.push(
          ...(await inChild({ engine: options.engine, models: models.slice(tried.length) }, options)),
        );
      return tried;
    },
  );

/** What became of the models up to the one that ended the child; none where that is a child that had tried others before: they may
 *  have spoilt it. */
function inChild(task: TrialTask, { timeoutMs = 60_000, signal }: TrialOptions): Promise<Tried[]> {
  signal?.throwIfAborted();
  const { child, isNew } = takeChild(task.engine);
  return new Promise<Tried[]>((resolve, reject) => {
    const tried: Tried[] = [];
    let opened = false;
    const { settle, answered, release } = bounded(child, {
      ...{ timeoutMs, signal },
      onTimeout: () => end(null),
      onAbort: (reason) => settle(() => reject(reason)),
    });
    const end = (failed: Diagnostic | null) => {
      if (tried.length < task.models.length) tried.push({ opened, outputs: [], failed });
      settle(() => resolve(tried));
    };
    child.on('message', (message: TrialMessage) => {
      answered();
      if ('opened' in message) {
        opened = true;
        return;
      }
      tried.push(
        'failed' in message
          ? { opened, outputs: [], failed: revive(message.failed) }
          : { opened, outputs: message.outputs.map(fromWire), failed: null },
      );
      opened = false;
      if (tried.length < task.models.length) return;
      release();
      keepChild(task.engine, child);
      resolve(tried);
    });
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code, by) => {
      if (!isNew) return settle(() => resolve(tried));
      end(trialCrashed(task.engine, by ?? `exit code ${code}`, opened ? 'ran' : 'opened'));
    });
    sendTo(child, task, (error) => settle(() => (isNew ? reject(error) : resolve(tried))));
  });
}

/** Children that have answered wait a while for more models: their start takes longer than most trials. */
const waiting = new Map<EngineName, { readonly child: ChildProcess; readonly timer: NodeJS.Timeout }>();

/** They hold what the runtime doesn't give back. */
const waitMs = 5000;

function takeChild(engine: EngineName): { readonly child: ChildProcess; readonly isNew: boolean } {
  const kept = waiting.get(engine);
  if (!kept) {
    const child = startChild(import.meta.url, './trial-child');
    child.stderr?.resume();
    return { child, isNew: true };
  }
  clearTimeout(kept.timer);
  waiting.delete(engine);
  kept.child.removeAllListeners();
  kept.child.ref();
  kept.child.channel?.ref();
  return { child: kept.child, isNew: false };
}

/** This process may end while it waits; it ends then, too. */
function keepChild(engine: EngineName, child: ChildProcess): void {
  const forget = () => {
    waiting.delete(engine);
    child.kill('SIGKILL');
  };
  if (waiting.has(engine)) return void child.kill('SIGKILL');
  child.once('exit', forget).once('error', forget).unref();
  child.channel?.unref();
  (child.stderr as Socket | null)?.unref();
  waiting.set(engine, { child, timer: setTimeout(forget, waitMs).unref() });
}
