/** `compress ort`: a model in onnxruntime's own format, with the list of what a reduced build of the runtime must hold. */
import path from 'node:path';
import { rejectBroken } from '../judge/analyze/facts.ts';
import type { FlatTable } from '../model/formats/flatbuffers/schema.ts';
import { onnxFormat } from '../model/formats/onnx/format.ts';
import { stripTraces } from '../model/formats/onnx/strip-traces.ts';
import { type OpenedModel, openedFromModel, pathsOf } from '../model/formats/opened.ts';
import { readOrt } from '../model/formats/ort/read.ts';
import { writeOrt } from '../model/formats/ort/write.ts';
import { cloneModel } from '../model/ir/clone.ts';
import { convertToOrt } from '../ship/emit/ort.ts';
import { requiredOperators } from '../ship/emit/required-operators.ts';
import { checkTargets, createStage } from '../ship/emit/write.ts';
import type { JobRun } from './progress.ts';
import { type ModelChoice, readModel } from './read-model.ts';

interface OrtOptions extends ModelChoice {
  readonly force?: boolean;
  /** Keep what exporters wrote of the machine: stack traces, source lines, absolute paths. */
  readonly keepMetadata?: boolean;
}

interface OrtFileResult {
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly sourceBytes: number;
}

/** Named as onnxruntime's own converter names it. */
const operatorsPath = (output: string) =>
  `${output.replace(/\.ort$/i, '')}.required_operators_and_types.config`;

/** @param output  path of the .ort file; the list of operators goes beside it
 *  @param target  processor that it is mainly for; see `convertToOrt`
 *  @throws what reading throws, OUTPUT_IS_INPUT, OUTPUT_EXISTS, ORT_CONVERSION, ENGINE_MISSING; nothing is written then */
export async function convertFile(
  input: string,
  output: string,
  target: 'any' | 'arm',
  { force = false, keepMetadata = false, ...choice }: OrtOptions = {},
  run?: JobRun,
): Promise<OrtFileResult> {
  const paths = [output, operatorsPath(output)];
  const opened = await readModel(input, choice, run);
  checkTargets(pathsOf(opened), paths, force);
  rejectBroken(opened.model);
  // From an .ort file the model in it, not the file.
  const own = opened.format === onnxFormat ? opened : openedFromModel(opened.model);
  const source = keepMetadata ? own : withoutTraces(own);
  const { bytes: onnx, ...facts } = source.engineSource('bytes');
  const bytes = stamped(await convertToOrt(onnx, { target, ...facts }));
  const list = `# made by edgepress\n${requiredOperators([bytes], [path.basename(output)])}`;
  const contents = [bytes, new TextEncoder().encode(list)];
  const stage = createStage(output);
  try {
    for (const [i, content] of contents.entries()) stage.write(paths[i]!, content);
    stage.commit();
  } finally {
    stage.discard();
  }
  return {
    files: paths.map((p, i) => ({ path: p, bytes: contents[i]!.length })),
    sourceBytes: opened.sizeBytes,
  };
}

/** Marked as ours: such a file may be replaced unasked. */
function stamped(bytes: Uint8Array): Uint8Array {
  const session = readOrt(bytes);
  const model = session['model'] as FlatTable;
  const others = ((model['metadataProps'] ?? []) as readonly FlatTable[]).filter(
    ({ key }) => key !== 'edgepress',
  );
  const own = { key: 'edgepress', value: 'made with compress ort' };
  return writeOrt({ ...session, model: { ...model, metadataProps: [...others, own] } }, bytes.length + 4096);
}

/** The file itself where there is nothing to take out. */
function withoutTraces(opened: OpenedModel): OpenedModel {
  const model = cloneModel(opened.model);
  return stripTraces(model).texts > 0 ? openedFromModel(model, opened.name) : opened;
}
