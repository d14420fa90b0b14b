/** compress profile <bundle or model> */
import { z } from 'zod';
import { type ProfileRequest, profileRequest } from '../jobs/requests/profile.ts';
import { field } from '../support/field.ts';
import { defineCommand } from './command.ts';
import { json, reportFiles } from './printing-fields.ts';

const compare = z
  .boolean()
  .default(false)
  .meta(field('Output', '--compare', 'one table: variants down, devices across'));

export const command = defineCommand({
  request: profileRequest.extend({ compare, report: reportFiles, json }),
  async run([target = ''], { compare, report = [], json, ...request }) {
    const reports = await import('../judge/report/bundle-report-files.ts');
    const { commandLine } = await import('./run-job.ts');
    reports.checkReportPaths(report);
    const result = await measured(target, request);
    if (report.length > 0)
      await reports.writeBundleReport(reports.profileReport(result, commandLine()), report);
    const { comparison, listing } = await import('./show-profile.ts');
    if (json) (await import('./print-json.ts')).printJson(result);
    else console.log(`\n${compare ? comparison(result, report) : listing(result, report)}`);
  },
});

async function measured(target: string, request: ProfileRequest) {
  const { profile } = await import('../jobs/profile.ts');
  const { runJob } = await import('./run-job.ts');
  const { device, provider, threads, throughput, dim = [] } = request;
  return runJob(false, (run) =>
    profile({
      target,
      devices: device,
      threads,
      ...(provider ? { providers: provider } : {}),
      ...(throughput ? { throughput } : {}),
      dims: Object.fromEntries(dim.map(({ name, size }) => [name, size])),
      ...run,
    }),
  );
}
