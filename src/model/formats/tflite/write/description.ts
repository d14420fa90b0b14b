/** What a file says of its use, as MediaPipe and Android Studio read it: names of classes in a zip archive behind the model, and
 *  how a picture becomes its input. Pictures are said of inputs [1, height, width, channels] alone, the only ones that those
 *  readers take. Source: tflite-support's metadata_schema.fbs; Python's zipfile, whose archives they append. */
import { zipSync } from 'fflate';
import { labelsOf, preprocessingInReals, preprocessingOf } from '../../../ir/card.ts';
import type { Model } from '../../../ir/model.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import { writeFlatbuffer } from '../../flatbuffers/write.ts';
import { associatedFileTypes, colorSpaces, metadataSchema } from '../metadata-schema.ts';
import type { LiteGraph, LitePort } from './graph.ts';
import { floats } from './vectors.ts';

export interface Description {
  /** The content of the entry TFLITE_METADATA. */
  readonly table: Uint8Array;
  readonly labels: readonly string[] | null;
}

const labelsFile = 'labels.txt';
const parserVersion = '1.0.0';

/** @returns null where the model says nothing that these readers understand */
export function describe(model: Model, graph: LiteGraph): Description | null {
  const labels = labelsOf(model);
  const scores = graph.outputs.findIndex(({ tensor }) => labels && tensor.shape.at(-1) === labels.length);
  const pictures = graph.inputs.map((port) => pictureAt(port, preprocessingOf(model)));
  const shown = pictures.findIndex((picture) => picture !== null);
  const picture = pictures[shown];
  if (scores < 0 && shown < 0) return null;
  const tables = (ports: readonly LitePort[], at: number, more: FlatTable) =>
    ports.map(({ name }, i): FlatTable => ({ name, ...(i === at ? more : {}) }));
  const names = { name: labelsFile, type: associatedFileTypes.indexOf('TENSOR_AXIS_LABELS') };
  const about: FlatTable = {
    inputTensorMetadata: tables(graph.inputs, shown, picture ? pictureTable(picture) : {}),
    outputTensorMetadata: tables(graph.outputs, scores, { associatedFiles: [names] }),
  };
  const root = { name: model.graph.name, subgraphMetadata: [about], minParserVersion: parserVersion };
  return { table: writeFlatbuffer(root, metadataSchema), labels: scores < 0 ? null : labels };
}

interface Picture {
  readonly channels: 1 | 3;
  /** value = (pixel − mean) / std, pixels from 0 to 255. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Of what the port takes. What integers are scaled by follows the normalisation there, as tflite-support has it. */
function pictureAt({ tensor }: LitePort, spec: unknown): Picture | null {
  const { type, shape, quantization } = tensor;
  const codes = type === 'int8' || type === 'uint8' ? quantization : null;
  const steps = codes && { scale: codes.scale[0]!, zeroPoint: codes.zeroPoint[0]! };
  const isSpec = typeof spec === 'object' && spec !== null;
  const picture = pictureOf(isSpec && steps ? preprocessingInReals({ ...spec }, steps) : spec);
  return picture && isPicture(shape, picture.channels) ? picture : null;
}

const isPicture = (shape: readonly number[], channels: number) => shape.length === 4 && shape[3] === channels;

/** Of a preprocessing spec; null for pictures in an order of colours that the table has no word for. */
function pictureOf(spec: unknown): Picture | null {
  if (typeof spec !== 'object' || spec === null) return null;
  const { scale = 1, mean = [0], std = [1], channels = 'RGB' } = spec as Record<string, unknown>;
  const isNumbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.every((v) => typeof v === 'number');
  if (typeof scale !== 'number' || scale === 0 || !isNumbers(mean) || !isNumbers(std)) return null;
  if (channels !== 'RGB' && channels !== 'L') return null;
  return {
    channels: channels === 'L' ? 1 : 3,
    mean: mean.map((v) => v / scale),
    std: std.map((v) => v / scale),
  };
}

function pictureTable({ channels, mean, std }: Picture): FlatTable {
  const colorSpace = colorSpaces.indexOf(channels === 1 ? 'GRAYSCALE' : 'RGB');
  const each = (list: readonly number[]) =>
    floats(Array.from({ length: channels }, (_, i) => list[i % list.length]!));
  return {
    content: { contentPropertiesType: 2, contentProperties: { colorSpace } },
    processUnits: [{ optionsType: 1, options: { mean: each(mean), std: each(std) } }],
  };
}

/** The file with names of classes in an archive behind it, stored as they are. */
export function withLabels(file: Uint8Array, labels: readonly string[]): Uint8Array {
  const content = new TextEncoder().encode(`${labels.join('\n')}\n`);
  // A date of its own would make each file another one.
  const archive = zipSync({ [labelsFile]: [content, { level: 0, mtime: new Date(1980, 0, 1) }] });
  moveArchive(archive, file.length);
  const all = new Uint8Array(file.length + archive.length);
  all.set(file);
  all.set(archive, file.length);
  return all;
}

const endLength = 22;

/** Places in the archive are counted from the start of the file. */
function moveArchive(archive: Uint8Array, by: number): void {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = archive.length - endLength;
  const directory = view.getUint32(end + 16, true);
  view.setUint32(end + 16, directory + by, true);
  // One entry: its local header's place.
  view.setUint32(directory + 42, view.getUint32(directory + 42, true) + by, true);
}
