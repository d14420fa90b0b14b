/** The settings of a training run: what can be given, in what words, with what defaults. */
import { z } from 'zod';
import { field, innerOf, nonNegative, orText, positive, wholeNumber } from '../../support/field.ts';
import { augmentationSchema, readAugmentation } from './augment.ts';

const training = field.bind(null, 'Training');

const advanced = (flags: string, description: string) => training(flags, description, { isHidden: true });

const upToOne = nonNegative.max(1, 'A number from 0 to 1 was expected.');

const namePair = orText(
  z.strictObject({ student: z.string(), teacher: z.string() }),
  readNamePair,
  'Two names were expected, as student=teacher.',
);

export const trainingSettingsSchema = z.strictObject({
  epochs: positive.max(10_000).default(10).meta(training('--epochs <n>', 'passes over the data')),
  learningRate: nonNegative
    .gt(0, 'A number above 0 was expected.')
    .default(1e-3)
    .meta(training('--lr <rate>', 'learning rate')),
  batch: positive.default(64).meta(training('--batch <n>', 'samples in a batch')),
  augment: orText(
    augmentationSchema,
    readAugmentation,
    'Expected flip, crop=4, colour=0.2 and mixup=0.2, with commas.',
  )
    .prefault({})
    .meta(training('--augment <list>', 'of flip, crop=4, colour=0.2, mixup=0.2, with commas')),
  optimizer: z
    .enum(['adamw', 'adam', 'sgd'])
    .default('adamw')
    .meta(training('--optimizer <name>', 'adamw, adam or sgd')),
  /** Of SGD, with Nesterov's look-ahead. */
  momentum: upToOne.default(0.9).meta(advanced('--momentum <share>', 'of sgd')),
  weightDecay: nonNegative.default(1e-4).meta(advanced('--weight-decay <rate>', 'L2, weights only')),
  l1: nonNegative.default(0).meta(advanced('--l1 <rate>', 'L1, weights only')),
  schedule: z
    .enum(['cosine', 'linear', 'step', 'constant'])
    .default('cosine')
    .meta(advanced('--schedule <name>', 'of the learning rate')),
  warmup: upToOne.default(0.05).meta(advanced('--warmup <share>', 'of the run, with a rising rate')),
  clipNorm: nonNegative
    .default(0)
    .meta(advanced('--clip-norm <norm>', 'largest norm of the gradient; 0: any')),
  accumulate: positive.default(1).meta(advanced('--accumulate <n>', 'batches to an update')),
  ema: upToOne.default(0).meta(advanced('--ema <decay>', 'average the weights over time, as 0.999')),
  patience: wholeNumber
    .default(0)
    .meta(advanced('--patience <n>', 'epochs without gain before it stops; 0: all')),
  smoothing: upToOne.default(0).meta(advanced('--smoothing <share>', 'label smoothing')),
  freeze: z
    .array(z.string())
    .default([])
    .meta(advanced('--freeze <pattern>', 'weights that stay, by name with *; repeatable')),
  statistics: z
    .enum(['batch', 'running'])
    .default('batch')
    .meta(advanced('--statistics <of>', 'BatchNormalization by the batch, or the running ones')),
  recompute: wholeNumber
    .max(64)
    .default(0)
    .meta(advanced('--recompute <n>', 'less memory: keep the borders of n segments, compute the rest again')),
  temperature: nonNegative
    .gt(0, 'A number above 0 was expected.')
    .default(4)
    .meta(advanced('--temperature <T>', 'softens both sets of scores')),
  labelWeight: upToOne
    .default(0.1)
    .meta(training('--label-weight <share>', 'of the labels in the loss, where there are some')),
  hint: z
    .array(namePair)
    .default([])
    .meta(advanced('--hint <student=teacher>', 'values inside that should be alike; repeatable')),
  attention: z
    .array(namePair)
    .default([])
    .meta(advanced('--attention <student=teacher>', 'the same for attention maps; repeatable')),
  hintWeight: nonNegative
    .default(1)
    .meta(advanced('--hint-weight <factor>', 'of --hint and --attention in the loss')),
  seed: z
    .int('A whole number was expected.')
    .default(0)
    .meta(field('Data', '--seed <n>', 'seed of every draw')),
});

export type TrainingSettings = z.infer<typeof trainingSettingsSchema>;
export type TrainingSettingsInit = z.input<typeof trainingSettingsSchema>;

/** Where nothing is given. */
export const usualTraining: TrainingSettings = trainingSettingsSchema.parse({});

type Shape = typeof trainingSettingsSchema.shape;
type Optional = {
  [K in keyof Shape]: z.ZodOptional<z.ZodType<z.output<Shape[K]>, z.input<Shape[K]>>>;
};

/** The same fields without their defaults, for requests in which those follow from what is trained. */
export const trainingFields = Object.fromEntries(
  Object.entries(trainingSettingsSchema.shape).map(([key, schema]) => [
    key,
    innerOf(schema)
      .optional()
      .meta(schema.meta() ?? {}),
  ]),
) as unknown as Optional;

/** Those of a request's fields that are settings of a training run. */
export const trainingSettingsIn = (request: Readonly<Record<string, unknown>>): TrainingSettingsInit =>
  Object.fromEntries(
    Object.keys(trainingFields).flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])),
  );

/** "student value=teacher value" */
function readNamePair(text: string) {
  const [student, teacher, more] = text.split('=');
  return student && teacher && more === undefined ? { student, teacher } : undefined;
}
