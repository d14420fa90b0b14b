/** Messages of training: gradients, losses, data for training, checkpoints. */
import { Diagnostic, nearest } from '../diagnostics.ts';

const list = (names: readonly string[]) =>
  names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');

export const trainingShape = (
  value: string,
  op: string,
  shape: readonly (number | string | null)[] | null,
): Diagnostic =>
  new Diagnostic(
    'TRAINING_SHAPE',
    'unsupported',
    `Training needs every size as a number; "${value}" (${op}) has ${shape ? `[${shape.join(', ')}]` : 'an unknown shape'}.`,
    'Fix the sizes of the inputs, for instance --dim sequence=128.',
  );

export const gradientMissing = (missing: readonly { op: string; node: string }[]): Diagnostic =>
  new Diagnostic(
    'GRADIENT_MISSING',
    'unsupported',
    `No gradient rule for ${list([...new Set(missing.map((m) => m.op))])}: the loss reaches trained weights through ${list(
      missing.map((m) => `${m.op} "${m.node}"`),
    )}.`,
    'Keep the weights before it fixed with --freeze, or report the operator.',
  );

/** The operator has a rule, but not for this form of it. */
export const gradientUnsupported = (op: string, node: string, form: string): Diagnostic =>
  new Diagnostic(
    'GRADIENT_UNSUPPORTED',
    'unsupported',
    `${op} "${node}" can't be differentiated: ${form}.`,
    'Keep the weights before it fixed with --freeze, or export the model without this form of the operator.',
  );

export const nothingToTrain = (model: string): Diagnostic =>
  new Diagnostic(
    'NOTHING_TO_TRAIN',
    'user',
    `No weight of ${model} would be trained: all are frozen, integers, or not connected to the loss.`,
    'Give --freeze a narrower pattern; a model with int8 weights must be trained before it is quantised.',
  );

const shape = (dims: readonly number[]) => `[${dims.join(', ')}]`;

export const lossTarget = (
  name: string,
  known: readonly string[],
  whose: 'student' | 'teacher',
): Diagnostic => {
  const close = nearest(name, known);
  return new Diagnostic(
    'LOSS_TARGET',
    'user',
    `The loss names "${name}", which the ${whose} does not have.`,
    close ? `Did you mean "${close}"?` : `It has ${list(known)}; compress inspect lists all values.`,
  );
};

export const hintShapes = (
  name: string,
  student: readonly number[],
  teacher: readonly number[],
): Diagnostic =>
  new Diagnostic(
    'HINT_SHAPES',
    'user',
    `A hint compares "${name}" ${shape(student)} with the teacher's ${shape(teacher)}; they may differ in width only.`,
    'Name two layers whose positions agree.',
  );

export const lossNotApplicable = (loss: string, reason: string): Diagnostic =>
  new Diagnostic('LOSS_NOT_APPLICABLE', 'user', `The loss of ${loss} can't be computed: ${reason}.`);

export const trainingDiverged = (
  step: number,
  loss: number | null,
  parameters: readonly string[],
  of: number,
): Diagnostic => {
  const where =
    parameters.length === 0
      ? 'The loss itself overflowed.'
      : parameters.length === of
        ? 'Every gradient is affected, so the forward pass overflowed.'
        : `Affected: the gradients of ${list(parameters)} (${parameters.length} of ${of}).`;
  return new Diagnostic(
    'TRAINING_DIVERGED',
    'user',
    `Step ${step} gave ${loss === null || Number.isFinite(loss) ? 'a gradient that is' : `a loss that is ${loss},`} not a finite number. ${where} The weights before it are kept.`,
    'Lower the learning rate to a third (--lr), clip the gradient (--clip-norm 1), or look for bad values in the data.',
  );
};

export const tooFewSamples = (count: number): Diagnostic =>
  new Diagnostic(
    'TOO_FEW_SAMPLES',
    'user',
    `Training needs at least one full batch; the data has ${count} samples.`,
    'Give more data, or a smaller --batch.',
  );

export const checkpointMismatch = (): Diagnostic =>
  new Diagnostic(
    'CHECKPOINT_MISMATCH',
    'user',
    'The checkpoint belongs to a run with other settings, data or weights.',
    'Run with the settings it was made with, or give another --checkpoint folder.',
  );

export const checkpointUnreadable = (file: string, reason: string, cause: unknown): Diagnostic =>
  new Diagnostic(
    'CHECKPOINT_UNREADABLE',
    'user',
    `${file} can't be resumed from: ${reason}`.replace(/\.?$/, '.'),
    'Delete it to start again, or pass --no-checkpoint.',
    cause,
  );

export const augmentationNeedsPictures = (input: string, reason: string): Diagnostic =>
  new Diagnostic(
    'AUGMENTATION_NEEDS_PICTURES',
    'user',
    `Augmentation changes pictures of 8-bit levels; input "${input}" ${reason}.`,
    'Leave out --augment, or give the data as a folder of images.',
  );

export const safetensorsInvalid = (reason: string, cause?: unknown): Diagnostic =>
  new Diagnostic(
    'SAFETENSORS_INVALID',
    'user',
    `This is not a sound safetensors file: ${reason}.`,
    undefined,
    cause,
  );

export const nothingToLearnFrom = (): Diagnostic =>
  new Diagnostic(
    'NOTHING_TO_LEARN_FROM',
    'user',
    'Training needs labels or a teacher; the data has no labels and no teacher was given.',
    'Add labels (class folders, or --labels), or distil: compress distill teacher.onnx --student model.onnx --data …',
  );

export const noneToTrainOn = (held: number): Diagnostic =>
  new Diagnostic(
    'NONE_TO_TRAIN_ON',
    'user',
    `None of the ${held} samples is left to train on: all of them, or copies of them, are kept to compare on.`,
    'Keep fewer (--evaluate), add samples, or give others to compare on (--test-data).',
  );

export const trainingNeedsData = (step: string): Diagnostic =>
  new Diagnostic(
    'TRAINING_NEEDS_DATA',
    'user',
    `${step === 'finetune' ? 'Fine-tuning' : 'Distillation'} needs data to train on; none was given.`,
    step === 'finetune'
      ? 'Pass --data <folder or .npz> with labels.'
      : 'Pass --data <folder or .npz>; labels are not needed.',
  );

export const studentInputs = (
  student: string,
  foreign: readonly string[],
  known: readonly string[],
): Diagnostic =>
  new Diagnostic(
    'STUDENT_INPUTS',
    'user',
    `${student} takes ${list(foreign)}, which the teacher (${list(known)}) does not; both see the same data.`,
    "Give the student the teacher's input names.",
  );

export const studentMissing = (): Diagnostic =>
  new Diagnostic(
    'STUDENT_MISSING',
    'user',
    'Distillation needs a student: a smaller model, or how to make one of the teacher.',
    'Pass --student <model>, --width 0.5 or --layers <n>.',
  );

export const budgetNotMeasured = (most: number): Diagnostic =>
  new Diagnostic(
    'BUDGET_NOT_MEASURED',
    'gate',
    `--max-drop ${most} bounds accuracy or how alike the original's the answers are, and no share of either could be told. Nothing was written.`,
    'Leave --max-drop out, and judge by the SQNR in the report.',
  );

/** Of what is no share. */
export const metricBudget = (
  metric: string,
  before: number,
  after: number,
  { lost, most }: { readonly lost: number; readonly most: number },
): Diagnostic =>
  new Diagnostic(
    'ACCURACY_BUDGET',
    'gate',
    `The result's ${metric} is worse by ${lost.toFixed(2)} % (${before.toPrecision(4)} → ${after.toPrecision(4)}); --max-drop allows ${most}. Nothing was written.`,
    'Compress less (--int8 weights, --q4 with calibration by --data), train longer (--epochs), or allow more.',
  );

export const accuracyBudget = (metric: string, before: number, after: number, most: number): Diagnostic =>
  new Diagnostic(
    'ACCURACY_BUDGET',
    'gate',
    `The result loses ${(100 * Math.abs(before - after)).toFixed(2)} points of ${metric} (${(100 * before).toFixed(2)} → ${(100 * after).toFixed(2)} %); --max-drop allows ${most}. Nothing was written.`,
    'Remove less (--prune, --macs), train longer (--epochs), or allow more.',
  );
