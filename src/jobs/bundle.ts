/** `bundle`: makes the variants that the targets ask for, lets only those through that agree with the original, and writes them
 *  with all that an app needs to load them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { needsCalibration } from '../compress/compress.ts';
import { dataOptions } from '../compress/plan-data.ts';
import { refuseIdle } from '../compress/refuse-idle.ts';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import { openEngine } from '../compute/engine/open.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { Tell } from '../compute/engine/run-context.ts';
import { readLabelNames } from '../data/label-names.ts';
import { describeData, type Prepared } from '../data/prepare-data.ts';
import { generatesText } from '../data/text/text-model.ts';
import { rejectBroken } from '../judge/analyze/facts.ts';
import { dataFacts } from '../judge/report/header.ts';
import type { Task } from '../judge/task/task.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import { requireSizes } from '../model/formats/tflite/write/sizes.ts';
import type { Model } from '../model/ir/model.ts';
import { portsOf } from '../model/ir/port.ts';
import type { Manifest } from '../ship/emit/manifest.ts';
import { checkBundleFolder, createBundleStage } from '../ship/emit/write-bundle.ts';
import { litertAsked, parityInputs, runtimeNotBuilt } from '../support/diagnostics/bundle.ts';
import { originalRefused } from '../support/diagnostics/engines.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { parseRequest, type Spelling } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { formatBytes } from '../support/units.ts';
import { attempt } from './attempt.ts';
import type { GateData } from './bundle-budget.ts';
import { emit } from './bundle-emit.ts';
import { createGate } from './bundle-gate.ts';
import { bundleInfo, provenanceOf, useOf } from './bundle-info.ts';
import { planVariants, productShare, type VariantPlan } from './bundle-plan.ts';
import type { VariantContext } from './bundle-variant.ts';
import { makeAll, type Unfit } from './bundle-variants.ts';
import type { OutputFile } from './compress.ts';
import { describeModel, quickFacts } from './model-facts.ts';
import { taskOf } from './model-task.ts';
import { openProbe, type Probe } from './probe.ts';
import { type JobRun, type RunOptions, separated, step } from './progress.ts';
import { fetched, readModel } from './read-model.ts';
import { type BundleRequest, type BundleRequestInit, bundleRequest } from './requests/bundle.ts';
import { feedsFor } from './run-pair.ts';
import { readRuntimeBundle } from './runtime-bundle.ts';
import { prepareDataFor } from './try-preprocessing.ts';

export type BundleOptions = BundleRequestInit & RunOptions;

export interface BundledModel {
  /** The manifest, what was refused and why, and what there is to know besides. */
  readonly report: BundleResult;
  /** All files of the bundle, named from its folder. */
  readonly files: readonly OutputFile[];
}

/** Makes everything that an app needs to load a model: variants for its targets, manifest, types, a demo page. Nothing is
 *  written unless `output` says where: the files come back in memory.
 *  @param model  a path, an address on the web, bytes or an open model
 *  @example
 *  await bundle('model.onnx', { data: 'photos/', output: 'public/model/' });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT, NO_VARIANT, TFLITE_… where LiteRT was asked for by name, and what
 *    reading models and data throws
 *  @group Calls */
export async function bundle(model: ModelInput, options: BundleOptions = {}): Promise<BundledModel> {
  return inCallWords(bundleRequest, async () => {
    const { given, run } = separated(options);
    const request = bundleRequestOf(given, 'field');
    const { output } = request;
    if (output !== undefined) return withFiles(await makeBundle(output, model, request, run));
    const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
    try {
      return withFiles(await makeBundle(path.join(folder, 'model'), model, request, run));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

export interface BundleResult {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** What was tried and is not in it. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  /** What there is to know about a variant's place on WebGPU. */
  readonly notes: readonly { readonly name: string; readonly note: string }[];
  readonly guessed: readonly string[];
  /** Files that some hosts of static sites refuse for their size. */
  readonly large: readonly { readonly path: string; readonly bytes: number }[];
  /** What exporters had written of the machine and no variant has; null where there was none or it was kept. */
  readonly stripped: { readonly texts: number; readonly bytes: number } | null;
  /** What the model is for. */
  readonly task: Task;
  /** Whether the gate ran on made-up inputs: not on data, nor on text that ships. */
  readonly synthetic: boolean;
}

/** Cloudflare Pages takes files up to 25 MiB, the least among the well-known hosts of static sites. */
const hostLimit = 25 * 2 ** 20;

/** Samples of a gate with data, where nothing says how many. */
const usualSamples = 100;

/** Samples of a gate without data. */
const syntheticSamples = 8;

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

/** What only tests ask for: small limits, a model that is broken on its way. */
export interface BundleTrial extends Pick<VariantContext, 'externalAboveBytes' | 'afterMaking'> {
  readonly shardBytes?: number;
}

/** @param output  the bundle's folder
 *  @throws every user diagnostic of reading, data and passes, NO_VARIANT; nothing is written then */
export async function makeBundle(
  output: string,
  input: ModelInput,
  request: BundleRequest,
  { signal, events }: JobRun,
  { shardBytes, ...trial }: BundleTrial = {},
): Promise<BundleResult> {
  const source = await fetched(input, request, { events, signal });
  const opened = await step(events, 'read', () => readModel(source, request), describeModel);
  const { data: samples, testData, labelNames: file, targets } = request;
  const given = [samples, testData, file].filter(isPath);
  checkBundleFolder(output, [...pathsOf(opened), process.cwd(), ...given], request.force);
  const inPages = targets === undefined || targets.some((t) => t !== 'node' && t !== 'mobile');
  if (request.demo && inPages && !readRuntimeBundle()) throw runtimeNotBuilt();
  rejectBroken(opened.model);
  taskOf(opened, request.task);
  const labelNames = file === undefined ? undefined : { file, names: readLabelNames(file) };
  const real = isReal(request);
  const plans = planVariants(targets, { hasData: real, productShare: productShare(opened.model) });
  if (plans.some(({ format, isAskedFor }) => format === 'litert' && isAskedFor))
    requireLitertSizes(opened.model);
  const prepared = await step(events, 'data', () => prepare(request, opened, plans, signal), describeData);
  await rejectUnrunnable(opened, plans, prepared.held);
  const stage = createBundleStage(output);
  const budget = {
    minAgreement: request.minAgreement === undefined ? null : request.minAgreement / 100,
    minSqnrDb: request.minSqnr,
  };
  const task = taskOf(opened, request.task, real ? prepared.held.source : null);
  const probe = real ? null : await probeFor(opened, task, { signal, events });
  const data: GateData = probe ? { ...probe, isTelling: true } : prepared.held;
  const usual = {
    kind: 'made-up',
    what: `${syntheticSamples} made-up inputs`,
    samples: syntheticSamples,
  } as const;
  events.known?.({
    ...{ source: quickFacts(opened), task, data: real ? dataFacts(prepared) : null },
    ...(real ? {} : { probe: probe?.facts ?? usual }),
  });
  const gate = createGate({ original: opened, task, data, budget, signal });
  try {
    const about = { ...request, labelNames };
    const use = await useOf(opened, real ? prepared : null, about);
    const cache = request.cache ? openCalibrationCache(defaultCacheFolder()) : null;
    const unfit = unfitOf(opened.model, targets === undefined);
    const made = await makeAll(
      opened,
      plans,
      { prepared, use, gate, cache, signal, unfit, keepMetadata: request.keepMetadata, ...trial },
      events,
    );
    const info = bundleInfo(opened, made.clean, use, about);
    const published = plans.filter((p) => made.variants.some((v) => v.name === p.name));
    const recipes = Object.fromEntries(published.map(({ name }) => [name, made.recipes[name]]));
    const provenance = await provenanceOf(opened, recipes, { ...prepared, probe });
    const emitted = {
      ...request,
      url: request.url ?? `/${path.basename(path.resolve(output))}/`,
      shardBytes: shardBytes ?? (request.shard === 0 ? Number.POSITIVE_INFINITY : request.shard * 1e6),
    };
    const { manifest, files } = await emit({ ...info, provenance }, made.variants, emitted, {
      signal,
      events,
    });
    await step(
      events,
      'write',
      async () => {
        for (const { path, bytes } of files) stage.write(path, bytes);
        signal?.throwIfAborted();
        stage.commit();
      },
      () => `${files.length} files, ${formatBytes(files.reduce((n, f) => n + f.bytes.length, 0))}`,
    );
    const written = files.map((f) => ({ path: f.path, bytes: f.bytes.length }));
    return {
      ...{ folder: output, manifest, files: written },
      large: written.filter((f) => f.bytes > hostLimit),
      task,
      ...{
        refused: made.refused,
        notes: made.notes,
        guessed: use.guessed,
        synthetic: provenance.data?.synthetic ?? !real,
      },
      stripped: made.stripped,
    };
  } finally {
    await gate.close();
    stage.discard();
  }
}

/** What nobody asked for by name is left out where it would take long and be of no use, or is known not to be. */
function unfitOf(model: Model, isUsual: boolean): Unfit {
  if (!isUsual) return new Map();
  if (generatesText(model))
    return new Map([
      ['litert', 'it is a language model, whose text grows, and a .tflite file has fixed sizes'],
    ]);
  const open = openSizesOf(model);
  return new Map(open ? [['litert', `${open.message} ${open.hint}`]] : []);
}

/** @throws TFLITE_SIZE */
function requireLitertSizes(model: Model): void {
  const open = openSizesOf(model);
  if (open) throw litertAsked(open);
}

/** What a .tflite file needs numbers for; null where it needs none. */
function openSizesOf(model: Model): Diagnostic | null {
  try {
    requireSizes(model);
    return null;
  } catch (error) {
    if (error instanceof Diagnostic) return error;
    throw error;
  }
}

const isPath = (p: string | undefined): p is string => p !== undefined && p !== 'synthetic';

const isReal = ({ data }: Pick<BundleRequest, 'data'>) => isPath(data);

async function prepare(
  request: BundleRequest,
  opened: OpenedModel,
  plans: readonly VariantPlan[],
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  const { seed, calibrate, evaluate, testData } = request;
  const real = isReal(request);
  const calibrates = await Promise.all(plans.map((p) => needsCalibration(p.recipe)));
  const asked = evaluate ?? (testData === undefined ? usualSamples : Number.POSITIVE_INFINITY);
  return prepareDataFor(opened, portsOf(opened.model), dataOptions(request) ?? { path: 'synthetic' }, {
    engine: openEngine,
    signal,
    seed,
    calibration: real && calibrates.includes(true) ? calibrate : 0,
    evaluation: real ? asked : syntheticSamples,
    synthetic: syntheticSamples,
    task: request.task,
  });
}

/** What variants are compared on without data; null where none runs, and plain made-up inputs have to do. */
async function probeFor(opened: OpenedModel, task: Task, { signal, events }: JobRun): Promise<Probe | null> {
  const open = (onProgress: Tell) =>
    openProbe(opened, null, { comparedOn: 'wasm', task, signal, onProgress });
  const { measured } = await attempt(() => step(events, 'probe', open, ({ facts }) => facts.what), signal);
  return measured;
}

/** The original itself has to open and run where variants are compared with it.
 *  @throws MODEL_REFUSED; PARITY_INPUTS when it does not take made-up inputs */
async function rejectUnrunnable(
  opened: OpenedModel,
  plans: readonly VariantPlan[],
  { source, indices }: GateData,
): Promise<void> {
  const names = new Set(plans.map((p) => p.engine));
  for (const name of names) {
    const session = await openOn(await openEngine(name), opened).catch((error: unknown) => {
      throw isAboutModel(error) ? originalRefused(opened.name, error.message, error.hint) : error;
    });
    try {
      const first = indices[0];
      if (first !== undefined) await session.run(feedsFor(session, await source.read(first)));
    } catch (error) {
      throw isAboutModel(error) && source.kind === 'synthetic'
        ? parityInputs(opened.name, error.message)
        : error;
    } finally {
      await session.close();
    }
  }
}

const isAboutModel = (error: unknown): error is Diagnostic =>
  error instanceof Diagnostic && error.kind !== 'environment';
