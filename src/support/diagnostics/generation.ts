/** What generating text, tokenisers and metrics of text refuse. */
import { nearest, unsupported, user } from '../diagnostics.ts';

const list = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : 'none');

/** @param missing  what a decoder needs and this graph has not, in words */
export const notADecoder = (inputs: readonly string[], outputs: readonly string[], missing: string) =>
  unsupported(
    'NOT_A_DECODER',
    `Generating needs ${missing}; this model takes ${list(inputs)} and gives ${list(outputs)}.`,
    'A decoder takes token ids (int64 [batch, tokens], as input_ids) and gives logits [batch, tokens, vocabulary].',
  );

export const decoderInputUnknown = (inputs: readonly string[]) =>
  unsupported(
    'DECODER_INPUT_UNKNOWN',
    `It is not known what to feed to ${list(inputs)} while generating.`,
    'A state needs an output of the same type and shape, named after it (h0 → h0_out, past_key_values.0.key → present.0.key).',
  );

export const encoderRequired = (input: string) =>
  user(
    'ENCODER_REQUIRED',
    `This decoder reads what an encoder wrote ("${input}"), and no encoder was given.`,
    'Pass the other half: --encoder encoder_model.onnx.',
  );

export const encoderUnused = (inputs: readonly string[]) =>
  user(
    'ENCODER_UNUSED',
    `An encoder was given, but the decoder has no input for what it writes (its inputs: ${list(inputs)}).`,
    'Leave --encoder out, or pass the decoder that belongs to it.',
  );

export const notAnEncoder = (inputs: readonly string[], outputs: readonly string[], expected: string) =>
  user(
    'NOT_AN_ENCODER',
    `The encoder should take token ids and give ${expected}; it takes ${list(inputs)} and gives ${list(outputs)}.`,
    'Pass encoder_model.onnx of the same export.',
  );

export const promptEmpty = () =>
  user(
    'PROMPT_EMPTY',
    'A decoder needs at least one token to start from; the prompt has none.',
    'Pass a --prompt; with --ids the id of the token that begins a text.',
  );

export const generationOption = (option: string, expected: string, received: number) =>
  user('GENERATION_OPTION', `${option} should be ${expected}; ${received} was given.`, 'Change it.');

export const logitsNotNumbers = () =>
  user(
    'LOGITS_NOT_NUMBERS',
    'The model gave NaN for every token of the vocabulary.',
    'Its weights or a quantised layer are broken: compress inspect shows constants with NaN.',
  );

export const tokenizerRequired = (what: string) =>
  user(
    'TOKENIZER_REQUIRED',
    `${what} needs a tokeniser to turn text into token ids, and none was given.`,
    'Put the tokenizer.json of the model beside it (it lies in the repository that the model is from), or pass it with --tokenizer.',
  );

export const tokenizerInvalid = (where: string, what: string, cause?: unknown) =>
  user(
    'TOKENIZER_INVALID',
    `${where} is not a tokeniser that can be read: ${what}.`,
    'Pass the tokenizer.json of the model, or a vocabulary: JSON { "token": id } or one token a line.',
    cause,
  );

export const tokenUnknown = (text: string, where: string) =>
  user(
    'TOKEN_UNKNOWN',
    `The vocabulary of ${where} has no token for ${JSON.stringify(text)}.`,
    'Leave that text out, or pass the tokeniser that the model was trained with.',
  );

export const idsInvalid = (text: string) =>
  user(
    'IDS_INVALID',
    `Token ids are whole numbers from 0 up, separated by spaces or commas; found ${JSON.stringify(text)}.`,
    'Leave --ids out to pass text.',
  );

export const metricUnknown = (name: string, known: readonly string[]) => {
  const meant = nearest(name, known);
  return user(
    'METRIC_UNKNOWN',
    `There is no metric ${JSON.stringify(name)}; the metrics are ${known.join(', ')}.`,
    meant ? `Did you mean ${meant}?` : 'compress evaluate --help says what each needs.',
  );
};

export const metricsMixed = (metrics: readonly string[]) =>
  user(
    'METRICS_MIXED',
    `${metrics.join(' and ')} read different kinds of data and can't be measured in one run.`,
    'Run compress evaluate once for each.',
  );

export const textData = (path: string, expected: string, found: string) =>
  user('TEXT_DATA', `${path} should hold ${expected}; found ${found}.`, 'Check the file given to --data.');

export const tooFewTokens = (tokens: number) =>
  user(
    'TOO_FEW_TOKENS',
    `Predicting the next token needs at least two tokens; the data has ${tokens}.`,
    'Pass a longer text.',
  );

export const allPositionsNeeded = (kind: string) =>
  unsupported(
    'ALL_POSITIONS_NEEDED',
    `Perplexity needs scores after every token of a text; this model (${kind}) gives fewer.`,
    kind === 'encoder-decoder'
      ? 'Measure an encoder–decoder by --metric bleu or exact-match.'
      : 'Export the model with the logits of all positions.',
  );

export const bleuCounts = (hypotheses: number, references: number) =>
  user(
    'BLEU_COUNTS',
    `BLEU needs a reference for every hypothesis; ${hypotheses} hypotheses and ${references} references were given.`,
    'Give as many references as hypotheses, in the same order.',
  );

export const windowInvalid = (what: string) =>
  user('WINDOW_INVALID', what, 'The stride is a number from 1 up to the window.');
