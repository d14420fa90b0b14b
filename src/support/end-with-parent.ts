/** Ends this process when the one that started it is gone, whatever it computes: killed processes tell nobody. Node only. */
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** Looks up where the thread that computes can't: a parent that is gone has another in its place, or no process. */
const thread = `
const { rmSync } = require('node:fs');
const { workerData: { parent, folder, everyMs } } = require('node:worker_threads');
const isGone = () => {
  if (process.platform !== 'win32') return process.ppid !== parent;
  try { process.kill(parent, 0); return false; } catch (error) { return error.code === 'ESRCH'; }
};
let seen = 0;
setInterval(() => {
  // The first time, the one that computes may be about to end by itself.
  if (!isGone() || ++seen < 2) return;
  try { if (folder !== null) rmSync(folder, { recursive: true, force: true }); } catch {}
  process.kill(process.pid, 'SIGKILL');
}, everyMs);
`;

interface Orphaned {
  /** Number of the process that started this one. */
  readonly parent: number;
  /** Goes with it. Default: none. */
  readonly folder?: string | null;
  readonly code: number;
}

/** @param code  to end with, where it still has one */
export function endWithParent({ parent, folder = null, code }: Orphaned): void {
  new Worker(thread, { eval: true, workerData: { parent, folder, everyMs: 500 }, execArgv: [] }).unref();
  process.once('disconnect', () => {
    try {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody writes there still; the next run removes it.
    }
    process.exit(code);
  });
}
