/** compress check <model> --max-size … */
import { z } from 'zod';
import { checkRequest } from '../jobs/requests/check.ts';
import { exitCodes } from '../support/diagnostics.ts';
import { field } from '../support/field.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

const output = field.bind(null, 'Output');

const markdown = z
  .string()
  .optional()
  .meta(output('--markdown <file>', 'the result for a comment on a pull request', { isPath: true }));
const junit = z
  .string()
  .optional()
  .meta(output('--junit <file>', "the result as JUnit's XML", { isPath: true }));
const annotations = z
  .boolean()
  .optional()
  .meta(
    output('--annotations', 'lines on stderr that GitHub shows on the pull request', {
      fallback: 'in GitHub Actions',
    }),
  );
const force = z.boolean().default(false).meta(output('--force', 'replace files that edgepress did not make'));

export const command = defineCommand({
  configured: 'check',
  request: checkRequest.extend({ markdown, junit, annotations, force, json }),
  async run(
    [model = ''],
    { markdown, junit, force, json, annotations = process.env['GITHUB_ACTIONS'] === 'true' },
    { markdown: _, junit: __, annotations: ___, force: ____, json: _____, ...given },
  ) {
    const { checkedRequest, checkModel } = await import('../jobs/check.ts');
    const { requireCheckFiles, writeCheckFiles } = await import('../jobs/check-files.ts');
    const { runJob } = await import('./run-job.ts');
    const request = checkedRequest(given, 'option');
    const files = { markdown, junit, force, summary: process.env['GITHUB_STEP_SUMMARY'] || undefined };
    requireCheckFiles(files, [model, request.against, request.data, request.labels, request.preprocess]);
    const report = await runJob(false, (run) => checkModel(model, request, run));
    const written = writeCheckFiles(report, files);
    if (annotations) {
      const { checkAnnotations } = await import('../judge/report/check-annotations.ts');
      for (const line of checkAnnotations(report)) console.error(line);
    }
    if (json) (await import('./print-json.ts')).printJson(report);
    else {
      const { describeCheck } = await import('./show-check.ts');
      console.log(`\n${describeCheck(report, written)}`);
    }
    if (!report.kept) process.exitCode = exitCodes.gate;
  },
});
