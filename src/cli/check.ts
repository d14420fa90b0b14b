/** compress check <model> --max-size … */
import { checkRequest } from '../jobs/requests/check.ts';
import { exitCodes } from '../support/diagnostics.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'check',
  request: checkRequest.extend({ json }),
  async run([model = ''], { json }, { json: _, ...given }) {
    const { checkedRequest, checkModel } = await import('../jobs/check.ts');
    const { runJob } = await import('./run-job.ts');
    const request = checkedRequest(given, 'option');
    const report = await runJob(false, (run) => checkModel(model, request, run));
    if (json) (await import('./print-json.ts')).printJson(report);
    else {
      const { describeCheck } = await import('./show-check.ts');
      console.log(`\n${describeCheck(report)}`);
    }
    if (!report.kept) process.exitCode = exitCodes.gate;
  },
});
