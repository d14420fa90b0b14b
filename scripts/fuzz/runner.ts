/** Runs cases in a child process with bounds of time and memory; a new one when it died. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Case, type Outcome, tookTooLong } from './case.ts';

const script = fileURLToPath(new URL('child.ts', import.meta.url));
const mostHeapMb = 1024;

export interface Limits {
  /** Of one case's work; what computes longer hangs. The process's own time, so that a busy machine makes no finding. */
  readonly workMs: number;
  /** Until an answer: what waits for something that never comes computes nothing. */
  readonly answerMs: number;
  /** Until a process is there: compiling the sources takes minutes where others compute, too. */
  readonly startMs: number;
}

const usual: Limits = { workMs: 20_000, answerMs: 300_000, startMs: 1_200_000 };

export interface Runner {
  /** Ends when a process is there that takes cases. */
  start(): Promise<void>;
  run(one: Case): Promise<Outcome>;
  close(): void;
}

/** @param program  what runs a case, as child.ts does
 *  @param onWait  told what takes its time */
export function createRunner(
  program = script,
  limits: Partial<Limits> = {},
  onWait: (what: string) => void = console.error,
): Runner {
  const { workMs, answerMs, startMs } = { ...usual, ...limits };
  let child: Promise<ChildProcess> | null = null;

  const answer = (process: ChildProcess, work: () => void, withinMs: number) =>
    new Promise<Outcome>((resolve) => {
      const done = (outcome: Outcome) => {
        clearTimeout(timer);
        process.off('message', onMessage);
        process.off('exit', onExit);
        resolve(outcome);
      };
      const onMessage = (outcome: unknown) => done(outcome as Outcome);
      const onExit = (code: number | null, signal: string | null) => {
        child = null;
        done({ kind: 'failed', what: died(code, signal) });
      };
      const timer = setTimeout(() => {
        process.off('exit', onExit);
        process.kill('SIGKILL');
        child = null;
        done({ kind: 'failed', what: `no answer in ${withinMs / 1000} s` });
      }, withinMs);
      process.on('message', onMessage);
      process.on('exit', onExit);
      work();
    });

  const died = (code: number | null, signal: string | null) =>
    signal === tookTooLong
      ? `computed for more than ${workMs / 1000} s`
      : `the process died (${signal ?? `exit ${code}`})`;

  async function started(): Promise<ChildProcess> {
    const made = fork(program, [String(workMs)], {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${mostHeapMb}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const waiting = setTimeout(
      () => onWait(`Waiting for the fuzzer's process to start, ${startMs / 60_000} minutes at most.`),
      30_000,
    );
    const begun = await answer(made, () => {}, startMs);
    clearTimeout(waiting);
    if (begun.kind === 'failed') throw new Error(`The fuzzer's process did not start: ${begun.what}.`);
    return made;
  }

  const living = (): Promise<ChildProcess> => {
    child ??= started();
    return child;
  };

  // An answer doesn't say to what: a case waits for the one before, which may have been given up by whoever sent it.
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = before.then(work);
    before = turn.catch(() => {});
    return turn;
  };

  return {
    start: async () => void (await living()),
    run: (one) =>
      inTurn(async () => {
        const process = await living();
        return answer(process, () => process.send(one), answerMs);
      }),
    close: () =>
      void child?.then(
        (process) => process.kill(),
        () => {},
      ),
  };
}
