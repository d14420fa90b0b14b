/** What can be asked of `compress`: one schema for the command line, the configuration file and the call. Defaults, choices
 *  and descriptions stand here and nowhere else; what follows from them is planned in plan.ts. */
import { z } from 'zod';
import { trainingSettingsSchema } from '../compute/train/settings.ts';
import { field } from '../support/field.ts';
import { autoFields } from './request/auto-fields.ts';
import { dataFields, dataNeeded, heldOutFields, targetField, taskField } from './request/data-fields.ts';
import { inputFields, outputFields } from './request/output-fields.ts';
import { precisionFields } from './request/precision-fields.ts';
import { pruningFields } from './request/pruning-fields.ts';
import {
  maxDropField,
  runFields,
  stepFields,
  studentFields,
  withDefault,
} from './request/training-fields.ts';

const { seed, ...data } = dataFields;

export const compressRequest = z.strictObject({
  ...precisionFields,
  ...pruningFields,
  ...stepFields,
  ...runFields,
  maxDrop: maxDropField,
  ...autoFields,
  ...data,
  ...heldOutFields,
  seed,
  target: targetField,
  task: taskField,
  ...inputFields,
  ...outputFields,
});

/** Complete: every default filled in. */
export type CompressRequest = z.output<typeof compressRequest>;
/** As given: every field may be left out. */
export type CompressRequestInit = z.input<typeof compressRequest>;

const {
  seed: drawn,
  temperature,
  labelWeight,
  hint,
  attention,
  hintWeight,
  ...settings
} = trainingSettingsSchema.shape;
const { calibrate: _, ...held } = heldOutFields;
const { compare: __, cache: ___, output, ...written } = outputFields;

/** What training by itself takes besides the settings of the run. */
const trained = {
  ...runFields,
  ...data,
  data: dataNeeded,
  ...held,
  seed: drawn,
  int8: z
    .boolean()
    .default(false)
    .meta(field('Precision', '--int8', 'quantise the result')),
  maxDrop: maxDropField.meta({
    ...maxDropField.meta(),
    description: 'refuse a result that loses more accuracy, in percentage points',
  }),
  target: targetField,
  task: taskField,
  ...inputFields,
  output: output.meta({ ...output.meta(), fallback: 'beside the model' }),
  ...written,
};

/** `compress distill`: a smaller student learns to answer as the given model. */
export const distillRequest = z.strictObject({
  ...studentFields,
  ...{ temperature, labelWeight, hint, attention, hintWeight },
  ...settings,
  epochs: withDefault(settings.epochs, 20),
  ...trained,
});
export type DistillRequest = z.output<typeof distillRequest>;
export type DistillRequestInit = z.input<typeof distillRequest>;

/** `compress finetune`: the model is trained on labels. */
export const finetuneRequest = z.strictObject({
  ...settings,
  epochs: withDefault(settings.epochs, 5),
  learningRate: withDefault(settings.learningRate, 1e-4),
  ...trained,
});
export type FinetuneRequest = z.output<typeof finetuneRequest>;
export type FinetuneRequestInit = z.input<typeof finetuneRequest>;
