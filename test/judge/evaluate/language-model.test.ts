import { describe, expect, it } from 'vitest';
import type { TokenRows } from '../../../src/data/text/feeds.ts';
import { textPerplexity } from '../../../src/judge/evaluate/language-model.ts';
import type { Decoder } from '../../../src/judge/generate/decoder.ts';

const vocabulary = 4;

/** Gives every next token the chances 1/2, 1/4, 1/8, 1/8, and notes the windows that it read. */
function halving(maxLength: number | null, maxBatch: number | null = null): Decoder & { read: TokenRows[] } {
  const read: TokenRows[] = [];
  return {
    kind: 'window',
    maxLength,
    maxBatch,
    read,
    async start(prompts) {
      read.push(prompts);
      const [batch, length] = [prompts.length, prompts[0]!.length];
      const row = [1 / 2, 1 / 4, 1 / 8, 1 / 8].map(Math.log);
      const values = Float32Array.from(
        { length: batch * length * vocabulary },
        (_, i) => row[i % vocabulary]!,
      );
      const logits = { batch, length, vocabulary, values };
      return { logits, advance: async () => logits };
    },
  };
}

const text = [3, 0, 1, 2, 3, 0, 0, 1];
/** By hand: 1, 2, 3, 3, 1, 1 and 2 bits for the tokens after the first. */
const bits = 13 / 7;

describe('perplexity of a text', () => {
  it.each([
    [8, undefined],
    [7, 7],
    [3, 3],
    [3, 1],
    [4, 2],
    [1, 1],
  ])('counts every token but the first once, in windows of %s, %s apart', async (window, stride) => {
    const result = await textPerplexity(halving(null), [text], { window, stride });
    expect(result.tokens).toBe(7);
    // Logits are float32: 7 digits.
    expect(result.bitsPerToken).toBeCloseTo(bits, 6);
    expect(result.perplexity).toBeCloseTo(2 ** bits, 6);
  });

  it('slides the window by the stride, to the end and not beyond', async () => {
    const decoder = halving(4);
    await textPerplexity(decoder, [text], { stride: 2 });
    expect(decoder.read.flat()).toEqual([
      [3, 0, 1, 2],
      [1, 2, 3, 0],
      [3, 0, 0],
    ]);
  });

  it('runs windows of one length side by side, as many as the graph takes', async () => {
    const decoder = halving(2, 2);
    const { windows } = await textPerplexity(decoder, [text, text]);
    expect(windows).toBe(8);
    expect(decoder.read.map((rows) => rows.map((r) => r.length))).toEqual([
      [2, 2],
      [2],
      [1],
      [2, 2],
      [2],
      [1],
    ]);
  });

  it('gives bits a character and a byte of the text counted', async () => {
    const spelled = ['e', 'é', '🦊', 'xyz'];
    const textLength = (ids: readonly number[]) => {
      const written = ids.map((id) => spelled[id]!).join('');
      return { characters: [...written].length, bytes: Buffer.byteLength(written) };
    };
    const whole = await textPerplexity(halving(null), [text], { textLength });
    // After the first "xyz": e é 🦊 xyz e e é.
    expect(whole.bitsPerCharacter).toBeCloseTo(13 / 9, 6);
    expect(whole.bitsPerByte).toBeCloseTo(13 / 14, 6);
    const part = await textPerplexity(halving(null), [text], { textLength, window: 2, limit: 1 });
    // e é: 3 bits for 2 characters of 3 bytes.
    expect(part.tokens).toBe(2);
    expect(part.bitsPerCharacter).toBeCloseTo(1.5, 6);
    expect(part.bitsPerByte).toBeCloseTo(1, 6);
  });

  it('says what it can not measure', async () => {
    const refused = (code: string) => expect.objectContaining({ code });
    await expect(textPerplexity(halving(4), [text], { window: 5 })).rejects.toThrow(
      refused('WINDOW_INVALID'),
    );
    await expect(textPerplexity(halving(4), [text], { stride: 5 })).rejects.toThrow(
      refused('WINDOW_INVALID'),
    );
    await expect(textPerplexity(halving(4), [[1], []])).rejects.toThrow(refused('TOO_FEW_TOKENS'));
    const last = halving(4);
    const short: Decoder = { ...last, start: (rows) => last.start(rows.map((r) => r.slice(-1))) };
    await expect(textPerplexity(short, [text])).rejects.toThrow(refused('ALL_POSITIONS_NEEDED'));
  });
});
