/** Messages of reading and writing models: ONNX files, their text form, external data, ORT files. */
import { Diagnostic, type DiagnosticKind, unsupported, user } from '../diagnostics.ts';

/** What a call was handed as a model. */
export const modelInputInvalid = (input: unknown) =>
  user(
    'MODEL_INPUT',
    `A model was expected: a path, bytes as a Uint8Array, or an open model; ${kindOf(input)} came.`,
    input instanceof ArrayBuffer ? 'Pass new Uint8Array(buffer).' : undefined,
  );

const kindOf = (value: unknown) =>
  typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'an object') : String(value);

export const textSyntax = (where: string, expected: string, received: string, excerpt: string) =>
  user(
    'TEXT_SYNTAX',
    `${where}: expected ${expected}, found ${received}.\n${excerpt}`,
    'The syntax is described in docs/Syntax.md of the ONNX project.',
  );

export const textName = (where: string, what: string, excerpt: string) =>
  user(
    'TEXT_NAME',
    `${where}: ${what}.\n${excerpt}`,
    'Nodes stand in the order in which they run; a name is given once, before it is read.',
  );

export const textTooLarge = (file: string, cause?: unknown) =>
  unsupported(
    'TEXT_TOO_LARGE',
    `${file} is longer than a text can be in JavaScript, about 500 million characters.`,
    'Keep the model as .onnx.',
    cause,
  );

export const emptyFile = (file: string) =>
  user('EMPTY_FILE', `${file} is empty; a model was expected.`, 'Export or download it again.');

export const notOnnx = (file: string, what: string, hint: string) =>
  user('NOT_ONNX', `${file} is not an ONNX model: ${what}.`, hint);

export const formatNotWritten = (path: string, format: string, writable: readonly string[]) =>
  user(
    'FORMAT_NOT_WRITTEN',
    `${path} asks for ${format}, which is only read; models are written as ${writable.join(', ')}.`,
    'Choose one of these endings with -o.',
  );

/** @param endings  ".json (TensorFlow.js)" */
export const formatUnnamed = (path: string, endings: readonly string[]) =>
  user(
    'FORMAT_UNNAMED',
    `"${path}" names no format that models are written in; ${endings.join(', ')} or a folder was expected.`,
    'Give it one of these endings, or name a folder with / at its end; --format says which format goes into it.',
  );

export const formatConflict = (path: string, named: string, asked: string) =>
  user(
    'FORMAT_CONFLICT',
    `--format ${asked} and the name "${path}", which asks for ${named}, were given; they exclude each other.`,
    'Leave out --format, or name a folder with / at its end.',
  );

export const folderNamesFormat = (path: string, format: string) =>
  user(
    'FORMAT_FOLDER',
    `"${path}" is a folder, and its name asks for a ${format} file.`,
    'Choose another name, or put / at its end to write into the folder.',
  );

export const onnxTruncated = (file: string, missing: number, received: number) =>
  user(
    'ONNX_TRUNCATED',
    `${file} ends early: its last field needs ${missing} bytes more than the ${received} that are there.`,
    'Download or copy the file again; its transfer was cut off.',
  );

export const onnxMalformed = (where: string, what: string, cause?: unknown) =>
  user(
    'ONNX_MALFORMED',
    `${where} is not valid ONNX: ${what}.`,
    'The file is damaged or was written by a faulty exporter; export the model again.',
    cause,
  );

export const onnxTooDeep = (limit: number) =>
  user(
    'ONNX_TOO_DEEP',
    `The model nests its messages more than ${limit} deep, the limit of every protobuf parser.`,
    'Flatten nested If and Loop bodies before exporting.',
  );

export const onnxTooLarge = (what: string, sizeBytes: number, limit: number) =>
  unsupported(
    'ONNX_TOO_LARGE',
    `${what} takes ${sizeBytes} bytes; one ONNX file can hold ${limit}.`,
    'Keep the weights in external data (onnx.save_model(..., save_as_external_data=True)).',
  );

export const onnxNoGraph = (file: string) =>
  user(
    'ONNX_NO_GRAPH',
    `${file} is a protobuf message without a graph; an ONNX model has one.`,
    'It may be a TensorFlow SavedModel, a Core ML model or a test vector (.pb); convert the model to ONNX first.',
  );

export const onnxNoOpset = (file: string) =>
  user(
    'ONNX_NO_OPSET',
    `${file} does not say which version of the operator set it uses (no opset_import).`,
    'Export it again, or add the import: model.opset_import.extend([onnx.helper.make_opsetid("", 17)]).',
  );

export const duplicateName = (graph: string, name: string, first: string, second: string) =>
  user(
    'DUPLICATE_NAME',
    `In graph "${graph}" the name "${name}" is given twice: to ${first} and to ${second}.`,
    'Every value of a graph needs its own name; onnx.checker.check_model shows all such places.',
  );

export const danglingInput = (graph: string, reader: string, name: string) =>
  user(
    'DANGLING_INPUT',
    `In graph "${graph}", ${reader} reads "${name}", which nothing produces: no node, input or initializer has that name.`,
    'The model was cut or edited; export it again, or name the missing value as a graph input.',
  );

export const graphCyclic = (graph: string, cycle: readonly string[]) =>
  user(
    'GRAPH_CYCLIC',
    `Graph "${graph}" has a cycle: ${cycle.join(' → ')}.`,
    'ONNX graphs have no cycles; a recurrence must be a Loop, Scan or RNN node.',
  );

export const tensorDims = (what: string, dims: readonly number[]) =>
  user(
    'TENSOR_DIMS',
    `${what} has dimensions [${dims.join(',')}]; whole numbers from 0 up were expected.`,
    'The file is damaged or was written by a faulty exporter; export the model again.',
  );

export const externalDataPath = (what: string, location: string, why: string) =>
  user(
    'EXTERNAL_DATA_PATH',
    `${what} has its data in "${location}", which ${why}; only files in the model's own folder are opened.`,
    'Put the data file beside the model, as a file and not a link, and name it by its relative path.',
  );

export const externalDataMissing = (what: string, location: string, folder: string) =>
  user(
    'EXTERNAL_DATA_MISSING',
    `${what} has its data in "${location}", which is not in ${folder}.`,
    'Copy the data file together with the model; its name must stay as it is.',
  );

export const externalDataShort = (what: string, location: string, needed: number, received: number) =>
  user(
    'EXTERNAL_DATA_SHORT',
    `${what} needs "${location}" to have ${needed} bytes; it has ${received}.`,
    'Download or copy the data file again; it was cut off or belongs to another model.',
  );

export const externalDataChanged = (location: string) =>
  user(
    'EXTERNAL_DATA_CHANGED',
    `The data file ${location} has changed since the model was opened.`,
    'Open the model again.',
  );

export const externalDataUnavailable = (what: string, location: string) =>
  user(
    'EXTERNAL_DATA_UNAVAILABLE',
    `${what} has its data in "${location}", and the model was opened without access to other files.`,
    'Open it from a file, or hand over the data file as well.',
  );

export const ortDamaged = (reason: string, cause?: unknown) =>
  user(
    'ORT_DAMAGED',
    `An ORT-format model (.ort) was expected; ${reason}.`,
    'Convert the .onnx model again.',
    cause,
  );

export const ortCompiled = (file: string, opType: string, node: string) =>
  unsupported(
    'ORT_COMPILED_NODE',
    `${file} holds ${opType} "${node}", which an execution provider compiled for one machine; operators were expected.`,
    'Convert the .onnx model again, for the CPU (compress ort), or compress the .onnx model itself.',
  );

export const ortOutside = (file: string, tensor: string) =>
  unsupported(
    'ORT_OUTSIDE_DATA',
    `${file} keeps the elements of "${tensor}" in a file beside it that it does not name.`,
    'Compress the .onnx model that it was made from.',
  );

export const ortSparseAttribute = (file: string, attribute: string, of: string) =>
  unsupported(
    'ORT_SPARSE_ATTRIBUTE',
    `${file} has a sparse tensor as attribute "${attribute}" of ${of}, which the format keeps no elements of.`,
    'Compress the .onnx model that it was made from.',
  );

export const ortConversionFailed = (
  reason: string,
  kind: DiagnosticKind,
  hint: string | undefined,
  cause?: unknown,
) =>
  new Diagnostic('ORT_CONVERSION', kind, `onnxruntime can't write the model as .ort: ${reason}`, hint, cause);

export const archiveInvalid = (archive: string, problem: string) =>
  user(
    'ARCHIVE_INVALID',
    `${archive} can't be unpacked: ${problem}.`,
    'Download it again, or unpack it yourself and pass the model in it.',
  );

/** @param candidates  models that were found, if there are several */
export const modelNotFoundIn = (where: string, candidates: readonly string[]) =>
  user(
    'MODEL_NOT_FOUND_IN',
    candidates.length === 0
      ? `${where} holds no model; a model.json or a file that ends like one was expected.`
      : `${where} holds ${candidates.length} models: ${candidates.slice(0, 4).join(', ')}${candidates.length > 4 ? ' …' : ''}.`,
    candidates.length === 0 ? 'Pass the model itself.' : 'Pass one of them.',
  );
