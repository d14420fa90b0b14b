import { expect, it } from 'vitest';
import { generatesText } from '../../../src/data/text/text-model.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';

it.each([
  ['sentences-gpt2', true],
  ['dates-t5-decoder', true],
  ['dates-t5-encoder', false],
  // Tokens into classes, of text and of each token.
  ['sentiment-encoder', false],
  ['brackets-lstm', false],
  ['digits-cnn', false],
])('%s: %s', (name, expected) => {
  expect(generatesText(openModel(`fixtures/models/${name}.onnx`).model)).toBe(expected);
});
