/** What a file says of its use, as MediaPipe and Android Studio read it: names of classes in a zip archive behind the model, and
 *  how a picture becomes its input. */
import { unzipSync } from 'fflate';
import { tfliteMalformed } from '../../../../support/diagnostics/tflite.ts';
import { setLabels, setPreprocessing } from '../../../ir/card.ts';
import type { Model } from '../../../ir/model.ts';
import { hasIdentifier } from '../../flatbuffers/checked.ts';
import { float32sField, numberField, tableField, tablesField } from '../../flatbuffers/fields.ts';
import { readFlatbuffer } from '../../flatbuffers/read.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import { associatedFileTypes, colorSpaces, metadataEntry, metadataSchema } from '../metadata-schema.ts';
import type { Subgraph, TfliteFile } from './file.ts';
import type { TfliteTensor } from './tensor.ts';

/** Entries that we write ourselves. */
const ownPrefix = 'edgepress.';

/** @param bytes  of the whole file, @throws TFLITE_MALFORMED */
export function addMetadata(model: Model, file: TfliteFile, graph: Subgraph, bytes: Uint8Array): void {
  model.doc = file.description;
  const pictures = graph.inputs
    .map((at) => signedPicture(graph.tensors[at]!))
    .filter((spec) => spec !== null);
  if (pictures.length === 1) setPreprocessing(model, pictures[0]!);
  addDescription(model, file, graph, bytes);
  // What we wrote says more.
  for (const [name, content] of file.metadata)
    if (name.startsWith(ownPrefix)) model.metadata.set(name, new TextDecoder().decode(content));
}

function addDescription(model: Model, file: TfliteFile, graph: Subgraph, bytes: Uint8Array): void {
  const content = file.metadata.get(metadataEntry);
  if (!content || !hasIdentifier(content, metadataSchema.identifier)) return;
  const root = readFlatbuffer(content, metadataSchema, (what) =>
    tfliteMalformed(file.name, `its ${metadataEntry}: ${what}`),
  );
  const about = tablesField(root, 'subgraphMetadata')[graph.index] ?? {};
  const texts = [root['name'], root['description']].filter((text) => typeof text === 'string' && text !== '');
  if (texts.length > 0) model.doc = texts.join(': ');
  const labels = labelsOf(tablesField(about, 'outputTensorMetadata'), bytes);
  if (labels) setLabels(model, labels);
  const pictures = tablesField(about, 'inputTensorMetadata').flatMap((tensor, i) => {
    const at = graph.inputs[i];
    const found = at === undefined ? null : preprocessingOf(tensor, graph.tensors[at]!);
    return found ? [found] : [];
  });
  if (pictures.length === 1) setPreprocessing(model, pictures[0]!);
}

/** Of the first output that has names for its axis. */
function labelsOf(outputs: readonly FlatTable[], bytes: Uint8Array): string[] | null {
  const files = outputs.flatMap((output) => tablesField(output, 'associatedFiles'));
  const named = files.find((file) => associatedFileTypes[numberField(file, 'type')] === 'TENSOR_AXIS_LABELS');
  const text = typeof named?.['name'] === 'string' ? unpacked(bytes, named['name']) : null;
  if (text === null) return null;
  const lines = text.split('\n').map((line) => line.trim());
  const labels = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  return labels.length > 0 ? labels : null;
}

/** A few names; anything larger is something else. */
const largest = 1 << 20;

/** A text of the archive behind the model; null where there is none, or none that can be read: the model runs without it. */
function unpacked(bytes: Uint8Array, name: string): string | null {
  try {
    const found = unzipSync(bytes, {
      filter: (entry) => entry.name === name && entry.originalSize <= largest && entry.size <= bytes.length,
    });
    return found[name] ? new TextDecoder().decode(found[name]) : null;
  } catch {
    // The library throws for bytes that are no archive.
    return null;
  }
}

/** int8 pictures are pixels less 128, whatever numbers they stand for. @returns null for other inputs
 *  Source: tflite-support's metadata_schema.fbs, NormalizationOptions. */
function signedPicture({
  type,
  shape,
  quantization,
}: TfliteTensor): Readonly<Record<string, unknown>> | null {
  const [, height, width, channels] = shape;
  const isPicture = shape.length === 4 && (channels === 1 || channels === 3) && height! > 0 && width! > 0;
  return type === 'int8' && quantization && isPicture
    ? {
        name: 'tflite-int8',
        resize: { mode: 'exact', size: { width, height }, kernel: 'linear' },
        mean: [128],
        std: [1],
        channels: channels === 1 ? 'L' : 'RGB',
      }
    : null;
}

/** Of a picture with its normalisation: (pixel − mean) / std, then, where the input is in integers, divided by their scale. */
function preprocessingOf(about: FlatTable, tensor: TfliteTensor): Readonly<Record<string, unknown>> | null {
  const content = tableField(about, 'content') ?? {};
  const picture = tableField(content, 'contentProperties');
  const isPicture = numberField(content, 'contentPropertiesType') === 2 && picture !== undefined;
  const unit = tablesField(about, 'processUnits').find((u) => numberField(u, 'optionsType') === 1);
  const options = unit && tableField(unit, 'options');
  const [, height, width] = tensor.shape;
  if (!isPicture || !options || !height || !width || height < 0 || width < 0) return null;
  const [mean, std] = [float32sField(options, 'mean'), float32sField(options, 'std')];
  const isFine = [mean, std].every((list) => list.length === 1 || list.length === 3) && !std.includes(0);
  if (!isFine) return null;
  const { scales, zeroPoints } = tensor.quantization ?? { scales: [1], zeroPoints: [0] };
  const [scale, zero] = [scales[0]!, zeroPoints[0]!];
  const channels = Array.from({ length: Math.max(mean.length, std.length) }, (_, i) => i);
  const deviation = (i: number) => std[i % std.length]! * scale;
  return {
    name: 'tflite-metadata',
    resize: { mode: 'exact', size: { width, height }, kernel: 'linear' },
    mean: channels.map((i) => mean[i % mean.length]! - zero * deviation(i)),
    std: channels.map(deviation),
    channels: colorSpaces[numberField(picture, 'colorSpace')] === 'GRAYSCALE' ? 'L' : 'RGB',
  };
}
