/** Ends the process when one case has computed for too long: a thread counts the processor's time, as the one that computes
 *  can't look up. */
import { Worker } from 'node:worker_threads';
import { tookTooLong } from './case.ts';

/** Counts from the time that `case` goes up; 0 while there is none. */
const thread = `
const { workerData } = require('node:worker_threads');
const one = new Int32Array(workerData.shared);
let [seen, from] = [0, 0];
const usedMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
setInterval(() => {
  const now = Atomics.load(one, 0);
  if (now !== seen) { seen = now; from = usedMs(); }
  else if (now !== 0 && usedMs() - from > workerData.limitMs) process.kill(process.pid, workerData.signal);
}, 200);
`;

export function watchWork(limitMs: number): { begin(): void; end(): void } {
  const shared = new SharedArrayBuffer(4);
  const one = new Int32Array(shared);
  const workerData = { shared, limitMs, signal: tookTooLong };
  new Worker(thread, { eval: true, workerData, execArgv: [] }).unref();
  let count = 0;
  return {
    begin: () => void Atomics.store(one, 0, ++count),
    end: () => void Atomics.store(one, 0, 0),
  };
}
