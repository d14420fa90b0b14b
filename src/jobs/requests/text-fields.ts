/** Fields about models that read and write text. */
import { z } from 'zod';
import { field, positive, wholeNumber } from '../../support/field.ts';
import { modelField } from './model-field.ts';

const text = field.bind(null, 'Text');

export const textFields = {
  tokenizer: z
    .string()
    .optional()
    .meta(
      text('--tokenizer <file>', 'tokenizer.json, a vocabulary (.json or .txt) or tokenizer.bin', {
        fallback: 'the one beside the model',
        isPath: true,
      }),
    ),
  ids: z
    .boolean()
    .default(false)
    .meta(text('--ids', 'texts are token ids with spaces between', { conflicts: ['tokenizer'] })),
  encoder: modelField.meta(
    text('--encoder <file>', 'encoder_model.onnx that belongs to a decoder', { isPath: true }),
  ),
  startToken: wholeNumber.optional().meta(
    text('--start-token <id>', 'what a decoder with an encoder begins with', {
      fallback: 'by config.json, else the pad token',
    }),
  ),
  window: positive
    .optional()
    .meta(text('--window <n>', 'tokens that the model sees at once', { fallback: 'all it can' })),
  maxTokens: positive.default(128).meta(text('--max-tokens <n>', 'tokens to write, at most')),
  stop: z
    .array(z.string())
    .optional()
    .meta(text('--stop <text>', 'ends the text, beside its end token; one token; repeatable')),
};
