/** One run, or several by turns, in a worker of its own, from the page's side. */
import type { Outcome } from '../messages.ts';
import { placeKey } from '../naming.ts';
import type { Step, TakenTurns, WorkerReport, WorkerTask } from './tasks.ts';

/** A slow phone may need long to start a large model; nothing for this long means that it hangs. */
const silenceMs = 120_000;

/** What a bar shows at the begin and the end of each step. */
const spans: Readonly<Record<Step, readonly [number, number]>> = {
  download: [0, 0.3],
  start: [0.3, 0.45],
  measure: [0.45, 1],
};

/** @returns 'hidden' when the page was out of sight meanwhile: browsers slow such pages down, so it does not count */
export function measureInWorker(
  task: WorkerTask,
  onProgress: (step: Step, fraction: number) => void,
): Promise<Outcome | TakenTurns | 'hidden'> {
  return new Promise((resolve) => {
    const worker = new Worker('/lab-worker.js', { type: 'module', name: placeKey(task) });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (outcome: Outcome | TakenTurns | 'hidden') => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', hidden);
      worker.terminate();
      resolve(outcome);
    };
    const fail = (message: string) => settle({ kind: 'failed', message: printable(message) });
    const hidden = () => {
      if (document.hidden) settle('hidden');
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => fail(`It gave no answer for ${silenceMs / 1000} s.`), silenceMs);
    };
    document.addEventListener('visibilitychange', hidden);
    worker.addEventListener('error', (event) =>
      fail(event.message || 'Its worker ended; most often the browser ran out of memory.'),
    );
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerReport>) => {
      wait();
      if (data.type === 'failed') return fail(data.message);
      if (data.type === 'done') return settle(data.measured);
      const [from, to] = spans[data.step];
      onProgress(data.step, from + (to - from) * data.fraction);
    });
    wait();
    worker.postMessage(task);
  });
}

/** What the lab takes: one line without control characters. */
const printable = (text: string) =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 1000) || 'It failed without a reason.';
