/** Texts as samples of models of each kind; ids and masks as transformers makes them, by hand. */
import { describe, expect, it } from 'vitest';
import { textModelOf } from '../../../src/data/text/text-model.ts';
import { createTextSource, type TextSourceOptions } from '../../../src/data/text/text-source.ts';
import { readTokenizer } from '../../../src/data/text/tokenizer.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { portsOf } from '../../../src/model/ir/port.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';

const words = ['[PAD]', '[CLS]', '[SEP]', '[MASK]', '[UNK]', 'a', 'b', 'c', 'd', 'e'];
const special = (content: string) => ({
  ...{ id: words.indexOf(content), content, special: true },
  ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
});

/** A tokenizer.json as BERT has it. */
const bert = await readTokenizer({
  name: 'tokenizer.json',
  bytes: new TextEncoder().encode(
    JSON.stringify({
      ...{ version: '1.0', truncation: null, padding: null, normalizer: null, decoder: null },
      added_tokens: ['[PAD]', '[CLS]', '[SEP]', '[MASK]', '[UNK]'].map(special),
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] },
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries(words.map((w, i) => [w, i])),
        unk_token: '[UNK]',
      },
    }),
  ),
  config: { pad_token: '[PAD]', mask_token: '[MASK]' },
});

const characters = await readTokenizer({
  name: 'vocabulary.json',
  bytes: new TextEncoder().encode(JSON.stringify(['<pad>', ...'abcdefgh '])),
});

const modelOf = (text: string) => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>\n${text}`);
  return textModelOf(portsOf(model), model)!;
};

const bertModel = (tokens = '"s"') =>
  modelOf(`g (int64["b",${tokens}] input_ids, int64["b",${tokens}] attention_mask, int64["b",${tokens}] token_type_ids)
  => (float["b","s",2] last_hidden_state)
<float[10,2] table = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}>
{ last_hidden_state = Gather (table, input_ids) }`);

const rows = (inputs: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, numbers(t)]));

const source = (options: Partial<TextSourceOptions> & Pick<TextSourceOptions, 'texts' | 'model'>) =>
  createTextSource({ name: 'texts', tokenizer: bert, ...options });

describe('models that read whole texts', () => {
  it('get each text in its own length', async () => {
    const texts = await source({ texts: ['a b', 'c'], model: bertModel() });
    expect(texts).toMatchObject({ kind: 'text', length: 2, labelled: false, name: 'texts (2 texts)' });
    expect(rows((await texts.read(0)).inputs)).toEqual({
      input_ids: [1, 5, 6, 2],
      attention_mask: [1, 1, 1, 1],
      token_type_ids: [0, 0, 0, 0],
    });
    expect((await texts.read(1)).inputs['input_ids']!.dims).toEqual([1, 3]);
  });

  it('get padding and a mask where the graph has a fixed length', async () => {
    const texts = await source({ texts: ['a b'], model: bertModel('6') });
    expect(rows((await texts.read(0)).inputs)).toEqual({
      input_ids: [1, 5, 6, 2, 0, 0],
      attention_mask: [1, 1, 1, 1, 0, 0],
      token_type_ids: [0, 0, 0, 0, 0, 0],
    });
    expect(texts.guessed).toContain('padded to 6 tokens');
  });

  it('lose the end of what is too long, not the token that closes it', async () => {
    const texts = await source({ texts: ['a b c d e'], model: bertModel(), window: 4 });
    expect(rows((await texts.read(0)).inputs)['input_ids']).toEqual([1, 5, 6, 2]);
  });

  it('get pairs joined, the longer half cut first', async () => {
    const pair = { id: 'p', text: 'a b c d', second: 'e' };
    const whole = await source({ texts: [pair], model: bertModel() });
    expect(rows((await whole.read(0)).inputs)).toMatchObject({
      input_ids: [1, 5, 6, 7, 8, 2, 9, 2],
      token_type_ids: [0, 0, 0, 0, 0, 0, 1, 1],
    });
    const cut = await source({ texts: [pair], model: bertModel(), window: 6 });
    expect(rows((await cut.read(0)).inputs)).toMatchObject({
      input_ids: [1, 5, 6, 2, 9, 2],
      token_type_ids: [0, 0, 0, 0, 1, 1],
    });
  });

  it('are told when the tokeniser is another model’s', async () => {
    const tokenizer = { ...bert, encode: () => [10] };
    await expect(source({ texts: ['a'], model: bertModel(), tokenizer })).rejects.toMatchObject({
      code: 'TOKENS_UNKNOWN',
    });
  });

  it('take no more tokens than they see', async () => {
    await expect(source({ texts: ['a'], model: bertModel('6'), window: 7 })).rejects.toMatchObject({
      code: 'WINDOW_TOO_LONG',
    });
  });

  it('are served by nothing where an input is not about text', async () => {
    const model = modelOf(
      `g (int64["b","s"] input_ids, float["b",3] pixels) => (float["b",3] y) { y = Identity (pixels) }`,
    );
    await expect(source({ texts: ['a'], model })).rejects.toMatchObject({
      code: 'INPUT_NOT_TEXT',
      message: expect.stringContaining('"pixels" float32 [b,3]'),
    });
  });
});

describe('models that write on', () => {
  const gpt = openModel('fixtures/models/sentences-gpt2.onnx').model;
  const model = textModelOf(portsOf(gpt), gpt)!;
  const text = 'abcdefgh'.repeat(5);

  it('get windows of tokens, with no past', async () => {
    const windows = await source({ texts: [text], prose: text, model, tokenizer: characters, window: 16 });
    expect(windows.name).toBe('texts (3 windows)');
    const { inputs } = await windows.read(1);
    expect(numbers(inputs['input_ids']!).slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(inputs['past_key_values.0.key']!.dims).toEqual([1, 4, 0, 12]);
    expect((await windows.read(2)).inputs['input_ids']!.dims).toEqual([1, 8]);
  });

  it('get no longer windows than their table of positions has', async () => {
    const long = text.repeat(4);
    const windows = await source({ texts: [long], prose: long, model, tokenizer: characters });
    expect((await windows.read(0)).inputs['input_ids']!.dims).toEqual([1, 64]);
    expect(windows.guessed).toContain('windows of 64 tokens');
  });

  it('get masks, positions and the branch without cache where transformers.js exports have them', async () => {
    const merged =
      modelOf(`g (int64["b","s"] input_ids, int64["b","t"] attention_mask, int64["b","s"] position_ids,
  float["b",2,"p",4] "past_key_values.0.key", float["b",2,"p",4] "past_key_values.0.value", bool[1] use_cache_branch)
=> (float["b","s",2] logits, float["b",2,"t",4] "present.0.key", float["b",2,"t",4] "present.0.value")
<float[4,2] table = {0,0,0,0,0,0,0,0}>
{ logits = Gather (table, input_ids)
 "present.0.key" = Identity ("past_key_values.0.key")
 "present.0.value" = Identity ("past_key_values.0.value") }`);
    const windows = await source({ texts: ['abc'], model: merged, tokenizer: characters });
    expect(rows((await windows.read(0)).inputs)).toMatchObject({
      input_ids: [1, 2, 3],
      attention_mask: [1, 1, 1],
      position_ids: [0, 1, 2],
      use_cache_branch: [0],
      'past_key_values.0.key': [],
    });
  });
});

describe('encoder and decoder in one graph', () => {
  it('get a source, and what was to be written behind the start token', async () => {
    const model =
      modelOf(`g (int64["b","s"] input_ids, int64["b","s"] attention_mask, int64["b","t"] decoder_input_ids)
=> (float["b","t",2] logits)
<float[2,2] table = {0,0,0,0}>
{ logits = Gather (table, decoder_input_ids) }`);
    const pairs = await source({
      ...{ texts: [{ id: 'p', text: 'ab', second: 'cd' }], model, tokenizer: characters },
      startToken: 0,
    });
    expect(pairs.name).toBe('texts (1 pairs)');
    expect(pairs.isRunningText).toBe(true);
    expect(rows((await pairs.read(0)).inputs)).toEqual({
      input_ids: [1, 2],
      attention_mask: [1, 1],
      decoder_input_ids: [0, 3, 4],
    });
  });
});

describe('a source of texts', () => {
  it('has a hash and fingerprints by content', async () => {
    const of = (texts: string[], window?: number) => source({ texts, model: bertModel(), window });
    const [a, b, c] = [await of(['a', 'b']), await of(['a', 'b']), await of(['a', 'c'])];
    expect(await a.hash()).toBe(await b.hash());
    expect(await a.hash()).not.toBe(await c.hash());
    expect(await a.hash()).not.toBe(await (await of(['a', 'b'], 3)).hash());
    expect(await a.fingerprint!(0)).toBe(await c.fingerprint!(0));
    expect(await a.fingerprint!(1)).not.toBe(await c.fingerprint!(1));
  });
});
