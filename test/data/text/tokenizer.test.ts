import { describe, expect, it } from 'vitest';
import { readTokenizer } from '../../../src/data/text/tokenizer.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const open = (name: string, content: unknown, config?: unknown) =>
  readTokenizer({
    name,
    bytes: bytes(typeof content === 'string' ? content : JSON.stringify(content)),
    config,
  });
const invalid = expect.objectContaining({ code: 'TOKENIZER_INVALID' });

describe('a tokenizer.json', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
  const pieces = ['Ġ', 'Ċ', '.', '!', 'Ã', '©', 'th', 'the', 'Ġthe', 'Ġc', 'at', 'Ġcat', 'Ġs'];
  const tokens = ['<pad>', '</s>', '<s>', ...letters, ...pieces];
  const special = (id: number) => ({
    id,
    content: tokens[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(0), special(1), special(2)],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '<s>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '</s>', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] },
        '<s>': { id: '<s>', ids: [2], tokens: ['<s>'] },
      },
    },
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(tokens.map((t, i) => [t, i])),
      merges: ['t h', 'th e', 'Ġ the', 'Ġ c', 'a t', 'Ġc at', 'Ġ s'].map((m) => m.split(' ')),
    },
  };

  // Expected ids: Hugging Face tokenizers 0.23.3 for Python, on the same file.
  it.each([
    ['the cat sat.', [2, 36, 40, 41, 39, 31, 1]],
    ['café the\nthe!', [2, 5, 3, 8, 33, 34, 37, 30, 36, 32, 1]],
  ])('encodes %j as Rust does, and back', async (text, ids) => {
    const tokenizer = await open('tokenizer.json', json);
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it('names the tokens that end a text and fill it up, by its configuration or by their usual names', async () => {
    const plain = await open('tokenizer.json', json);
    expect([plain.stopTokens, plain.padToken]).toEqual([[1], 0]);
    const config = { eos_token: { content: '<s>' }, pad_token: '</s>' };
    const told = await open('tokenizer.json', json, config);
    expect([told.stopTokens, told.padToken]).toEqual([[2], 1]);
  });

  it('has the unknown token for words that it lacks, or names the word where there is none', async () => {
    const words = (unk: object) => ({
      version: '1.0',
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab: { '[UNK]': 0, good: 1, bad: 2 }, ...unk },
    });
    expect((await open('tokenizer.json', words({ unk_token: '[UNK]' }))).encode('good strange')).toEqual([
      1, 0,
    ]);
    const strict = await open('tokenizer.json', words({}));
    expect(strict.encode('bad good')).toEqual([2, 1]);
    expect(() => strict.encode('good strange')).toThrow(
      expect.objectContaining({ code: 'TOKEN_UNKNOWN', message: expect.stringContaining('strange') }),
    );
  });

  it('is refused when it can not be read', async () => {
    await expect(open('tokenizer.json', '{"model":')).rejects.toThrow(invalid);
    await expect(open('tokenizer.json', { model: { type: 'New' } })).rejects.toThrow(invalid);
  });
});

describe('a vocabulary', () => {
  it('spells characters, and says which one it has not', async () => {
    const tokenizer = await open('vocab.json', { a: 0, b: 1, ' ': 2, é: 3 });
    expect(tokenizer.encode('ab é')).toEqual([0, 1, 2, 3]);
    expect(tokenizer.decode([3, 2, 1])).toBe('é b');
    expect(() => tokenizer.encode('ab🦊')).toThrow(
      expect.objectContaining({ code: 'TOKEN_UNKNOWN', message: expect.stringContaining('🦊') }),
    );
  });

  it('takes the longest piece that fits, from a list or from lines', async () => {
    const pieces = ['<pad>', '</s>', 'may', 'ma', 'm', 'a', 'y', ' '];
    for (const content of [pieces, pieces.join('\n'), `${pieces.join('\r\n')}\r\n`]) {
      const tokenizer = await open(Array.isArray(content) ? 'vocab.json' : 'vocab.txt', content);
      expect(tokenizer.encode('may mam')).toEqual([2, 7, 3, 4]);
      expect(tokenizer.decode([0, 2, 7, 3, 4, 1])).toBe('may mam');
      expect([tokenizer.stopTokens, tokenizer.padToken]).toEqual([[1], 0]);
    }
  });

  it.each([
    ['numbers that are no ids', { a: -1 }],
    ['nothing', {}],
    ['pieces of bytes without their merges', { Ġ: 0, a: 1 }],
    ['something else', [1, 2]],
  ])('is refused with %s', async (_, content) => {
    await expect(open('vocab.json', content)).rejects.toThrow(invalid);
  });
});

describe("llama2.c's tokenizer.bin", () => {
  const pieces: [string, number][] = [
    ['<unk>', 0],
    ['\n<s>\n', 0],
    ['\n</s>\n', 0],
    ...Array.from(
      { length: 256 },
      (_, b) => [`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, 0] as [string, number],
    ),
    [' t', -1],
    ['he', -2],
    [' the', -3],
    [' ', -9],
    ['t', -10],
    ['h', -11],
    ['e', -12],
  ];
  function file(): Uint8Array {
    const parts = pieces.map(([piece, score]) => {
      const content = bytes(piece);
      const head = new DataView(new ArrayBuffer(8));
      head.setFloat32(0, score, true);
      head.setInt32(4, content.length, true);
      return [...new Uint8Array(head.buffer), ...content];
    });
    return Uint8Array.from([8, 0, 0, 0, ...parts.flat()]);
  }

  it('joins neighbours by the best score, spells what it lacks in bytes, and reads it back', async () => {
    const tokenizer = await readTokenizer({ name: 'tok.bin', bytes: file() });
    // By hand: "␣t" joins first (−1), then "he" (−2), then both (−3); é is the bytes C3 A9, ids 3 on.
    expect(tokenizer.encode('the het é')).toEqual([1, 261, 262, 260, 263, 262, 3 + 0xc3, 3 + 0xa9]);
    expect(tokenizer.decode(tokenizer.encode('the het é'))).toBe('the het é');
    expect(tokenizer.encode('')).toEqual([1]);
    // A space more stays one of its own; ␣t begins at the last.
    expect(tokenizer.encode('t  t')).toEqual([1, 259, 262, 259]);
    expect(tokenizer.stopTokens).toEqual([1, 2]);
  });

  it('is refused when it ends early', async () => {
    const cut = { name: 'tok.bin', bytes: file().slice(0, -3) };
    await expect(readTokenizer(cut)).rejects.toThrow(invalid);
    await expect(readTokenizer({ name: 'tok.bin', bytes: Uint8Array.of(1, 2) })).rejects.toThrow(invalid);
  });
});
