/** The call that the library is about: a model and a request in, a smaller model, its files and a report out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import { checkCompress, checkDistill, checkFinetune } from '../compress/check-request.ts';
import { type ConfigUse, mergeConfig } from '../compress/merge-config.ts';
import {
  type Plan,
  type PlannedRequest,
  planCompression,
  planDistillation,
  planFinetuning,
} from '../compress/plan.ts';
import { type PlanFacts, planFacts } from '../compress/plan-facts.ts';
import {
  type CompressRequest,
  type CompressRequestInit,
  compressRequest,
  type DistillRequestInit,
  distillRequest,
  type FinetuneRequestInit,
  finetuneRequest,
} from '../compress/request.ts';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import type { Report } from '../judge/report/report.ts';
import type { Search } from '../judge/report/search.ts';
import type { WrittenFormatId } from '../model/formats/format.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { createStage, makeFolder } from '../ship/emit/write.ts';
import type { Spelling } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import type { TargetName } from '../support/target.ts';
import { shownUrl } from '../support/url.ts';
import { type CompressedFile, compressFile } from './compress-file.ts';
import { describeModel } from './model-facts.ts';
import { inFolderOf, isFolder, outputPath } from './output-path.ts';
import { type JobRun, type RunOptions, separated, step } from './progress.ts';
import { fetched, readModel } from './read-model.ts';
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
 *  @param model  a path, an address on the web, bytes or an open model; none of them is changed
 *  @example
 *  const { report, files } = await compress('model.onnx', { int8: true, data: 'photos/' });
 *  @example
 *  await compress(bytes, { fp16: true, output: 'small/', onProgress: ({ step }) => console.log(step) });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT and every diagnostic that the command prints;
 *    what `signal` was aborted with
 *  @group Calls */
export const compress = (model: ModelInput, options: CompressOptions = {}): Promise<CompressResult> =>
  call(model, options, compressRequest, askToCompress);

/** Trains a smaller student to answer as a model does; see compress.
 *  @example
 *  await distill('teacher.onnx', { width: 0.5, data: 'photos/', output: 'student.onnx' });
 *  @group Calls */
export const distill = (model: ModelInput, options: DistillOptions): Promise<CompressResult> =>
  call(model, options, distillRequest, askToDistill);

/** Trains a model on labels; see compress.
 *  @example
 *  await finetune('model.onnx', { data: 'photos/', epochs: 3, output: 'tuned.onnx' });
 *  @group Calls */
export const finetune = (model: ModelInput, options: FinetuneOptions): Promise<CompressResult> =>
  call(model, options, finetuneRequest, askToFinetune);

/** A request to compress as a command or a call gives it: its recipe may be a file, and a file may complete it. */
type CompressCall = CompressRequestInit & {
  /** A configuration file; true: edgepress.config.* in this folder or one above, if there is one. Default: none. */
  readonly config?: string | boolean | undefined;
};

/** A request that was checked, and waits for the model. */
export interface Asked {
  readonly request: PlannedRequest;
  readonly plan: (facts: PlanFacts) => Promise<Plan>;
  /** The file that some of it came from. */
  readonly config?: ConfigUse | undefined;
  /** The request, where it asks for a search. */
  readonly search?: CompressRequest | undefined;
}

/** @throws what checkCompress, readRecipe and loadConfig throw */
export async function askToCompress({ config, ...given }: CompressCall, spelling?: Spelling): Promise<Asked> {
  const loaded = config ? await (await import('./load-config.ts')).loadConfig(config) : null;
  const merged = loaded && mergeConfig(compressRequest, loaded.request, given);
  const request = checkCompress(await withRecipe(merged?.request ?? given), spelling);
  return {
    request,
    plan: (facts) => planCompression(request, facts),
    search: request.auto ? request : undefined,
    config: merged ? { file: loaded.file, used: merged.used, unused: merged.unused } : undefined,
  };
}

/** @throws what checkDistill throws */
export async function askToDistill(given: DistillRequestInit, spelling?: Spelling): Promise<Asked> {
  const request = checkDistill(given, spelling);
  return { request, plan: (facts) => planDistillation(request, facts) };
}

/** @throws what checkFinetune throws */
export async function askToFinetune(given: FinetuneRequestInit, spelling?: Spelling): Promise<Asked> {
  const request = checkFinetune(given, spelling);
  return { request, plan: (facts) => planFinetuning(request, facts) };
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
  request: z.ZodObject,
  ask: (request: Init) => Promise<Asked>,
): Promise<CompressResult> {
  return inCallWords(request, async () => {
    const { given, run } = separated(options);
    const asked = await ask(given as unknown as Init);
    const command = commandOf(model, given);
    if (asked.request.output !== undefined)
      return withFiles(await carryOut(model, asked, { command, ...run }));
    return inTemporaryFolder(async (folder) => {
      const output = `${folder}${path.sep}`;
      return inMemory(withFiles(await carryOut(model, asked, { command, ...run, output })));
    });
  });
}

const withFiles = ({ report, model }: CompressedFile): CompressResult => ({
  report,
  files: report.files.map((file) => ({ path: file, bytes: new Uint8Array(readFileSync(file)) })),
  model,
});

/** Files named as they would be in a folder of their own. */
const inMemory = ({ report, files, model }: CompressResult): CompressResult => ({
  report: { ...report, files: report.files.map((file) => path.basename(file)) },
  files: files.map((file) => ({ ...file, path: path.basename(file.path) })),
  model,
});

interface CompressRun extends JobRun {
  /** What was typed or called, for the report. */
  readonly command: string;
  /** Where to write what the request says no place for; by default beside the model. */
  readonly output?: string | undefined;
  /** What was tried before this was chosen: its budgets hold here, too. */
  readonly search?: Search | undefined;
  /** Whether a search that is stopped writes the best that it has found, instead of failing. */
  readonly keepsBest?: boolean | undefined;
}

/** Opens the model, plans what was asked for, does it, and writes beside the model or where the request says. */
export async function carryOut(input: ModelInput, asked: Asked, run: CompressRun): Promise<CompressedFile> {
  if (asked.search) return (await import('./auto.ts')).carryOutAuto(input, asked.search, run);
  const source = await fetched(input, asked.request, run);
  const opened = await step(run.events, 'read', () => readModel(source, asked.request), describeModel);
  const place = asked.request.output ?? run.output;
  const kept = keptFormat(opened, asked.request, place);
  const plan = await asked.plan({ ...planFacts(opened.model, opened.name), format: kept });
  const format = plan.request.format ?? formatOfTarget(plan.recipe.target, place);
  const output = outputPath(pathsOf(opened)[0] ?? opened.name, plan.ending, { output: place, format });
  return inFolderOf(place ?? output, () =>
    compressFile({
      ...run,
      ...{ opened, plan, output, config: asked.config },
      input: typeof input === 'string' ? shownUrl(input) : opened.name,
      cache: plan.request.cache === false ? null : openCalibrationCache(defaultCacheFolder()),
    }),
  );
}

/** A .tflite file stays one, for LiteRT, unless a target, format, recipe or name of a file says otherwise. */
const keptFormat = (
  { format: { id } }: OpenedModel,
  { target, format, recipe }: PlannedRequest,
  place: string | undefined,
): WrittenFormatId | undefined =>
  id === 'tflite' && (target ?? format ?? recipe) === undefined && (place === undefined || isFolder(place))
    ? id
    : undefined;

/** LiteRT loads .tflite files and nothing else; a file's name says its format itself. */
const formatOfTarget = (target: TargetName, place: string | undefined): WrittenFormatId | undefined =>
  target === 'litert' && (place === undefined || isFolder(place)) ? 'tflite' : undefined;

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
  const name = typeof model === 'string' ? shownUrl(model) : model instanceof Uint8Array ? 'bytes' : 'model';
  return `compress(${name}, ${JSON.stringify(request)})`;
}
