/** compress data <path> --model … [-o samples.npz] */
import { dataRequest } from '../jobs/requests/data.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'data',
  request: dataRequest.extend({ json }),
  async run([path = ''], { json, ...request }) {
    const { inspectDataFor } = await import('../jobs/data.ts');
    const { runJob } = await import('./run-job.ts');
    const found = await runJob(false, (run) => inspectDataFor(path, request, run));
    if (json) return (await import('./print-json.ts')).printJson(found);
    console.log((await import('./show-data.ts')).describeDataInspection(found));
  },
});
