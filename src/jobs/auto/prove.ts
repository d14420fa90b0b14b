/** Makes the winner in a process of its own, so that Ctrl-C is heard whatever it computes. */
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { SweepFailure } from '../../judge/report/sweep-report.ts';
import { sendTo, startChild } from '../../ship/profile/start-child.ts';
import { runtimeCrashed } from '../../support/diagnostics/engines.ts';
import { messageOf } from '../../support/diagnostics.ts';
import { removeHiddenFolder } from '../../support/hidden-folder.ts';
import type { JobEvents } from '../progress.ts';
import type { ProveAnswer, ProveTask } from './prove-messages.ts';

export type Proof = { readonly files: readonly string[] } | { readonly failed: SweepFailure };

/** @throws RUNTIME_CRASHED where the process dies; what the signal was aborted with */
export function prove(task: ProveTask, events: JobEvents, { signal }: Stoppable): Promise<Proof> {
  const child = startChild(import.meta.url, './prove-process');
  let making: string | null = null;
  return new Promise<Proof>((resolve, reject) => {
    const onAbort = () => {
      child.removeAllListeners();
      child.kill('SIGKILL');
      if (making !== null) removeHiddenFolder(making);
      reject(signal?.reason);
    };
    const settle = (finish: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      child.removeAllListeners();
      child.kill('SIGKILL');
      finish();
    };
    child.on('message', (answer: ProveAnswer) => {
      if (answer.kind === 'making') making = answer.folder;
      else if (answer.kind === 'done') settle(() => resolve({ files: answer.files }));
      else if (answer.kind === 'failed') settle(() => resolve({ failed: answer.error }));
      else relay(answer, events);
    });
    child.once('error', (error) => settle(() => reject(runtimeCrashed(messageOf(error)))));
    child.once('exit', (code, name) =>
      // What it said last may still be on its way.
      setTimeout(() => settle(() => reject(runtimeCrashed(name ?? `exit code ${code}`))), 50),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    sendTo(child, task, (error) => settle(() => reject(runtimeCrashed(messageOf(error)))));
  });
}

type Told = Exclude<ProveAnswer, { readonly kind: 'making' | 'done' | 'failed' }>;

function relay(answer: Told, events: JobEvents): void {
  if (answer.kind === 'begin') events.begin?.(answer.step);
  else if (answer.kind === 'progress') events.progress?.(answer.step, answer.done, answer.total);
  else if (answer.kind === 'note') events.note?.(answer.step, answer.text);
  else events.end?.(answer.step, answer.text, answer.ms);
}
