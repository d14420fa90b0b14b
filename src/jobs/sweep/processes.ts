/** Processes that jobs are done in. Each does several, one after the other, and is replaced when it dies or has grown large. */
import type { ChildProcess } from 'node:child_process';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import { sendTo, startChild } from '../../ship/profile/start-child.ts';
import { jobCrashed, jobTimeout } from '../../support/diagnostics/sweep.ts';
import { messageOf } from '../../support/diagnostics.ts';
import type { JobAnswer, JobTask } from './job-messages.ts';

export type FinalAnswer = Exclude<JobAnswer, { readonly step: string }>;

interface Watched extends Stoppable {
  readonly timeoutMs: number;
  /** Told of each step that begins. */
  readonly onStep: (step: string) => void;
}

export interface JobProcesses {
  /** @throws JOB_CRASHED when the process died, JOB_TIMEOUT; what the signal was aborted with */
  run(task: JobTask, watched: Watched): Promise<FinalAnswer>;
  /** Ends them all. */
  close(): void;
}

/** wasm's memory grows and never shrinks. */
const mostJobsEach = 25;
/** Of what a process says on stderr. */
const logBytes = 4000;

interface Kept {
  readonly child: ChildProcess;
  readonly log: () => string;
  jobs: number;
}

export function openProcesses(): JobProcesses {
  const idle: Kept[] = [];
  const all = new Set<ChildProcess>();
  const start = (): Kept => {
    const child = startChild(import.meta.url, './job-process');
    all.add(child);
    child.once('exit', () => {
      all.delete(child);
      // One that died with nothing to do is given nothing more.
      const at = idle.findIndex((kept) => kept.child === child);
      if (at >= 0) idle.splice(at, 1);
    });
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-logBytes);
    });
    return { child, log: () => text.trim(), jobs: 0 };
  };
  return {
    async run(task, watched) {
      const kept = living(idle) ?? start();
      kept.jobs++;
      let isAlive = false;
      try {
        const answer = await answered(kept, task, watched);
        isAlive = true;
        return answer;
      } finally {
        if (isAlive && kept.jobs < mostJobsEach && kept.child.connected) idle.push(kept);
        else kept.child.kill('SIGKILL');
      }
    },
    close() {
      for (const child of all) child.kill('SIGKILL');
    },
  };
}

/** The last that lives. */
function living(idle: Kept[]): Kept | null {
  for (let kept = idle.pop(); kept; kept = idle.pop()) {
    const { connected, exitCode, signalCode } = kept.child;
    if (connected && exitCode === null && signalCode === null) return kept;
    kept.child.kill('SIGKILL');
  }
  return null;
}

function answered(
  { child, log }: Kept,
  task: JobTask,
  { timeoutMs, onStep, signal }: Watched,
): Promise<FinalAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      finish();
    };
    const onError = (error: Error) =>
      // One that is just dying takes no task any more.
      settle(() => reject(jobCrashed(child.signalCode ?? messageOf(error), 1, lastLines(log()))));
    const onAbort = () => settle(() => reject(signal?.reason));
    const onMessage = (answer: JobAnswer) => {
      if ('step' in answer) onStep(answer.step);
      else settle(() => resolve(answer));
    };
    const onExit = (code: number | null, signalName: string | null) =>
      // What it said last may still be on its way.
      setTimeout(
        () => settle(() => reject(jobCrashed(signalName ?? `exit code ${code}`, 1, lastLines(log())))),
        50,
      );
    const timer = setTimeout(
      () => settle(() => reject(jobTimeout(Math.round(timeoutMs / 60_000)))),
      timeoutMs,
    );
    child.on('message', onMessage).once('exit', onExit).once('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    sendTo(child, task, onError);
  });
}

const lastLines = (log: string): string => log.split('\n').slice(-3).join(' ').slice(-400);
