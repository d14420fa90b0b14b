/** The call behind `compress bundle`: a model in, everything that an app needs to load it out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { refuseIdle } from '../compress/refuse-idle.ts';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import { parseRequest, type Spelling } from '../support/parse-request.ts';
import { type BundleResult, bundleFile } from './bundle.ts';
import type { OutputFile } from './compress.ts';
import { type JobRun, type RunOptions, separated } from './progress.ts';
import { type BundleRequest, type BundleRequestInit, bundleRequest } from './requests/bundle.ts';

export type BundleOptions = BundleRequestInit & RunOptions;

export interface BundledModel {
  /** The manifest, what was refused and why, and what there is to know besides. */
  readonly report: BundleResult;
  /** All files of the bundle, named from its folder. */
  readonly files: readonly OutputFile[];
}

/** Makes everything that an app needs to load a model: variants for its targets, manifest, types, a demo page. Nothing is
 *  written unless `output` says where: the files come back in memory.
 *  @param model  a path, bytes or an open model
 *  @example
 *  await bundle('model.onnx', { targets: ['wasm', 'webgpu'], data: 'photos/', output: 'public/model/' });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT, NO_VARIANT and what reading models and data throws
 *  @group Calls */
export async function bundle(model: ModelInput, options: BundleOptions = {}): Promise<BundledModel> {
  const { given, run } = separated(options);
  const request = bundleRequestOf(given, 'field');
  const { output } = request;
  if (output !== undefined) return withFiles(await bundleTo(output, model, request, run));
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
  try {
    return withFiles(await bundleTo(path.join(folder, 'model'), model, request, run));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws what parseRequest throws, OPTION_WITHOUT_EFFECT */
export function bundleRequestOf(given: BundleRequestInit, spelling: Spelling): BundleRequest {
  const request = parseRequest(bundleRequest, given, spelling);
  refuseIdle(bundleRequest, given, request, spelling);
  return request;
}

const withFiles = (report: BundleResult): BundledModel => ({
  report,
  files: report.files.map((file) => ({
    path: file.path,
    bytes: new Uint8Array(readFileSync(path.join(report.folder, file.path))),
  })),
});

/** @param output  the bundle's folder */
export function bundleTo(
  output: string,
  input: ModelInput,
  request: BundleRequest,
  run: JobRun,
): Promise<BundleResult> {
  const { data, labels, preprocess, skipBad, testData, testLabels, shard } = request;
  const test = testData === undefined ? undefined : { path: testData, labels: testLabels };
  return bundleFile({
    ...request,
    ...run,
    input,
    output,
    data: data === undefined ? undefined : { path: data, labels, preprocess, skipBad, test },
    calibrationSamples: request.calibrate,
    evaluationSamples: request.evaluate ?? (test ? Number.POSITIVE_INFINITY : 100),
    budget: { minAgreement: request.minAgreement / 100, minSqnrDb: request.minSqnr },
    shardBytes: shard === 0 ? Number.POSITIVE_INFINITY : shard * 1e6,
    url: request.url ?? `/${path.basename(path.resolve(output))}/`,
    cache: request.cache ? openCalibrationCache(defaultCacheFolder()) : null,
  });
}
