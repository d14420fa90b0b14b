/** Every message that a user can be shown as an error, one function each. Assert on `code`, never on wording.
 *  Order of the parts: what was expected, for what, what came; then one next step as the hint. */

import { distance } from 'fastest-levenshtein';

/** Whose problem it is: 'user' (input or arguments), 'unsupported' (a model we can't serve), 'environment'
 *  (disk, permissions, missing runtime), 'gate' (a budget the user set was not met), 'internal' (our bug). */
export type DiagnosticKind = 'user' | 'unsupported' | 'environment' | 'gate' | 'internal';

export class Diagnostic extends Error {
  readonly code: string;
  readonly kind: DiagnosticKind;
  readonly hint: string | undefined;

  constructor(code: string, kind: DiagnosticKind, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Diagnostic';
    this.code = code;
    this.kind = kind;
    this.hint = hint;
  }
}

/** Process exit code for each kind; 0 is success and 130 an interrupt. */
export const exitCodes: Record<DiagnosticKind, number> = {
  internal: 1,
  user: 2,
  unsupported: 3,
  gate: 4,
  environment: 5,
};

/** The known name closest to what was typed, if it is close at all. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const scored = known.map((name) => ({ name, d: distance(typed.toLowerCase(), name.toLowerCase()) }));
  scored.sort((a, b) => a.d - b.d);
  const best = scored[0];
  if (best && best.d <= Math.max(2, typed.length / 3)) return best.name;
  const part = typed.toLowerCase();
  return part.length >= 4 ? known.find((name) => name.toLowerCase().includes(part)) : undefined;
}

export const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

const user = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'user', message, hint, cause);
const unsupported = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'unsupported', message, hint, cause);
const environment = (code: string, message: string, hint?: string, cause?: unknown) =>
  new Diagnostic(code, 'environment', message, hint, cause);
const internal = (code: string, message: string, cause?: unknown) =>
  new Diagnostic(
    code,
    'internal',
    message,
    'This is a bug in edgepress; please report it with the model.',
    cause,
  );

// --- graph integrity -------------------------------------------------------------------------------------------

export const graphInvalid = (what: string) => internal('GRAPH_INVALID', what);

export const unknownDtype = (code: number | string, where: string) =>
  unsupported('UNKNOWN_DTYPE', `${where} has element type ${code}, which ONNX 1.20 does not define.`);

export const tensorBytes = (what: string, expected: number, received: number) =>
  user(
    'TENSOR_BYTES',
    `${what} needs ${expected} bytes for its shape and type; ${received} are there.`,
    'The file is damaged or was written by a faulty exporter; export the model again.',
  );

// --- ranges and numerics ---------------------------------------------------------------------------------------

export const emptyRange = (what: string, min: number, max: number) =>
  user(
    'EMPTY_RANGE',
    `${what} has range [${min}, ${max}]; a finite range is needed to quantise it.`,
    'Look for NaN or infinity in the model or the data: compress inspect shows constants with NaN.',
  );

/** Adds the diagnostics of the other rooms; each room's messages stand in its own block below. */

// --- operators -------------------------------------------------------------------------------------------------

/** Inputs of an operator that don't fit together; shape inference catches it and reports the node. */
export const shapeConflict = (what: string) => user('SHAPE_CONFLICT', what);

// --- formats ---------------------------------------------------------------------------------------------------

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

export const textExternalData = (tensor: string, location: string) =>
  user(
    'TEXT_EXTERNAL_DATA',
    `"${tensor}" has its elements in the file ${location}, which a text model cannot open.`,
    'Write the elements into the text, or read the model from its .onnx file.',
  );

export const emptyFile = (file: string) =>
  user('EMPTY_FILE', `${file} is empty; an ONNX model was expected.`, 'Export or download it again.');

export const notOnnx = (file: string, what: string, hint: string) =>
  user('NOT_ONNX', `${file} is not an ONNX model: ${what}.`, hint);

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

/** A failed file operation, by its errno. `action` is "read" or "write". */
export function fileProblem(path: string, action: 'read' | 'write', cause: unknown) {
  const errno = (cause as { code?: string } | null)?.code ?? '';
  if (errno === 'ENOENT' && action === 'read')
    return user('FILE_NOT_FOUND', `There is no file ${path}.`, 'Check the path.', cause);
  if (errno === 'ENOENT' || errno === 'ENOTDIR')
    return user('FOLDER_NOT_FOUND', `The folder of ${path} does not exist.`, 'Create it first.', cause);
  if (errno === 'EISDIR')
    return user(
      'FILE_IS_FOLDER',
      `${path} is a folder; a file was expected.`,
      'Name the file inside it.',
      cause,
    );
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS')
    return environment(
      'FILE_PERMISSION',
      `No permission to ${action} ${path} (${errno}).`,
      `Change the permissions, or choose another place.`,
      cause,
    );
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return environment(
      'DISK_FULL',
      `The disk is full: ${path} could not be written; what was begun has been removed.`,
      'Free some space, or write to another disk.',
      cause,
    );
  return environment(
    action === 'read' ? 'FILE_UNREADABLE' : 'FILE_UNWRITABLE',
    `Could not ${action} ${path} (${errno || String(cause)}).`,
    undefined,
    cause,
  );
}

export const npyMalformed = (name: string, what: string) =>
  user(
    'NPY_MALFORMED',
    `${name} is not a valid NumPy file: ${what}.`,
    'Write it with numpy.save or numpy.savez.',
  );

export const npyDtype = (name: string, descr: string, known: string) =>
  user(
    'NPY_DTYPE',
    `${name} holds elements of type ${descr}; understood are ${known}.`,
    'Convert it first: numpy.save(path, array.astype("float32")).',
  );

// --- engines ---------------------------------------------------------------------------------------------------

export const engineMissing = (what: string, packageName: string, reason: string, cause?: unknown) =>
  environment(
    'ENGINE_MISSING',
    `${what} needs the package ${packageName}, which ${reason}.`,
    `Run: npm install ${packageName}`,
    cause,
  );

export const unknownEngine = (name: string, known: readonly string[]) =>
  user('UNKNOWN_ENGINE', `There is no engine "${name}"; there are ${known.join(' and ')}.`);

/** `kind` is 'unsupported' when the runtime lacks an operator or type, 'environment' when memory ran out. */
export const engineOpen = (
  engine: string,
  reason: string,
  kind: DiagnosticKind = 'user',
  hint?: string,
  cause?: unknown,
) => new Diagnostic('ENGINE_OPEN', kind, `${engine} does not open the model: ${reason}`, hint, cause);

export const engineRun = (
  engine: string,
  reason: string,
  kind: DiagnosticKind = 'user',
  hint?: string,
  cause?: unknown,
) => new Diagnostic('ENGINE_RUN', kind, `${engine} could not run the model: ${reason}`, hint, cause);

export const engineThreads = (running: number, wanted: number) =>
  environment(
    'ENGINE_THREADS',
    `The wasm runtime of this process already runs with ${running} thread(s); ${wanted} were asked for.`,
    'Threads are fixed by the first session; measure other counts in a process of their own.',
  );

export const sessionClosed = () => internal('SESSION_CLOSED', 'A session was run after it had been closed.');

export const missingInput = (input: string, expected: string, given: readonly string[]) =>
  user(
    'MISSING_INPUT',
    `Input "${input}" (${expected}) is missing; given: ${given.map((n) => `"${n}"`).join(', ') || 'nothing'}.`,
  );

export const feedMismatch = (input: string, expected: string, received: string) =>
  user('FEED_MISMATCH', `Input "${input}" expects ${expected}; received ${received}.`);

export const unknownOutput = (name: string, known: readonly string[]) =>
  user(
    'UNKNOWN_OUTPUT',
    `The model has no output "${name}"; it has ${known.map((n) => `"${n}"`).join(', ')}.`,
  );

export const ortDamaged = (reason: string, cause?: unknown) =>
  user(
    'ORT_DAMAGED',
    `An ORT-format model (.ort) was expected; ${reason}.`,
    'Convert the .onnx model again.',
    cause,
  );

export const ortConversionFailed = (
  reason: string,
  kind: DiagnosticKind,
  hint: string | undefined,
  cause?: unknown,
) =>
  new Diagnostic('ORT_CONVERSION', kind, `onnxruntime can't write the model as .ort: ${reason}`, hint, cause);

// --- measuring -------------------------------------------------------------------------------------------------

export const measureTimeout = (what: string, seconds: number) =>
  environment(
    'MEASURE_TIMEOUT',
    `Measuring ${what} took longer than ${seconds} s and was stopped.`,
    'Measure with a smaller input, or leave measuring out.',
  );

export const measureCrashed = (what: string, how: string, stderr: string) =>
  environment(
    'MEASURE_CRASHED',
    `The process that measured ${what} ended with ${how}${stderr ? `: ${stderr}` : ''}.`,
    'Most often the machine ran out of memory; close other programs or use a smaller input.',
  );

// --- browsers and devices --------------------------------------------------------------------------------------

type InstalledBrowser = { readonly kind: string; readonly path: string };

export const unknownDevice = (name: string, known: readonly string[]) => {
  const close = nearest(name, known);
  return user(
    'UNKNOWN_DEVICE',
    `There is no device "${name}"; there are ${known.join(', ')}.`,
    close
      ? `Did you mean ${close}?`
      : 'Give one or several of them, with commas: --device node,wasm,chromium',
  );
};

export const nothingMeasured = (reasons: readonly string[]) =>
  environment(
    'NOTHING_MEASURED',
    `Nothing could be measured: ${reasons[0] ?? 'there is no variant for these devices'}${
      reasons.length > 1 ? ` (and ${reasons.length - 1} other reasons)` : ''
    }.`,
    'Choose other devices or providers: --device wasm, --provider wasm.',
  );

export const browserMissing = (kind: string, installed: readonly InstalledBrowser[], variable: string) =>
  environment(
    'BROWSER_MISSING',
    `No ${kind} was found on this machine; ${
      installed.length > 0
        ? `there is ${installed.map((b) => `${b.kind} (${b.path})`).join(', ')}`
        : 'nor any other browser that can be measured in'
    }.`,
    `Install it, or name its program in ${variable}. edgepress downloads no browsers.`,
  );

export const browserLaunch = (kind: string, path: string, cause: unknown) =>
  environment(
    'BROWSER_LAUNCH',
    `${kind} (${path}) does not start: ${messageOf(cause).split('\n')[0]}`,
    'Start it once by hand to see what it lacks.',
    cause,
  );

export const browserCrashed = (title: string, how: string) =>
  environment(
    'BROWSER_CRASHED',
    `${title} gave no answer: ${how}.`,
    'Most often the page ran out of memory; use a smaller model or input.',
  );

export const browserTimeout = (title: string, seconds: number) =>
  environment(
    'BROWSER_TIMEOUT',
    `${title} did not answer within ${seconds} s and was stopped.`,
    'Use a smaller input, or leave this device out.',
  );

// --- data and calibration --------------------------------------------------------------------------------------

export const labelsRequired = (source: string) =>
  user(
    'LABELS_REQUIRED',
    `Accuracy needs labels; ${source} has none.`,
    'Pass --labels <csv or json>, or put the samples into one folder a class; compress compare needs no labels.',
  );

export const modeNeedsData = (mode: string) =>
  user(
    'CALIBRATION_REQUIRED',
    `--int8 ${mode} finds activation ranges on data, and there is none.`,
    'Pass --data <folder or .npz>, or use --int8 dynamic.',
  );

export const noScores = (outputs: readonly string[]) =>
  user(
    'NO_CLASS_SCORES',
    `Labels need an output of class scores (float, [batch, classes]); this model gives ${outputs.join(', ')}.`,
    'Leave --labels out to compare outputs instead of measuring accuracy.',
  );

const some = (names: readonly string[], limit = 5) =>
  `${names.slice(0, limit).join(', ')}${names.length > limit ? ` and ${names.length - limit} more` : ''}`;

export const dataNotFound = (path: string, cause?: unknown) =>
  user('DATA_NOT_FOUND', `There is no file or folder ${path}.`, 'Check the path given to --data.', cause);

export const dataUnreadable = (path: string, cause: unknown) =>
  environment(
    'DATA_UNREADABLE',
    `${path} can't be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
    'Check permissions, and that it is a whole file.',
    cause,
  );

/** @param found  what is there instead, as "12 .txt, 3 .docx"; empty when nothing is */
export const dataEmpty = (path: string, found: string) =>
  user(
    'DATA_EMPTY',
    `${path} holds no samples${found ? `; found ${found}` : '; it is empty'}.`,
    'Pass a folder of pictures (jpg, png, webp, gif, avif, tiff), a .npy or .npz file, or a folder of them.',
  );

export const dataMixed = (path: string, found: string) =>
  user(
    'DATA_MIXED',
    `${path} holds several kinds of samples: ${found}.`,
    'Pass a folder with one kind: pictures, .npy or .npz.',
  );

export const dataKind = (path: string, what: string, hint: string) =>
  user('DATA_KIND', `${path} is ${what}, which can't be used as samples.`, hint);

export const badImages = (folder: string, total: number, bad: readonly string[]) =>
  user(
    'BAD_IMAGES',
    `${bad.length} of ${total} pictures in ${folder} can't be decoded: ${some(bad)}.`,
    'Remove them, or pass --skip-bad to leave them out.',
  );

/** Samples and input don't agree in type or shape. */
export const calibrationShape = (
  source: string,
  holds: string,
  input: string,
  takes: string,
  hint = 'Pass samples of that type and shape.',
) => user('CALIBRATION_SHAPE', `${source} holds ${holds}; input "${input}" takes ${takes}.`, hint);

export const dataInputsMissing = (
  source: string,
  missing: readonly string[],
  present: readonly string[],
  hint: string,
) =>
  user(
    'DATA_INPUTS_MISSING',
    `${source} has nothing for ${missing.length === 1 ? 'input' : 'inputs'} ${missing.join(', ')}` +
      `${present.length > 0 ? `; it has ${some(present)}` : ''}.`,
    hint,
  );

export const inputNotPicture = (source: string, inputs: readonly string[]) =>
  user(
    'INPUT_NOT_PICTURE',
    `${source} holds pictures; no input of the model looks like one (${some(inputs)}).`,
    'Pass a .npz file with one array for each input.',
  );

export const unknownPreprocessing = (name: string, known: readonly string[]) =>
  user(
    'UNKNOWN_PREPROCESSING',
    `There is no preprocessing "${name}", and no such file.`,
    `Use one of ${known.join(', ')}, or the path of a preprocessor_config.json.`,
  );

export const preprocessingInvalid = (where: string, what: string) =>
  user(
    'PREPROCESSING_INVALID',
    `${where}: ${what}.`,
    'Correct it, or name a preset such as imagenet or 0-1.',
  );

export const labelsInvalid = (where: string, what: string, cause?: unknown) =>
  user(
    'LABELS_INVALID',
    `${where}: ${what}.`,
    'Labels are CSV lines "file,label", JSON [{"file","index"}] or {"file": label}, or a .npy of class indices.',
    cause,
  );

export const labelsUnmatched = (
  where: string,
  total: number,
  unlabelled: readonly string[],
  unused: readonly string[],
) =>
  user(
    'LABELS_UNMATCHED',
    `${unlabelled.length} of ${total} samples have no label in ${where} (${some(unlabelled, 3)})` +
      `${unused.length > 0 ? `; it has ${unused.length} that match no sample (${some(unused, 3)})` : ''}.`,
    'File names must be relative to the data folder, or unique in it.',
  );

export const syntheticType = (input: string, type: string) =>
  user(
    'SYNTHETIC_TYPE',
    `Input "${input}" is ${type}, for which no synthetic samples can be made.`,
    'Pass real samples with --data.',
  );

export const decoderMissing = (cause: unknown) =>
  environment(
    'DECODER_MISSING',
    `Pictures need the package sharp, which can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
    'Run: npm install sharp',
    cause,
  );

export const compareOutputs = (missing: readonly string[], present: readonly string[]) =>
  user(
    'COMPARE_OUTPUTS',
    `The second model has no output ${some(missing)}; it has ${some(present)}.`,
    'Compare models with the same output names.',
  );

export const compareInputs = (missing: readonly string[], present: readonly string[]) =>
  user(
    'COMPARE_INPUTS',
    `The second model takes ${some(missing)}; the first has ${some(present)}.`,
    'Compare models that take the same inputs.',
  );

export const compareShape = (output: string, before: readonly number[], after: readonly number[]) =>
  user(
    'COMPARE_SHAPE',
    `Output "${output}" is [${before.join(',')}] before and [${after.join(',')}] after.`,
    'Compare models with the same outputs.',
  );

export const labelRange = (label: number, classes: number) =>
  user(
    'LABEL_RANGE',
    `A sample has label ${label}; the model's output has ${classes} classes (0 to ${classes - 1}).`,
    'Check that the labels belong to this model; class folders are numbered in alphabetical order.',
  );

export const calibrationNotFinite = (value: string, sample: string) =>
  user(
    'CALIBRATION_NOT_FINITE',
    `"${value}" is NaN or infinite for sample "${sample}".`,
    'Check the preprocessing (--preprocess) and that sample; a float model should give finite numbers on it.',
  );

// --- passes, recipes and selection -----------------------------------------------------------------------------

export const passBroke = (pass: string, cause: Error) =>
  internal('PASS_BROKE_GRAPH', `Pass ${pass} left the graph inconsistent: ${cause.message}`, cause);

export const passNeedsOpset = (pass: string, opset: number, least: number) =>
  user(
    'PASS_NEEDS_OPSET',
    `Pass ${pass} needs opset ${least} or newer; the model is at opset ${opset}.`,
    'Put the pass upgrade-opset in a stage before it, as the presets do.',
  );

export const upgradeUnsupported = (op: string, node: string, from: number, to: number, reason: string) =>
  unsupported(
    'UPGRADE_UNSUPPORTED',
    `${op} "${node}" can't be moved from opset ${from} to ${to}: ${reason}.`,
    `Export the model with opset ${to} or newer, or leave out the pass upgrade-opset.`,
  );

export const opsetTooOld = (opset: number, oldest: number) =>
  unsupported(
    'OPSET_TOO_OLD',
    `The model uses opset ${opset}; the oldest that can be upgraded is ${oldest}.`,
    'Export the model again with a newer exporter, at opset 17 if it offers that.',
  );

export const patternMatchesNothing = (pattern: string, known: readonly string[]) => {
  const near = nearest(pattern, known);
  return user(
    'PATTERN_MATCHES_NOTHING',
    `"${pattern}" matches no node, value or op type of this model.`,
    near ? `Did you mean "${near}"? compress inspect lists the names.` : 'compress inspect lists the names.',
  );
};

export const regexInvalid = (pattern: string, cause: unknown) =>
  user('PATTERN_INVALID', `${pattern} is not a regular expression: ${messageOf(cause)}.`, undefined, cause);

export const recipeInvalid = (where: string, what: string, hint?: string) =>
  user(
    'RECIPE_INVALID',
    `${where}: ${what}.`,
    hint ?? 'compress recipe --int8 prints a valid one to start from.',
  );

export const passUnknown = (name: string, known: readonly string[]) => {
  const near = nearest(name, known);
  return user(
    'PASS_UNKNOWN',
    `There is no pass called "${name}".`,
    near ? `Did you mean "${near}"? compress passes lists them all.` : 'compress passes lists them all.',
  );
};

/** @param where  the recipe's file, when there is one */
export const recipePassUnknown = (where: string, name: string, known: readonly string[]) => {
  const { code, message, hint } = passUnknown(name, known);
  return user(code, `${where}: ${message}`, hint);
};

export const calibrationRequired = (count: number, first: string) =>
  user(
    'CALIBRATION_REQUIRED',
    `Static int8 needs calibration data for ${count} activations (first: ${first}).`,
    'Pass --data <folder or .npz>, or leave static out: without data int8 is dynamic and weight-only.',
  );

export const nothingToQuantize = (file: string) =>
  unsupported(
    'NOTHING_TO_QUANTIZE',
    `${file} has no constant float weight that int8 could make smaller.`,
    'compress inspect shows where its bytes are; a model that is already quantised stays as it is.',
  );

export const notANumber = (names: readonly string[]) =>
  user(
    'WEIGHTS_NOT_FINITE',
    `${names.length} constant${names.length === 1 ? '' : 's'} of the model hold NaN or infinity (first: "${names[0]}").`,
    'Such a model is broken already; export it again from a checkpoint whose loss was finite.',
  );

// --- bundles ---------------------------------------------------------------------------------------------------

export const bundleInvalid = (what: string) =>
  internal('BUNDLE_INVALID', `The bundle would be invalid: ${what}.`);

export const labelNamesInvalid = (path: string, why: string) =>
  user(
    'LABEL_NAMES_INVALID',
    `${path} holds no class names: ${why}.`,
    'Pass a text file with one name a line, a JSON array of names, or a config.json with id2label.',
  );

export const labelNamesCount = (path: string, received: number, output: string, expected: number) =>
  user(
    'LABEL_NAMES_COUNT',
    `${path} has ${received} class names; output "${output}" scores ${expected} classes.`,
    'Names belong to the places of the output, in its order.',
  );

export const outputHoldsInput = (output: string, what: string) =>
  user(
    'OUTPUT_HOLDS_INPUT',
    `${output} holds ${what}; a bundle replaces its folder as a whole.`,
    'Choose a folder of its own with -o.',
  );

export const runtimeNotBuilt = () =>
  environment(
    'RUNTIME_NOT_BUILT',
    'The demo page needs edgepress/runtime, which this copy of edgepress was not built with.',
    'Run npm run build, or pass --no-demo.',
  );

export const parityInputs = (file: string, reason: string) =>
  user(
    'PARITY_INPUTS',
    `${file} does not run on made-up inputs, so its variants can't be checked: ${reason}`,
    'Pass real ones with --data.',
  );

export const noVariant = (reasons: readonly string[]) =>
  new Diagnostic(
    'NO_VARIANT',
    'gate',
    `No variant of the model agrees with the original within the budget (${reasons.join('; ')}).`,
    'Lower --min-agreement or --min-sqnr, or pass other --data.',
  );

// --- device lab ------------------------------------------------------------------------------------------------

export const bundleMissing = (folder: string, why: string) =>
  user(
    'BUNDLE_NOT_FOUND',
    `${folder} is not a bundle: ${why}.`,
    'Pass the folder that compress bundle made; it holds edgepress.json.',
  );

export const bundleUnreadable = (file: string, what: string) =>
  user(
    'BUNDLE_UNREADABLE',
    `${file} does not describe a bundle: ${what}.`,
    'Make the bundle again with compress bundle.',
  );

export const labPort = (port: number, reason: string, cause: unknown) =>
  environment(
    'LAB_PORT',
    `The lab can't listen on port ${port}: ${reason}.`,
    'Choose another with --port, or leave it out: a free one is taken.',
    cause,
  );

export const labNoNetwork = () =>
  environment(
    'LAB_NO_NETWORK',
    'No network address was found that a phone could reach.',
    'Connect to a network, or leave out --lan and use a cable: adb reverse makes the lab reachable from Android.',
  );

/** An answer to a device, shown on its page; the terminal does not stop for it. */
export const labRefused = (
  code:
    | 'LAB_TOKEN'
    | 'LAB_FULL'
    | 'LAB_SESSION'
    | 'LAB_FINISHED'
    | 'LAB_REPEATED'
    | 'LAB_MESSAGE'
    | 'LAB_REQUEST',
  message: string,
) => user(code, message);

// --- files and process -----------------------------------------------------------------------------------------

export const outputExists = (path: string, what: string) =>
  user(
    'OUTPUT_EXISTS',
    `${path} is ${what}; it stays as it is.`,
    'Choose another name with -o, or pass --force to replace it.',
  );

export const outputUnwritable = (path: string, reason: string, cause?: unknown) =>
  environment(
    'OUTPUT_UNWRITABLE',
    `${path} can't be written: ${reason}. Nothing was changed.`,
    'Free space, or write elsewhere with -o.',
    cause,
  );

export const outputFolderMissing = (path: string, folder: string) =>
  user('FOLDER_NOT_FOUND', `${path} can't be written: there is no folder ${folder}.`, 'Create it first.');

export const outputIsInput = (path: string) =>
  user(
    'OUTPUT_IS_INPUT',
    `${path} is the model to compress; the original is never written over.`,
    'Choose another name with -o.',
  );

/** The target's runtime does not run the user's own model: no version of it would run there either. */
export const originalRefused = (file: string, reason: string, hint?: string) =>
  unsupported('MODEL_REFUSED', `${file} does not run on this target, not even uncompressed: ${reason}`, hint);

export const resultRefused = (runtime: string, reason: string, cause: unknown) =>
  internal('RESULT_REFUSED', `${runtime} opens the original but not the result: ${reason}`, cause);

export const optionWithoutEffect = (option: string, needs: string) =>
  user(
    'OPTION_WITHOUT_EFFECT',
    `${option} has no effect without ${needs}.`,
    'Leave it out, or add what it needs.',
  );

/** A command line that doesn't parse. @param code  what is wrong with it, as UNKNOWN_OPTION */
export const usage = (code: string, message: string, hint?: string) => user(code, message, hint);

export { environment as environmentDiagnostic, internal as internalDiagnostic, unsupported, user };
