/** compress worker --queue redis://… */
import { workerRequest } from '../jobs/requests/sweep.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'worker',
  request: workerRequest.extend({ json }),
  async run(_, { json, ...request }) {
    const { workFor } = await import('../jobs/worker.ts');
    const { shownQueue } = await import('../jobs/sweep/queue/bullmq.ts');
    const { recipeText } = await import('../judge/report/sweep-words.ts');
    const { endSoon, interruptSignal } = await import('./interrupt.ts');
    const { printJson } = await import('./print-json.ts');
    const { plain } = await import('../judge/report/terminal.ts');
    const { signal, dispose } = interruptSignal();
    const say = (event: string, text: string, more: object) => {
      if (json) printJson({ event, at: new Date().toISOString(), ...more });
      else console.error(`  ${plain(text)}`);
    };
    const short = (key: string) => key.slice(0, 12);
    try {
      await workFor(request, {
        signal,
        events: {
          ready: (worker) =>
            say('ready', `${worker} waits for jobs of ${shownQueue(request.queue)}. Ctrl-C ends it.`, {
              worker,
            }),
          began: (key, job) =>
            say(
              'began',
              `${short(key)}  ${job.kind === 'time' ? `time on ${job.device}` : recipeText(job.recipe)}`,
              { key },
            ),
          ended: (key, result) =>
            say(
              result ? 'ended' : 'returned',
              `${short(key)}  ${result ? (result.error ? `failed: ${result.error.code}` : `done in ${(result.ms / 1000).toFixed(1)} s`) : 'goes back to the queue'}`,
              { key, error: result?.error?.code ?? null },
            ),
          failed: (key, { code, message }) =>
            say('failed', `${short(key)}  ${code} ${message}`, { key, error: code }),
        },
      });
      say('closed', 'Closed: nothing was left half done.', {});
    } finally {
      dispose();
      endSoon();
    }
  },
});
