/** compress bundle <model> */
import path from 'node:path';
import { type BundleRequest, bundleRequest } from '../jobs/requests/bundle.ts';
import { defineCommand } from './command.ts';
import { json, quiet, reportFiles } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'bundle',
  request: bundleRequest.extend({
    report: reportFiles,
    quiet: quiet.meta({ ...quiet.meta(), description: 'print only the path of the manifest' }),
    json,
  }),
  async run([model = ''], { report = [], quiet, json }, { report: _, quiet: __, json: ___, ...given }) {
    const { bundleRequestOf, makeBundle } = await import('../jobs/bundle.ts');
    const { runJob } = await import('./run-job.ts');
    const request = bundleRequestOf(given, 'option');
    await checkReports(report, request);
    const { nameOf } = await import('../jobs/output-path.ts');
    const output = request.output ?? `${nameOf(model)}.bundle`;
    const { printHeader } = await import('./print-report.ts');
    const result = await runJob(
      quiet,
      (run) => makeBundle(output, model, request, run),
      (header) => printHeader(header, { json }),
    );
    const { describeBundle, reportOf } = await import('./show-bundle.ts');
    if (report.length > 0) {
      const { writeBundleReport } = await import('../judge/report/bundle-report-files.ts');
      await writeBundleReport(reportOf(result), report);
    }
    if (json) (await import('./print-json.ts')).printJson({ ...result, verdict: reportOf(result).verdict });
    else if (quiet) console.log(path.join(result.folder, 'edgepress.json'));
    else console.log(`\n${describeBundle(result, { ...request, report })}`);
  },
});

/** One that goes into the bundle's own folder is written when that is there. */
async function checkReports(files: readonly string[], { output, force }: BundleRequest): Promise<void> {
  const { checkReportKinds, checkReportPaths } = await import('../judge/report/bundle-report-files.ts');
  const isInside = (file: string) =>
    output !== undefined && path.dirname(path.resolve(file)) === path.resolve(output);
  checkReportPaths(
    files.filter((file) => !isInside(file)),
    force,
  );
  checkReportKinds(files);
}
