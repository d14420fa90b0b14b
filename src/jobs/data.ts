/** The call behind `compress data`: what data is understood as, for a model; and its samples as arrays in files. */
import { join } from 'node:path';
import { usualEvaluation } from '../compress/plan-data.ts';
import { openEngine } from '../compute/engine/open.ts';
import { classOf, describeLabel } from '../data/label.ts';
import type { Prepared } from '../data/prepare-data.ts';
import type { DataSource, Sample } from '../data/source.ts';
import { stackSamples } from '../data/stack-samples.ts';
import { encodeNpz } from '../model/formats/npy.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import { portsOf } from '../model/ir/port.ts';
import { numbers, type Tensor } from '../model/ir/tensor.ts';
import { formatType } from '../model/ir/type.ts';
import { checkTargets, inMadeFolder, writeTogether } from '../ship/emit/write.ts';
import { outputNotArrays } from '../support/diagnostics/data.ts';
import { parseRequest } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { type JobRun, type RunOptions, separated } from './progress.ts';
import { readModel } from './read-model.ts';
import { type DataRequest, type DataRequestInit, dataRequest } from './requests/data.ts';
import { prepareDataFor } from './try-preprocessing.ts';

export interface DataInspection {
  /** "photos/ (500 images)" */
  readonly source: string;
  readonly kind: DataSource['kind'];
  readonly samples: number;
  /** Of the model, by name and type. */
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly labelled: boolean;
  /** What labels say that are no classes. */
  readonly annotated: 'boxes' | 'masks' | null;
  /** Why labels that were found are not used. */
  readonly labelsUnused: string | null;
  readonly classes: readonly string[] | null;
  /** How pictures become numbers. */
  readonly preprocessing: Readonly<Record<string, unknown>> | null;
  /** What was assumed, in words. */
  readonly guessed: readonly string[];
  /** Samples that can't be read and were left out. */
  readonly leftOut: readonly string[];
  /** As `compress` would divide them. */
  readonly split: { readonly calibration: number; readonly comparison: number };
  /** The first, one from the middle, the last. */
  readonly shown: readonly ShownSample[];
  readonly written: { readonly path: string; readonly samples: number; readonly bytes: number } | null;
}

export interface ShownSample {
  readonly id: string;
  readonly label: number | null;
  readonly className: string | null;
  /** Labels that are no class, in short: "3 boxes". */
  readonly annotation: string | null;
  readonly inputs: readonly ShownInput[];
  /** What its first tokens say. */
  readonly text: string | null;
}

export interface ShownInput {
  readonly name: string;
  readonly type: string;
  /** null for an input without elements. */
  readonly range: { readonly min: number; readonly mean: number; readonly max: number } | null;
}

/** Says what data is understood as, for a model, and shows three samples; with `output`, writes its samples as arrays.
 *  @param path  what `--data` takes
 *  @example
 *  const { report } = await inspectData('recordings/', { model: 'keywords.onnx', output: 'samples.npz' });
 *  console.log(report.kind, report.guessed, report.shown[0]);
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, SAMPLES_UNEQUAL, ARRAYS_TOO_LARGE, OUTPUT_…, what opening models and data throws
 *  @group Calls */
export async function inspectData(
  path: string,
  options: DataRequestInit & RunOptions,
): Promise<{ report: DataInspection }> {
  return inCallWords(dataRequest, async () => {
    const { given, run } = separated(options);
    return { report: await inspectDataFor(path, parseRequest(dataRequest, given), run) };
  });
}

export async function inspectDataFor(
  path: string,
  request: DataRequest,
  run: JobRun,
): Promise<DataInspection> {
  const { output, force } = request;
  const opened = await readModel(request.model, request, run);
  const isFolder = output !== undefined && /[\\/]$/.test(output);
  if (output !== undefined && !isFolder) {
    if (!/\.npz$/i.test(output)) throw outputNotArrays(output);
    checkTargets([path, ...pathsOf(opened)], [output], force);
  }
  const prepared = await prepare(path, opened, request, run);
  const { source, calibration, held } = prepared;
  const at = [...new Set([0, Math.floor(source.length / 2), source.length - 1])].filter((i) => i >= 0);
  const shown: ShownSample[] = [];
  for (const index of at) shown.push(await show(source, index));
  return {
    ...{ source: source.name, kind: source.kind, samples: source.length, labelled: source.labelled },
    annotated: source.annotated ?? null,
    inputs: opened.model.graph.inputs
      .filter((v) => !v.constant)
      .map(({ name, type }) => ({ name, type: formatType(type) })),
    ...{ labelsUnused: source.labelsUnused ?? null, classes: source.classes },
    ...{ preprocessing: source.preprocessing, guessed: source.guessed, leftOut: source.leftOut ?? [] },
    split: { calibration: calibration.length, comparison: held.indices.length },
    shown,
    written: output === undefined ? null : await write(source, { ...request, output, isFolder }, run),
  };
}

/** States that samples hand on are computed where samples are written, for all of them. */
async function prepare(
  path: string,
  opened: OpenedModel,
  request: DataRequest,
  { signal }: JobRun,
): Promise<Prepared> {
  const { seed, calibrate, evaluate = usualEvaluation } = request;
  const { labels, preprocess, tokenizer, window, sampleRate, dtype, skipBad } = request;
  const split = { seed, calibration: calibrate, evaluation: evaluate, synthetic: 2 * calibrate };
  const learns = request.output !== undefined;
  const options = { ...split, learns, signal, engine: openEngine };
  return prepareDataFor(
    opened,
    portsOf(opened.model),
    { path, labels, preprocess, tokenizer, window, sampleRate, dtype, skipBad },
    options,
  );
}

async function show(source: DataSource, index: number): Promise<ShownSample> {
  const { id, label, inputs } = await source.read(index);
  const classIndex = classOf(label);
  return {
    id,
    label: classIndex ?? null,
    className: classIndex === undefined ? null : (source.classes?.[classIndex] ?? null),
    annotation: label === undefined || typeof label === 'number' ? null : describeLabel(label),
    inputs: Object.entries(inputs).map(([name, tensor]) => ({
      name,
      type: `${tensor.dtype} [${tensor.dims.join(',')}]`,
      range: rangeOf(tensor),
    })),
    text: (await source.describe?.(index)) ?? null,
  };
}

function rangeOf(tensor: Tensor): ShownInput['range'] {
  const values = numbers(tensor);
  if (values.length === 0) return null;
  let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { min, mean: sum / values.length, max };
}

async function write(
  source: DataSource,
  { output, limit = source.length, force, isFolder }: DataRequest & { output: string; isFolder: boolean },
  { signal }: JobRun,
): Promise<DataInspection['written']> {
  const count = Math.min(limit, source.length);
  const samples: Sample[] = [];
  for (let k = 0; k < count; k++) {
    signal?.throwIfAborted();
    samples.push(await source.read(Math.floor((k * source.length) / count)));
  }
  const archive = (some: readonly Sample[]) => encodeNpz(stackSamples(some));
  const digits = String(count).length;
  const files = isFolder
    ? samples.map((sample, k) => ({
        path: join(output, `${String(k + 1).padStart(digits, '0')}.npz`),
        content: archive([sample]),
      }))
    : [{ path: output, content: archive(samples) }];
  const put = async () => {
    checkTargets(
      [],
      files.map((file) => file.path),
      force,
    );
    writeTogether(files);
  };
  if (isFolder) await inMadeFolder(output, put);
  else await put();
  return { path: output, samples: count, bytes: files.reduce((sum, { content }) => sum + content.length, 0) };
}
