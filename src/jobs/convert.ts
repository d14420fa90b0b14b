/** `compress convert`: a model in another format, computing the same. What it is read as follows from its content, what it is
 *  written as from the name of the output. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { compressModel, preset } from '../compress/compress.ts';
import { openEngine } from '../compute/engine/open.ts';
import { rejectBroken } from '../judge/analyze/facts.ts';
import { requireNamedFormat, writeModelFile } from '../model/formats/file.ts';
import type { WrittenFormatId } from '../model/formats/format.ts';
import { formatOfName } from '../model/formats/index.ts';
import { type StrippedTexts, stripTraces } from '../model/formats/onnx/strip-traces.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import { expandedTypes, tfjsFormat } from '../model/formats/tfjs/format.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { stampMetadata } from '../ship/emit/stamp.ts';
import { checkTargets, createStage, isOurs } from '../ship/emit/write.ts';
import type { IoType } from '../support/io-type.ts';
import { blockRemarks } from './block-remarks.ts';
import { checkPorts, checkSizes, typedPorts } from './io-types.ts';
import { checkedFormat, inFolderOf, isFolder, outputPath } from './output-path.ts';
import { type JobRun, type RunOptions, separated } from './progress.ts';
import { type ModelChoice, readModel } from './read-model.ts';

export interface ConvertOptions extends ModelChoice, RunOptions {
  /** A file, whose ending names the format; a folder takes a TensorFlow.js model (or, of one, ONNX). */
  readonly output: string;
  /** Of what goes into a folder. */
  readonly format?: WrittenFormatId | undefined;
  /** Type of inputs and outputs in a .tflite file. */
  readonly io?: IoType | undefined;
  /** Keep an open batch open in a .tflite file. */
  readonly openBatch?: boolean | undefined;
  /** Keep what exporters wrote of the machine: stack traces, source lines, absolute paths. */
  readonly keepMetadata?: boolean | undefined;
  /** Replace files that edgepress did not make. */
  readonly force?: boolean | undefined;
}

export interface Conversion {
  /** Names of the formats. */
  readonly from: string;
  readonly to: string;
  readonly sourceBytes: number;
  /** Types that weights of the source are stored in and that TensorFlow.js expands when it loads them; in what is written
   *  they are float32, and larger: "uint8", "uint16", "float16". */
  readonly expanded: readonly string[];
  /** What isn't as it was asked for, and what makes the file larger, in sentences; what computes in floats in a .tflite file of
   *  integers. */
  readonly remarks: readonly string[];
  /** What exporters had written of the machine and isn't in the files; null where there was none, or it was kept. */
  readonly stripped: StrippedTexts | null;
  /** The model's own file first. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/** Writes a model in another format.
 *  @param model  a path, an address on the web, bytes or an open model; it isn't changed
 *  @example
 *  await convert('model.onnx', { output: 'web/' });          // web/model.json and its weights
 *  @example
 *  await convert('web/model.json', { output: 'model.onnx' });
 *  @throws what reading and writing throw: TFJS_OPERATOR, FORMAT_NOT_WRITTEN, OUTPUT_EXISTS …; nothing is written then
 *  @group Calls */
export const convert = (model: ModelInput, options: ConvertOptions): Promise<Conversion> => {
  const { given, run } = separated(options);
  return convertModel(model, given, run);
};

export const convertModel = (
  model: ModelInput,
  {
    output,
    format,
    io,
    openBatch,
    keepMetadata,
    force = false,
    ...choice
  }: Omit<ConvertOptions, keyof RunOptions>,
  run: JobRun,
): Promise<Conversion> =>
  inFolderOf(output, async () =>
    convertInto(await readModel(model, choice, run), { output, format, io, openBatch, keepMetadata, force }),
  );

type Target = Pick<ConvertOptions, 'output' | 'format' | 'io' | 'openBatch' | 'keepMetadata'>;

async function convertInto(
  opened: OpenedModel,
  { force, io, openBatch, keepMetadata, ...place }: Target & { readonly force: boolean },
): Promise<Conversion> {
  const target = targetOf(opened, place);
  const inputs = pathsOf(opened);
  checkPorts({ io, openBatch }, target, opened.model);
  checkSizes(target, opened.model);
  checkTargets(inputs, [target], force);
  rejectBroken(opened.model);
  const ready = formatOfName(target).loadsUnfolded ? await cleaned(opened.model) : cloneModel(opened.model);
  const stripped = keepMetadata ? null : stripTraces(ready);
  const { model: typed, remarks } = typedPorts(ready, io);
  stampMetadata(typed, { name: 'convert', target: 'any' });
  const stage = createStage(target);
  try {
    const said = [...remarks];
    const remark = (text: string) => void said.push(text);
    const written = writeModelFile(typed, stage.pathOf(target), { remark, openBatch });
    const paths = written.map((file) => path.join(path.dirname(target), path.basename(file)));
    checkTargets(inputs, paths.slice(1), force || isOurs(target));
    const bytes = written.map((file) => statSync(file).size);
    stage.commit();
    return {
      ...{ from: opened.format.name, to: formatOfName(target).name, sourceBytes: opened.sizeBytes },
      expanded: expandedTypes(opened.model),
      stripped: stripped?.texts ? stripped : null,
      remarks: [...said, ...blockRemarks(typed, target)],
      files: paths.map((file, i) => ({ path: file, bytes: bytes[i]! })),
    };
  } finally {
    stage.discard();
  }
}

/** The file that is written first. @throws FORMAT_UNNAMED, FORMAT_NOT_WRITTEN, FORMAT_CONFLICT */
function targetOf({ format: source, name }: OpenedModel, { output, format }: Target): string {
  const other = source === tfjsFormat ? 'onnx' : 'tfjs';
  if (isFolder(output)) return outputPath(name, '', { output, format: format ?? other });
  requireNamedFormat(output);
  return checkedFormat(output, format);
}

/** Constants and batch norms folded, where the runtime doesn't when it loads a file. */
async function cleaned(model: Model): Promise<Model> {
  const engine = await openEngine();
  return (await compressModel(model, { recipe: preset('clean'), engine })).model;
}
