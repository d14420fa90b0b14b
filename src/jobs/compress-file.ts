/** `compress model.onnx`: reads the file, prepares data, runs the recipe, writes, compares, measures, reports.
 *  The order guards the user: outputs are checked before any work, and appear only when all of them are complete. */
import path from 'node:path';
import { findProblems } from '../analyze/facts.ts';
import { layerQuality } from '../analyze/layer-quality.ts';
import { observe } from '../calibrate/observe.ts';
import { openData } from '../calibrate/open.ts';
import type { DataSource, Split } from '../calibrate/source.ts';
import { splitData } from '../calibrate/split.ts';
import type { StatisticRequest, Statistics } from '../calibrate/statistics.ts';
import { createSyntheticSource } from '../calibrate/synthetic.ts';
import { compressModel } from '../compress.ts';
import { createStage, isOurs } from '../emit/write.ts';
import type { Engine, EngineName, Port } from '../engine/contract.ts';
import { openEngine } from '../engine/open.ts';
import { writeModelFile } from '../formats/onnx/file.ts';
import { dtypeOf, type Model, shapeOf } from '../ir/model.ts';
import type { Recipe } from '../pipeline/recipe.ts';
import type { Journal, JournalPass } from '../pipeline/run.ts';
import type { Report } from '../report/report.ts';
import { notANumber, nothingToQuantize } from '../support/diagnostics.ts';
import { formatBytes } from '../support/units.ts';
import { buildReport, type ReportParts } from './build-report.ts';
import { type CalibrationCache, calibrationKey } from './calibration-cache.ts';
import { checkOpens, checkTargets } from './check-files.ts';
import { layersOf, layerTable } from './layer-table.ts';
import { measurePair } from './measure-pair.ts';
import { factsOf, type OpenedModel, openModel } from './model-files.ts';
import { type JobEvents, step } from './progress.ts';
import { reportFiles } from './report-files.ts';
import { runPair } from './run-pair.ts';
import { stageSummary } from './stage-summary.ts';

export interface CompressFileOptions {
  readonly input: string;
  /** Path of the compressed model. */
  readonly output: string;
  readonly recipe: Recipe;
  /** Replace files that edgepress did not make. */
  readonly force?: boolean;
  readonly data?: DataOptions | undefined;
  /** Samples to compare and evaluate on; none of them calibrates. Default 200. */
  readonly evaluationSamples?: number;
  /** Skip what only informs: comparing, measuring. */
  readonly compare?: boolean;
  readonly measure?: boolean;
  readonly cache?: CalibrationCache | null;
  readonly command: string;
  readonly events?: JobEvents;
  readonly signal?: AbortSignal | undefined;
}

export interface DataOptions {
  /** Folder, .npy or .npz; or 'synthetic'. */
  readonly path: string;
  readonly labels?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly skipBad?: boolean | undefined;
}

interface Prepared {
  readonly source: DataSource;
  readonly split: Split;
}

/** The engine whose kernels decide on the target. WebGPU and mobile runtimes are not run here. */
export const engineOfTarget = (target: Recipe['target']): EngineName => (target === 'wasm' ? 'wasm' : 'node');

/** @throws every user diagnostic of reading, data and passes; nothing is written then */
export async function compressFile(options: CompressFileOptions): Promise<Report> {
  const events = options.events ?? {};
  const { recipe } = options;
  const outputs = outputPaths(options.output);
  const opened = await step(events, 'read', async () => openModel(options.input), describeModel);
  checkTargets(opened, [options.output, ...outputs], options.force ?? false);
  rejectBroken(opened.model);
  const ports = portsOf(opened.model);
  const engine = await openEngine();
  const prepared = options.data
    ? await step(events, 'data', () => prepare(options, ports), describeData)
    : null;
  const { clean, model, journal } = await quantize(opened, prepared, engine, options, events);
  if (journal.skips.length + model.graph.nodes.length === 0 || !isSmaller(recipe, journal))
    throw nothingToQuantize(path.basename(options.input));
  stampMetadata(model, recipe);
  const stage = createStage(options.output);
  try {
    writeModelFile(model, stage.pathOf(options.output));
    const result = openModel(stage.pathOf(options.output));
    const data = result.files.slice(1).map((f) => path.join(path.dirname(options.output), path.basename(f)));
    checkTargets(opened, data, (options.force ?? false) || isOurs(options.output));
    await checkOpens(opened, result, engineOfTarget(recipe.target));
    const parts = await study(options, opened, result, prepared, { clean, model, journal }, events);
    const files = [
      ...result.files.map((f) => path.join(path.dirname(options.output), path.basename(f))),
      ...outputs,
    ];
    const report = buildReport({ ...parts, files });
    for (const file of await reportFiles(report, outputs)) stage.write(file.path, file.content);
    stage.commit();
    return report;
  } finally {
    stage.discard();
  }
}

/** model.int8.onnx → model.int8.report.{html,md,json} */
export const outputPaths = (output: string) =>
  ['html', 'md', 'json'].map((kind) => `${output.replace(/\.onnx$/i, '')}.report.${kind}`);

const describeModel = ({ model, sizeBytes }: OpenedModel) =>
  `${formatBytes(sizeBytes)} · ${model.graph.nodes.length} nodes · opset ${model.opsets.get('') ?? '?'}`;

const describeData = ({ source, split }: Prepared) =>
  `${source.name}: ${split.calibration.length} to calibrate, ${split.evaluation.length} held back to compare`;

const describeCalibration = (activations: number, samples: number) =>
  `${activations === 1 ? 'range of 1 activation' : `ranges of ${activations} activations`} on ${samples} samples`;

function rejectBroken(model: Model): void {
  const { nonFinite } = findProblems(model);
  const nan = nonFinite.filter((c) => c.nan > 0).map((c) => c.name);
  if (nan.length > 0) throw notANumber(nan);
}

export const portsOf = (model: Model): Port[] =>
  model.graph.inputs
    .filter((v) => !v.constant)
    .map((v) => ({ name: v.name, dtype: dtypeOf(v) ?? 'float32', shape: shapeOf(v) }));

async function prepare(options: CompressFileOptions, ports: readonly Port[]): Promise<Prepared> {
  const { seed, samples } = options.recipe.calibration;
  const given = options.data!;
  const source =
    given.path === 'synthetic'
      ? createSyntheticSource(ports, { seed, length: 2 * samples })
      : await openData(given.path, ports, { ...given, seed });
  const evaluation = Math.min(options.evaluationSamples ?? 200, source.length);
  const calibrates = options.recipe.stages.some((s) =>
    s.passes.some(({ pass }) => pass === 'quantize-static'),
  );
  const split = await splitData(source, { calibration: calibrates ? samples : 0, evaluation, seed });
  return { source, split };
}

async function quantize(
  opened: OpenedModel,
  prepared: Prepared | null,
  engine: Engine,
  options: CompressFileOptions,
  events: JobEvents,
): ReturnType<typeof compressModel> {
  let begun: { name: string; at: number } | null = null;
  let done: JournalPass[] = [];
  let edited = opened.model;
  const finishStage = () => {
    const facts = { opset: edited.opsets.get('') ?? 0, layers: layersOf(edited) };
    if (begun) events.end?.(begun.name, stageSummary(done, facts), performance.now() - begun.at);
    done = [];
  };
  const result = await compressModel(opened.model, {
    recipe: options.recipe,
    engine,
    signal: options.signal,
    onStage: (name) => {
      finishStage();
      begun = { name, at: performance.now() };
      events.begin?.(name);
    },
    onPass: (entry, _, model) => {
      done.push(entry);
      edited = model;
    },
    calibrate: prepared
      ? (model, requests) =>
          step(
            events,
            'calibrate',
            (progress) => calibrate(engine, model, requests, prepared, options, progress),
            (s) => describeCalibration(new Set(requests.map((r) => r.value)).size, s.samples),
          )
      : undefined,
  });
  finishStage();
  return result;
}

async function calibrate(
  engine: Engine,
  model: Model,
  requests: readonly StatisticRequest[],
  { source, split }: Prepared,
  options: CompressFileOptions,
  progress: (done: number, total: number) => void,
): Promise<Statistics> {
  const { mseSamples } = options.recipe.calibration;
  const indices = split.calibration;
  const { cache } = options;
  const data = { hash: cache ? await source.hash() : '', indices, mseSamples };
  const key = cache ? calibrationKey(model, requests, data, `${engine.name} ${engine.version}`) : '';
  const known = cache?.get(key);
  if (known) return known;
  const samples = { count: indices.length, read: (i: number) => source.read(indices[i]!) };
  const signal = options.signal ? { signal: options.signal } : {};
  const made = await observe(engine, model, requests, samples, {
    mseSamples,
    onProgress: progress,
    ...signal,
  });
  cache?.put(key, requests, made);
  return made;
}

/** Whether the recipe's lossy passes did anything, or it has none. */
function isSmaller(recipe: Recipe, journal: Journal): boolean {
  const lossy = journal.stages.flatMap((s) => s.passes).filter((p) => p.effect === 'lossy');
  return recipe.stages.length === 0 || lossy.length === 0 || lossy.some((p) => p.changed > 0);
}

function stampMetadata(model: Model, recipe: Recipe): void {
  model.metadata.set('edgepress', `made with recipe ${recipe.name}, target ${recipe.target}`);
}

type Compressed = Awaited<ReturnType<typeof compressModel>>;

/** Everything the report needs to know about source and result. */
async function study(
  options: CompressFileOptions,
  source: OpenedModel,
  result: OpenedModel,
  prepared: Prepared | null,
  { clean, model, journal }: Compressed,
  events: JobEvents,
): Promise<Omit<ReportParts, 'files'>> {
  const { signal } = options;
  const largestBytes = Math.max(source.sizeBytes, result.sizeBytes);
  const [before, after] = await Promise.all([
    factsOf(source, { largestBytes }),
    factsOf(result, { largestBytes }),
  ]);
  const runtime = await openEngine(engineOfTarget(options.recipe.target));
  const indices = prepared?.split.evaluation ?? [];
  const pair =
    prepared && options.compare !== false && indices.length > 0
      ? await step(
          events,
          'compare',
          (onProgress) =>
            runPair(
              { path: source.path },
              { path: result.path },
              { engine: runtime, source: prepared.source, indices, signal, onProgress },
            ),
          (r) => `${r.compare.samples} samples on ${r.compare.runtime}`,
        )
      : null;
  const few = indices.slice(0, 16);
  const quality =
    prepared && options.compare !== false
      ? await layerQuality(
          await openEngine(),
          clean,
          model,
          { count: few.length, read: (i) => prepared.source.read(few[i]!) },
          signal,
        )
      : [];
  const sample = indices.length > 0 ? await prepared!.source.read(indices[0]!) : null;
  const measured =
    options.measure === false
      ? null
      : await step(
          events,
          'measure',
          () =>
            measurePair(source, result, {
              engine: runtime.name,
              sample,
              ports: portsOf(source.model),
              signal,
            }),
          (m) => `${m.latency[0]?.repetitions ?? 0} runs each`,
        );
  return {
    options,
    source: before,
    result: { ...after, file: path.basename(options.output) },
    journal,
    layers: layerTable(clean, model, quality),
    data: prepared,
    pair,
    measured,
  };
}
