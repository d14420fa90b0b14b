/** `compress bundle`: makes the variants that the targets ask for, lets only those through that agree with the
 *  original, and writes them with all that an app needs to load them. */
import path from 'node:path';
import { needsCalibration } from '../compress/compress.ts';
import type { CalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import { openEngine } from '../compute/engine/open.ts';
import { openOn } from '../compute/engine/open-model.ts';
import { readLabelNames } from '../data/label-names.ts';
import { type DataOptions, describeData, type Prepared, prepareData } from '../data/prepare-data.ts';
import { rejectBroken } from '../judge/analyze/facts.ts';
import { type ModelInput, openModel } from '../model/formats/open-file.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { portsOf } from '../model/ir/port.ts';
import {
  type Bundle,
  type BundleEntry,
  type BundleVariant,
  buildBundle,
  type Compressed,
} from '../ship/emit/bundle.ts';
import { demoFiles } from '../ship/emit/demo.ts';
import { headerFiles } from '../ship/emit/headers.ts';
import type { Manifest } from '../ship/emit/manifest.ts';
import { requiredOperators } from '../ship/emit/required-operators.ts';
import { transformersConfig } from '../ship/emit/transformers-config.ts';
import { typesFile } from '../ship/emit/typescript.ts';
import { checkBundleFolder, createBundleStage } from '../ship/emit/write-bundle.ts';
import { brotliQualityFor, compressForTransfer } from '../ship/profile/transfer.ts';
import { noVariant, parityInputs, runtimeNotBuilt } from '../support/diagnostics/bundle.ts';
import { originalRefused } from '../support/diagnostics/engines.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { formatBytes } from '../support/units.ts';
import { type Budget, createGate, type Gate, type GateData } from './bundle-gate.ts';
import { bundleInfo, type InfoOptions, provenanceOf } from './bundle-info.ts';
import { type BundleTarget, planVariants, productShare, type VariantPlan } from './bundle-plan.ts';
import { describeOutcome, isAboutVariant, makeVariant, type VariantOutcome } from './bundle-variant.ts';
import { describeModel } from './model-facts.ts';
import { type JobEvents, step } from './progress.ts';
import { feedsFor } from './run-pair.ts';
import { readOrtBuilds, readRuntimeBundle } from './runtime-bundle.ts';

export interface BundleOptions extends Omit<InfoOptions, 'labelNames'> {
  readonly input: ModelInput;
  /** The bundle's folder. */
  readonly output: string;
  readonly targets: readonly BundleTarget[];
  readonly data?: DataOptions | undefined;
  readonly seed: number;
  readonly calibrationSamples: number;
  /** Samples that the gate runs; none of them calibrates. */
  readonly evaluationSamples: number;
  /** File with the names of the classes; those of the data otherwise. */
  readonly labelNames?: string | undefined;
  readonly budget: Budget;
  /** Bytes a file may have at most; Infinity keeps files whole. */
  readonly shardBytes: number;
  readonly precompress: boolean;
  readonly demo: boolean;
  /** Where the site serves the bundle, for the header files: "/model/". */
  readonly url: string;
  /** model_type for a config.json that lets transformers.js load the bundle. */
  readonly transformersJs?: string | undefined;
  readonly force?: boolean | undefined;
  readonly cache?: CalibrationCache | null | undefined;
  readonly externalAboveBytes?: number | undefined;
  readonly afterMaking?: ((model: Model, plan: VariantPlan) => void) | undefined;
  readonly events?: JobEvents | undefined;
  readonly signal?: AbortSignal | undefined;
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
  /** Whether the gate ran on made-up inputs. */
  readonly synthetic: boolean;
}

/** Cloudflare Pages takes files up to 25 MiB, the least among the well-known hosts of static sites. */
export const hostLimit = 25 * 2 ** 20;

/** Samples of a gate without data. */
const syntheticSamples = 8;

/** @throws every user diagnostic of reading, data and passes, NO_VARIANT; nothing is written then */
export async function bundleFile(options: BundleOptions): Promise<BundleResult> {
  const { events = {}, signal } = options;
  const opened = await step(events, 'read', async () => openModel(options.input), describeModel);
  const given = [options.data?.path, options.data?.test?.path, options.labelNames].filter(isPath);
  const keep = [...pathsOf(opened), process.cwd(), ...given];
  checkBundleFolder(options.output, keep, options.force ?? false);
  if (options.demo && options.targets.some((t) => t === 'wasm' || t === 'webgpu') && !readRuntimeBundle())
    throw runtimeNotBuilt();
  rejectBroken(opened.model);
  const { labelNames: file } = options;
  const labelNames = file === undefined ? undefined : { file, names: readLabelNames(file) };
  const real = options.data !== undefined && options.data.path !== 'synthetic';
  const plans = planVariants(options.targets, { hasData: real, productShare: productShare(opened.model) });
  const prepared = await step(events, 'data', () => prepare(options, opened, plans), describeData);
  const data = prepared.held;
  await rejectUnrunnable(opened, plans, data);
  const stage = createBundleStage(options.output);
  const gate = createGate({ original: opened, data, budget: options.budget, signal });
  try {
    const made = await makeAll(options, opened, plans, { prepared, gate });
    const { guessed, ...info } = await bundleInfo(opened, made.clean, real ? prepared : null, {
      ...options,
      labelNames,
    });
    const recipes = Object.fromEntries(
      plans.filter((p) => made.variants.some((v) => v.name === p.name)).map((p) => [p.name, p.recipe]),
    );
    const provenance = await provenanceOf(opened, recipes, prepared);
    const bundle = await emit({ ...info, provenance }, made.variants, options);
    await step(
      events,
      'write',
      async () => {
        for (const { path, bytes } of bundle.files) stage.write(path, bytes);
        signal?.throwIfAborted();
        stage.commit();
      },
      () =>
        `${bundle.files.length} files, ${formatBytes(bundle.files.reduce((n, f) => n + f.bytes.length, 0))}`,
    );
    const files = bundle.files.map((f) => ({ path: f.path, bytes: f.bytes.length }));
    return {
      folder: options.output,
      manifest: bundle.manifest,
      files,
      large: files.filter((f) => f.bytes > hostLimit),
      ...{ refused: made.refused, notes: made.notes, guessed, synthetic: !real },
    };
  } finally {
    await gate.close();
    stage.discard();
  }
}

const isPath = (p: string | undefined): p is string => p !== undefined && p !== 'synthetic';

async function prepare(
  { data, seed, calibrationSamples, evaluationSamples }: BundleOptions,
  { model }: OpenedModel,
  plans: readonly VariantPlan[],
): Promise<Prepared> {
  const real = data !== undefined && data.path !== 'synthetic';
  const calibrates = await Promise.all(plans.map((p) => needsCalibration(p.recipe)));
  return prepareData(data ?? { path: 'synthetic' }, portsOf(model), {
    seed,
    calibration: real && calibrates.includes(true) ? calibrationSamples : 0,
    evaluation: real ? evaluationSamples : syntheticSamples,
    synthetic: syntheticSamples,
  });
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

interface Making {
  readonly prepared: Prepared;
  readonly gate: Gate;
}

interface Made {
  readonly variants: BundleVariant[];
  /** The float model, cleaned, with the shapes that were inferred. */
  readonly clean: Model;
  readonly refused: { name: string; reason: string }[];
  readonly notes: { name: string; note: string }[];
}

async function makeAll(
  options: BundleOptions,
  { model }: OpenedModel,
  plans: readonly VariantPlan[],
  { prepared, gate }: Making,
): Promise<Made> {
  const { events = {}, signal, cache = null, externalAboveBytes, afterMaking } = options;
  const engine = await openEngine();
  const context = { engine, prepared, cache, gate, externalAboveBytes, afterMaking, signal };
  const made: Made & { clean: Model } = { variants: [], clean: model, refused: [], notes: [] };
  // The float model first: without it there is nothing to fall back on.
  for (const plan of [...plans].reverse()) {
    const outcome = await step(
      events,
      'variant',
      (onProgress) => attempt(() => makeVariant(model, plan, context, onProgress)),
      (o) => describeOutcome(plan, o),
    );
    const { name } = plan;
    if ('refused' in outcome) made.refused.unshift({ name, reason: outcome.refused });
    else {
      if (plan.precision === 'float32') Object.assign(made, { clean: outcome.model });
      made.notes.unshift(...outcome.notes.map((note) => ({ name, note })));
      addOrJoin(made.variants, outcome.variant);
    }
  }
  if (made.variants.length === 0) throw noVariant(made.refused.map((r) => `${r.name}: ${r.reason}`));
  return made;
}

/** A variant that fails is left out with the reason; the others are made all the same. */
async function attempt(work: () => Promise<VariantOutcome>): Promise<VariantOutcome> {
  try {
    return await work();
  } catch (error) {
    if (isAboutVariant(error)) return { refused: error.message };
    throw error;
  }
}

/** Best first. Two variants with the same bytes are one that runs in both places. */
function addOrJoin(variants: BundleVariant[], variant: BundleVariant): void {
  const at = variants.findIndex(
    (v) =>
      v.format === variant.format &&
      v.content.data === null &&
      sameBytes(v.content.model, variant.content.model),
  );
  if (at < 0) {
    variants.unshift(variant);
    return;
  }
  const [first, second] = [variant, variants[at]!];
  variants[at] = {
    ...first,
    providers: [...new Set([...first.providers, ...second.providers])],
    runtime: first.runtime ?? second.runtime,
    parity: [...first.parity, ...second.parity],
  };
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && Buffer.compare(a, b) === 0;

/** Compressing more than this for a size figure takes longer than the figure is worth. */
const wireLimit = 256e6;

function emit(
  info: Parameters<typeof buildBundle>[0],
  variants: readonly BundleVariant[],
  options: BundleOptions,
): Promise<Bundle> {
  const { precompress, shardBytes, transformersJs, url, demo, events = {}, signal } = options;
  const sizes = variants.map((v) => v.content.model.length + (v.content.data?.bytes.length ?? 0));
  const quality = brotliQualityFor(Math.max(...sizes));
  const compress = async (bytes: Uint8Array): Promise<Compressed | null> => {
    signal?.throwIfAborted();
    return bytes.length > wireLimit && !precompress ? null : compressForTransfer(bytes, quality);
  };
  const extras = (manifest: Manifest) => [
    typesFile(manifest),
    ...headerFiles(url, precompress),
    ...operatorsOf(variants),
    ...(demo ? demoOf(manifest) : []),
    ...(transformersJs === undefined ? [] : [transformersConfig(manifest, transformersJs)]),
  ];
  return step(
    events,
    'sizes',
    (onFile) =>
      // Loaders of other makers know nothing of pieces.
      buildBundle(info, variants, {
        ...{ compress, precompress, extras, onFile },
        shardBytes: transformersJs === undefined ? shardBytes : Number.POSITIVE_INFINITY,
      }),
    ({ manifest }) =>
      `${manifest.variants.length} variants, ${formatBytes(manifest.variants.reduce((n, v) => n + v.bytes, 0))}`,
  );
}

/** What a reduced build of onnxruntime has to hold for the .ort files. */
function operatorsOf(variants: readonly BundleVariant[]): BundleEntry[] {
  const ort = variants.filter((v) => v.format === 'ort');
  if (ort.length === 0) return [];
  const names = ort.map((v) => path.posix.basename(v.file));
  const text = requiredOperators(
    ort.map((v) => v.content.model),
    { names },
  );
  return [{ path: 'onnx/required_operators_and_types.config', bytes: new TextEncoder().encode(text) }];
}

/** Nothing where no variant is for pages. */
function demoOf(manifest: Manifest): BundleEntry[] {
  const inPages = manifest.variants.flatMap((v) => v.providers).filter((p) => p === 'wasm' || p === 'webgpu');
  if (inPages.length === 0) return [];
  const runtime = readRuntimeBundle();
  if (!runtime) throw runtimeNotBuilt();
  const gpu = inPages.includes('webgpu') ? (['onnxruntime-web/webgpu'] as const) : [];
  return demoFiles(manifest, { runtime, ort: readOrtBuilds(['onnxruntime-web/wasm', ...gpu]) });
}

const isAboutModel = (error: unknown): error is Diagnostic =>
  error instanceof Diagnostic && error.kind !== 'environment';
