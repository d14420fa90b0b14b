/** compress evaluate <model> --data … [--metric …] [--baseline …] */
import { evaluateRequest } from '../jobs/requests/evaluate.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'evaluate',
  request: evaluateRequest.extend({ json }),
  async run([model = ''], { json, ...request }, given) {
    const { evaluateWith, refuseIdle } = await import('../jobs/evaluate.ts');
    const { runJob } = await import('./run-job.ts');
    const { describeEvaluation } = await import('./show-evaluation.ts');
    refuseIdle(given, request, 'option');
    const result = await runJob(false, (run) => evaluateWith(model, request, run));
    if (json) (await import('./print-json.ts')).printJson(result);
    else console.log(`\n${describeEvaluation(result, request.baseline !== undefined)}`);
  },
});
