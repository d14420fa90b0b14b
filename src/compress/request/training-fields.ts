/** Fields about training, in the request to compress: what is trained for, then the settings of the run. */
import { z } from 'zod';
import { trainingFields } from '../../compute/train/settings.ts';
import { field, nonNegative, positive, share } from '../../support/field.ts';

const training = field.bind(null, 'Training');

/** A field with what depends on what is trained, or with which it is of use. */
const withMeta = <S extends z.ZodType>(schema: S, more: Readonly<Record<string, unknown>>): S =>
  schema.meta({ ...schema.meta(), ...more }) as S;

const { epochs, learningRate, batch, optimizer, augment, labelWeight, seed: _, ...others } = trainingFields;

/** The same field with another default. */
export const withDefault = <S extends z.ZodType>(schema: z.ZodDefault<S>, value: z.output<S>) =>
  schema
    .unwrap()
    .default(value as never)
    .meta(schema.meta() ?? {});

export const stepFields = {
  distill: z.boolean().optional().meta(training('--distill', 'train towards the original, after pruning')),
  labelWeight: withMeta(labelWeight, { fallback: '0.1', needs: 'training' }),
  finetune: z
    .boolean()
    .optional()
    .meta(training('--finetune', 'train on the labels', { conflicts: ['distill'] })),
  qat: z
    .boolean()
    .optional()
    .meta(
      training('--qat', 'train the int8 model towards the float one, after calibration', { needs: 'static' }),
    ),
  epochs: withMeta(epochs, { fallback: '10, with --qat 5 or more', needs: 'training' }),
  learningRate: withMeta(learningRate, { fallback: '1e-3, with --qat 5e-4', needs: 'training' }),
  batch: withMeta(batch, { fallback: '64, with --qat 32', needs: 'training' }),
  augment: withMeta(augment, { needs: 'training' }),
  optimizer: withMeta(optimizer, { fallback: 'adamw, with --qat adam', needs: 'training' }),
  ...(Object.fromEntries(
    Object.entries(others).map(([key, schema]) => [key, withMeta(schema, { needs: 'training' })]),
  ) as typeof others),
};

export const maxDropField = nonNegative
  .optional()
  .meta(
    field(
      'Budget',
      '--max-drop <points>',
      'refuse a result that loses more accuracy, in percentage points; with --rounds, stop pruning there',
      { needs: ['data', 'comparison'] },
    ),
  );

export const runFields = {
  gpu: z
    .boolean()
    .default(false)
    .meta(
      training('--gpu', 'by WebGPU, where this machine has an adapter', {
        isHidden: true,
        needs: 'training',
      }),
    ),
  checkpoint: z
    .union([z.string(), z.boolean()])
    .optional()
    .meta(
      training('--checkpoint <folder>', 'where a run that was cut off goes on', {
        fallback: 'beside the output',
        off: 'keep none',
        isHidden: true,
        isPath: true,
        needs: 'training',
      }),
    ),
};

const student = (flags: string, description: string) => training(flags, description);

export const studentFields = {
  student: z
    .string()
    .optional()
    .meta({
      ...student('--student <model>', 'a model with the same inputs and outputs'),
      ...{ conflicts: ['width', 'layers'], isPath: true },
    }),
  width: share.optional().meta(student('--width <share>', 'a student of this share of every width, as 0.5')),
  layers: positive.optional().meta(student('--layers <n>', 'a student with n of the repeated blocks')),
};
