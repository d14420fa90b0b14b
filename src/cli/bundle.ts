/** compress bundle <model> */
import path from 'node:path';
import { type BundleRequest, bundleRequest } from '../jobs/requests/bundle.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { defineCommand } from './command.ts';
import { json, quiet, reportFiles } from './printing-fields.ts';

export const command = defineCommand({
  request: bundleRequest.extend({
    report: reportFiles,
    quiet: quiet.meta({ ...quiet.meta(), description: 'print only the path of the manifest' }),
    json,
  }),
  async run([model = ''], { report = [], quiet, json, ...request }) {
    refuseIdle(request);
    await checkReports(report, request);
    const result = await made(model, request, quiet);
    const { describeBundle, reportOf } = await import('./show-bundle.ts');
    if (report.length > 0) {
      const { writeBundleReport } = await import('../judge/report/bundle-report-files.ts');
      await writeBundleReport(reportOf(result), report);
    }
    if (json) (await import('./print-json.ts')).printJson(result);
    else if (quiet) console.log(path.join(result.folder, 'edgepress.json'));
    else console.log(`\n${describeBundle(result, { ...request, report })}`);
  },
});

/** @throws OPTION_WITHOUT_EFFECT */
function refuseIdle({ data, labels, skipBad, testData }: BundleRequest): void {
  if (data !== undefined) return;
  if (labels !== undefined) throw optionWithoutEffect('--labels', '--data');
  if (skipBad) throw optionWithoutEffect('--skip-bad', '--data');
  if (testData !== undefined) throw optionWithoutEffect('--test-data', '--data');
}

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

async function made(model: string, request: BundleRequest, quiet: boolean) {
  const { bundleFile } = await import('../jobs/bundle.ts');
  const { defaultCacheFolder, openCalibrationCache } = await import(
    '../compute/calibrate/calibration-cache.ts'
  );
  const { runJob } = await import('./run-job.ts');
  const { dataOf } = await import('./data-flags.ts');
  const { data, evaluationSamples } = dataOf(request);
  const output = request.output ?? model.replace(/(\.onnx)?$/i, '.bundle');
  return runJob(quiet, (run) =>
    bundleFile({
      ...request,
      ...run,
      input: model,
      output,
      data,
      calibrationSamples: request.calibrate,
      evaluationSamples: evaluationSamples ?? (data?.test ? Number.POSITIVE_INFINITY : 100),
      budget: { minAgreement: request.minAgreement / 100, minSqnrDb: request.minSqnr },
      shardBytes: request.shard === 0 ? Number.POSITIVE_INFINITY : request.shard * 1e6,
      url: request.url ?? `/${path.basename(path.resolve(output))}/`,
      cache: request.cache ? openCalibrationCache(defaultCacheFolder()) : null,
    }),
  );
}
