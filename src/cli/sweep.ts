/** compress sweep <sweep.json> */
import { sweepRequest } from '../jobs/requests/sweep.ts';
import { exitCodes } from '../support/diagnostics.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'sweep',
  request: sweepRequest.extend({ quiet, json }),
  async run([file = ''], { quiet, json, ...request }) {
    const { sweepOver } = await import('../jobs/sweep.ts');
    const { sweepFolder } = await import('../jobs/sweep/pages.ts');
    const { endSoon, interruptSignal } = await import('./interrupt.ts');
    const { watchSweep } = await import('./watch-sweep.ts');
    const { describeSweep, describeStopped } = await import('./show-sweep.ts');
    const folder = sweepFolder(file, request.output);
    const { signal, dispose } = interruptSignal();
    const watch = watchSweep({ quiet, json });
    try {
      const report = await sweepOver(file, request, { signal, ...watch });
      watch.stop();
      if (json) watch.tell('done', report);
      else if (quiet)
        console.log(report.jobs.flatMap(({ files }) => files.map((f) => `${folder}/${f}`)).join('\n'));
      else console.log(`\n${describeSweep(report, folder)}`);
      const failed = report.jobs.some(({ error, latency }) => error || latency.some((one) => one.error));
      if (failed) process.exitCode = exitCodes.gate;
    } catch (error) {
      watch.stop();
      if (!signal.aborted) throw error;
      console.error(describeStopped(watch.counts()));
      process.exitCode = 130;
    } finally {
      dispose();
      if (request.queue !== undefined) endSoon();
    }
  },
});
