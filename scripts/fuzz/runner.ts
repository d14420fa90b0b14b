/** Runs cases in a child process with bounds of time and memory; a new one when it died. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Case, Outcome } from './case.ts';

const script = fileURLToPath(new URL('child.ts', import.meta.url));
/** Of one case; what takes longer hangs. */
const mostMs = 20_000;
const mostHeapMb = 1024;

export interface Runner {
  run(one: Case): Promise<Outcome>;
  close(): void;
}

/** @param program  what runs a case, as child.ts does */
export function createRunner(program = script, limitMs = mostMs): Runner {
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
        done({ kind: 'failed', what: `the process died (${signal ?? `exit ${code}`})` });
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

  async function started(): Promise<ChildProcess> {
    const made = fork(program, {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${mostHeapMb}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const begun = await answer(made, () => {}, 300_000);
    if (begun.kind === 'failed') throw new Error(`The fuzzer's process did not start: ${begun.what}.`);
    return made;
  }

  return {
    async run(one) {
      child ??= started();
      const process = await child;
      return answer(process, () => process.send(one), limitMs);
    },
    close: () => void child?.then((process) => process.kill()),
  };
}
