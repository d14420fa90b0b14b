/** compress compare <before> <after> --data … */
import { compareRequest } from '../jobs/requests/compare.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'compare',
  request: compareRequest.extend({ json }),
  async run([before = '', after = ''], { json, ...request }) {
    const { compareModels } = await import('../jobs/compare.ts');
    const { runJob } = await import('./run-job.ts');
    const { describeComparison } = await import('./show-comparison.ts');
    const result = await runJob(false, (run) => compareModels(before, after, request, run));
    if (json) (await import('./print-json.ts')).printJson(result);
    else console.log(`\n${describeComparison(result)}`);
  },
});
