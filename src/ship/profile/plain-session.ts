/** Whether a file opens in onnxruntime-node with the options that a session has when nobody sets any: those of our own
 *  sessions keep it from what it dies of. In a child process, since a crash there is an answer. Node only. */
import type { Runnable } from '../../model/formats/opened.ts';
import { onDisk } from './model-files.ts';
import { startChild } from './start-child.ts';

/** @returns why it doesn't open; null where it does */
export const plainRefusal = (model: Runnable): Promise<string | null> =>
  onDisk([model], ([file]) => {
    const child = startChild(import.meta.url, './plain-session-child');
    return new Promise<string | null>((resolve) => {
      const settle = (refusal: string | null) => {
        child.removeAllListeners();
        child.kill('SIGKILL');
        resolve(refusal);
      };
      child.once('message', ({ refusal }: { refusal: string | null }) => settle(refusal));
      child.once('error', (error) => settle(error.message));
      child.once('exit', (code, signal) => settle(`the process ends with ${signal ?? `exit code ${code}`}`));
      child.send(file!.path, () => {});
    });
  });
