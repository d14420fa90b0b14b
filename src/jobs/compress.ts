/** The call that the library is about: a model and a request in, a smaller model, its files and a report out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mergeConfig } from '../compress/merge-config.ts';
import { type Plan, planCompression, planDistillation, planFinetuning } from '../compress/plan.ts';
import type { CompressRequestInit, DistillRequestInit, FinetuneRequestInit } from '../compress/request.ts';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import type { Report } from '../judge/report/report.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { Model } from '../model/ir/model.ts';
import { createStage, makeFolder } from '../ship/emit/write.ts';
import type { Spelling } from '../support/parse-request.ts';
import { type CompressedFile, compressFile } from './compress-file.ts';
import { outputPath } from './output-path.ts';
import { type JobEvents, type RunOptions, separated } from './progress.ts';
import { readRecipe } from './read-recipe.ts';

export interface OutputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface CompressResult {
  readonly report: Report;
  /** The compressed model first, then data beside it and the report as HTML, Markdown and JSON. */
  readonly files: readonly OutputFile[];
  readonly model: Model;
}

export type CompressOptions = CompressCall & RunOptions;
export type DistillOptions = DistillRequestInit & RunOptions;
export type FinetuneOptions = FinetuneRequestInit & RunOptions;

/** Makes a model smaller and says what that cost. Nothing is written unless `output` says where: the files come back in memory.
 *  @param model  a path, bytes or an open model; none of them is changed
 *  @example
 *  const { report, files } = await compress('model.onnx', { int8: true, data: 'photos/' });
 *  @example
 *  await compress(bytes, { fp16: true, output: 'small/', onProgress: ({ step }) => console.log(step) });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT and every diagnostic that the command prints;
 *    what `signal` was aborted with
 *  @group Calls */
export const compress = (model: ModelInput, options: CompressOptions = {}): Promise<CompressResult> =>
  call(model, options, planCompressionCall);

/** Trains a smaller student to answer as a model does; see compress.
 *  @example
 *  await distill('teacher.onnx', { width: 0.5, data: 'photos/', output: 'student.onnx' });
 *  @group Calls */
export const distill = (model: ModelInput, options: DistillOptions): Promise<CompressResult> =>
  call(model, options, planDistillation);

/** Trains a model on labels; see compress.
 *  @example
 *  await finetune('model.onnx', { data: 'photos/', epochs: 3, output: 'tuned.onnx' });
 *  @group Calls */
export const finetune = (model: ModelInput, options: FinetuneOptions): Promise<CompressResult> =>
  call(model, options, planFinetuning);

/** A request to compress as a command or a call gives it: its recipe may be a file, and a file may complete it. */
export type CompressCall = CompressRequestInit & {
  /** A configuration file; true: edgepress.config.* in this folder or one above, if there is one. Default: none. */
  readonly config?: string | boolean | undefined;
};

/** @throws what planCompression, readRecipe and loadConfig throw */
export async function planCompressionCall(
  { config, ...given }: CompressCall,
  spelling?: Spelling,
): Promise<Plan> {
  const loaded = config ? await (await import('./load-config.ts')).loadConfig(config) : null;
  if (!loaded) return planCompression(await withRecipe(given), spelling);
  const { request, used, unused } = mergeConfig(loaded.request, given);
  const plan = await planCompression(await withRecipe(request), spelling);
  return { ...plan, config: { file: loaded.file, used, unused } };
}

const withRecipe = async (request: CompressRequestInit): Promise<CompressRequestInit> =>
  typeof request.recipe === 'string' ? { ...request, recipe: await readRecipe(request.recipe) } : request;

/** Writes files into a folder, which is made if it isn't there; all of them or none. @throws OUTPUT_UNWRITABLE
 *  @group Calls */
export function write(files: readonly OutputFile[], folder = '.'): string[] {
  makeFolder(folder);
  const stage = createStage(path.join(folder, path.basename(files[0]?.path ?? 'edgepress')));
  try {
    for (const file of files) stage.write(file.path, file.bytes);
    return stage.commit();
  } finally {
    stage.discard();
  }
}

async function call<Init extends object>(
  model: ModelInput,
  options: Init & RunOptions,
  planOf: (request: Init) => Promise<Plan>,
): Promise<CompressResult> {
  const { given, run } = separated(options);
  const plan = await planOf(given as unknown as Init);
  const command = commandOf(model, given);
  return inTemporaryFolder(async (folder) => {
    const output =
      plan.request.output ??
      path.join(folder, path.basename(outputPath(pathOf(model), plan.ending, undefined)));
    const { report, model: result } = await runPlan(
      model,
      { ...plan, request: { ...plan.request, output } },
      { command, ...run },
    );
    const isWritten = plan.request.output !== undefined;
    const named = (file: string) => (isWritten ? file : path.basename(file));
    const files = report.files.map((file) => ({
      path: named(file),
      bytes: new Uint8Array(readFileSync(file)),
    }));
    return { report: { ...report, files: report.files.map(named) }, files, model: result };
  });
}

export interface PlanRun {
  /** What was typed or called, for the report. */
  readonly command: string;
  readonly events: JobEvents;
  readonly signal: AbortSignal | undefined;
}

/** Does what was planned with a file, and writes beside it or where the request says. */
export const runPlan = (input: ModelInput, plan: Plan, run: PlanRun): Promise<CompressedFile> =>
  compressFile({
    input,
    output: outputPath(pathOf(input), plan.ending, plan.request.output),
    plan,
    cache: plan.request.cache === false ? null : openCalibrationCache(defaultCacheFolder()),
    ...run,
  });

/** Where a model lies; what is only in memory is written to the working folder, under its name. */
function pathOf(input: ModelInput): string {
  if (typeof input === 'string') return input;
  // What is no model at all is refused where it is opened.
  const opened = typeof input === 'object' && input !== null && 'engineSource' in input ? input : null;
  return opened?.files[0]?.path ?? opened?.name ?? 'model.onnx';
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The call as it would be written: data that has no text is left out. */
function commandOf(model: ModelInput, request: Readonly<Record<string, unknown>>): string {
  const name = typeof model === 'string' ? model : model instanceof Uint8Array ? 'bytes' : 'model';
  return `compress(${name}, ${JSON.stringify(request)})`;
}
