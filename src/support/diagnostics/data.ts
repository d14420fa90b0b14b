/** Messages of samples, labels and preprocessing, and of comparing two models on them. */
import { environment, user } from '../diagnostics.ts';
import { formatBytes, formatPercent } from '../units.ts';

export const labelsRequired = (source: string) =>
  user(
    'LABELS_REQUIRED',
    `Accuracy needs labels; ${source} has none.`,
    'Pass --labels <csv or json>, or put the samples into one folder a class; compress compare needs no labels.',
  );

export const targetsRequired = (source: string) =>
  user(
    'TARGETS_REQUIRED',
    `Errors of numbers need target numbers; ${source} has none.`,
    'Pass a .npz with an array "y" of float32 beside the inputs, one row a sample.',
  );

export const targetSize = (sample: string, targets: number, answers: number) =>
  user(
    'TARGET_SIZE',
    `Sample ${sample} has ${targets} target numbers; the model answers with ${answers}.`,
    'Give each sample as many targets as the model has answers; for classes use --metric accuracy.',
  );

export const noNumbers = (outputs: readonly string[]) =>
  user(
    'NO_NUMBERS',
    `Errors of numbers need a float output; this model gives ${outputs.join(', ')}.`,
    'Use compress compare to compare two models on all outputs.',
  );

export const noScores = (outputs: readonly string[]) =>
  user(
    'NO_CLASS_SCORES',
    `Labels need an output of class scores (float, [batch, classes]); this model gives ${outputs.join(', ')}.`,
    'Leave --labels out to compare outputs instead of measuring accuracy.',
  );

const some = (names: readonly string[], limit = 5) =>
  `${names.slice(0, limit).join(', ')}${names.length > limit ? ` and ${names.length - limit} more` : ''}`;

export const dataNotFound = (path: string, near: string | undefined, cause?: unknown) =>
  user(
    'DATA_NOT_FOUND',
    `There is no file or folder ${path}.`,
    near ? `Did you mean ${near}?` : 'Check the path; it starts from the folder that the command runs in.',
    cause,
  );

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

export const dataTooLarge = (path: string, sizeBytes: number, mostBytes: number) =>
  user(
    'DATA_TOO_LARGE',
    `${path} has ${formatBytes(sizeBytes)}; at most ${formatBytes(mostBytes)} of one file are read.`,
    'Pass a part of it; a few hundred samples are enough to calibrate and compare on.',
  );

/** @param isDecoder  what text can't feed is what an encoder, a model of its own, would give */
export const inputNotText = (source: string, inputs: readonly string[], isDecoder = false) =>
  user(
    'INPUT_NOT_TEXT',
    `${source} holds text, which can't feed ${some(inputs)}${isDecoder ? ': an encoder makes that of a text, and it is a model of its own' : ''}.`,
    isDecoder
      ? "Run the encoder on your texts and pass its outputs beside the decoder's ids, in a .npz with an array for each input; or export both as one graph."
      : 'Text feeds token ids (integers [batch, tokens]) and what goes with them; pass a folder of what this model reads (pictures, recordings), or a .npz file with one array for each input.',
  );

export const inputNotSound = (source: string, inputs: readonly string[]) =>
  user(
    'INPUT_NOT_SOUND',
    `${source} holds recordings, which can't feed ${some(inputs)}.`,
    'Recordings feed one input of samples (floats [batch, time]) and what goes with it; features such as spectrograms are passed as .npz.',
  );

export const soundInvalid = (file: string, what: string, cause?: unknown) =>
  user(
    'SOUND_INVALID',
    `${file} can't be read: ${what}.`,
    'Remove it, or convert it: ffmpeg -i in.wav -c:a pcm_s16le out.wav',
    cause,
  );

export const outputNotArrays = (output: string) =>
  user(
    'OUTPUT_NOT_ARRAYS',
    `Samples are written to a .npz file or a folder; ${output} is neither by its name.`,
    'Name a file that ends in .npz, or a folder with a slash at its end.',
  );

export const samplesUnequal = (input: string, one: readonly number[], other: readonly number[], id: string) =>
  user(
    'SAMPLES_UNEQUAL',
    `Samples of one array have one shape; "${input}" is [${one.join(',')}] in the first sample and [${other.join(',')}] in ${id}.`,
    'Write a file for each sample: -o samples/ with a slash at its end.',
  );

export const arraysTooLarge = (sizeBytes: number, mostBytes: number) =>
  user(
    'ARRAYS_TOO_LARGE',
    `The arrays would have ${formatBytes(sizeBytes)}; at most ${formatBytes(mostBytes)} are written.`,
    'Pass a smaller --limit.',
  );

export const tokensUnknown = (source: string, token: number, known: number) =>
  user(
    'TOKENS_UNKNOWN',
    `${source} gives token ${token}; the model knows ${known} (0 to ${known - 1}).`,
    'Pass the tokenizer.json that belongs to the model with --tokenizer.',
  );

export const windowTooLong = (window: number, most: number, source: string) =>
  user(
    'WINDOW_TOO_LONG',
    `A window of ${window} tokens was asked for; the model sees ${most} at once (${source}).`,
    `Pass --window ${most} or less.`,
  );

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

export const chanceLevel = ({
  scores,
  samples,
  classes,
}: {
  readonly scores: readonly { readonly name: string; readonly top1: number }[];
  readonly samples: number;
  readonly classes: number;
}) =>
  user(
    'CHANCE_LEVEL',
    `The model knows the labels no better than by chance, which is ${formatPercent(1 / classes)} with ${classes} classes. Top-1 on ${samples} samples: ${scores
      .map(({ name, top1 }) => `${formatPercent(top1)} with preprocessing ${name}`)
      .join(', ')}.`,
    'Pass --preprocess as the model was trained with, or --labels with the numbers of its classes. --labels none leaves the labels alone.',
  );

export const testDataDiffers = (data: string, test: string, how: string) =>
  user(
    'TEST_DATA_DIFFERS',
    `${data} (--data) and ${test} (--test-data) do not go together: ${how}.`,
    'Use the same class names in both, and pass --labels, --test-labels and --preprocess where they were guessed.',
  );

export const testDataSame = (data: string, test: string) =>
  user(
    'TEST_DATA_SAME',
    `Every sample of ${data} (--data) that could calibrate is in ${test} (--test-data) too.`,
    'Give other data to compare on, or leave --test-data out: a part of --data is held back then.',
  );

export const calibrationNotFinite = (value: string, sample: string) =>
  user(
    'CALIBRATION_NOT_FINITE',
    `"${value}" is NaN or infinite for sample "${sample}".`,
    'Check the preprocessing (--preprocess) and that sample; a float model should give finite numbers on it.',
  );
