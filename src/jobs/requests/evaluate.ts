/** What can be asked of `evaluate`. */
import { z } from 'zod';
import { taskField } from '../../compress/request/data-fields.ts';
import { field, positive } from '../../support/field.ts';
import { modelField } from './model-field.ts';
import { sampleFields } from './sample-fields.ts';
import { textFields } from './text-fields.ts';

const text = field.bind(null, 'Text');

export const evaluateRequest = z.strictObject({
  ...sampleFields,
  metric: z
    .array(z.string().min(1, 'An item is empty.'))
    .optional()
    .meta(
      field(
        'Data',
        '--metric <names>',
        'accuracy, top5, f1 (labelled samples); map (boxes); miou (masks); mse, mae, r2 (target numbers); perplexity (a text); bleu, exact-match (lines of source, tab, target); with commas between',
        { fallback: 'what labels and --task ask for, else accuracy', isList: true },
      ),
    ),
  task: taskField,
  baseline: modelField.meta(
    field('Data', '--baseline <model>', 'the original, to see both', { isPath: true }),
  ),
  ...textFields,
  baselineEncoder: modelField.meta(
    text('--baseline-encoder <file>', "the baseline's", { fallback: 'the same', isPath: true }),
  ),
  stride: positive
    .optional()
    .meta(
      text('--stride <n>', "tokens from the start of a window to the next's", { fallback: 'the window' }),
    ),
  bleuTokenizer: z
    .enum(['13a', 'none', 'char', 'intl'])
    .default('13a')
    .meta(text('--bleu-tokenizer <name>', "sacreBLEU's: 13a, none, char or intl")),
});
export type EvaluateRequest = z.output<typeof evaluateRequest>;
export type EvaluateRequestInit = z.input<typeof evaluateRequest>;
