/** compress profile <bundle or model> */
import { z } from 'zod';
import { profileRequest } from '../jobs/requests/profile.ts';
import { field } from '../support/field.ts';
import { defineCommand } from './command.ts';
import { json, reportFiles } from './printing-fields.ts';

const sideBySide = z
  .boolean()
  .default(false)
  .meta(field('Output', '--side-by-side', 'one table: variants down, devices across'));

export const command = defineCommand({
  configured: 'profile',
  request: profileRequest.extend({ sideBySide, report: reportFiles, json }),
  async run([target = ''], { sideBySide, report = [], json, ...request }) {
    const reports = await import('../judge/report/bundle-report-files.ts');
    const { profileOn } = await import('../jobs/profile.ts');
    const { commandLine, runJob } = await import('./run-job.ts');
    reports.checkReportPaths(report);
    const result = await runJob(false, (run) => profileOn(target, request, run));
    if (report.length > 0)
      await reports.writeBundleReport(reports.profileReport(result, commandLine()), report);
    const { listing, overview } = await import('./show-profile.ts');
    if (json) (await import('./print-json.ts')).printJson(result);
    else console.log(`\n${sideBySide ? overview(result, report) : listing(result, report)}`);
  },
});
