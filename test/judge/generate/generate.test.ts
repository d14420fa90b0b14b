import { describe, expect, it } from 'vitest';
import type { TokenRows } from '../../../src/data/text/feeds.ts';
import type { Decoder } from '../../../src/judge/generate/decoder.ts';
import { generate, generateAll } from '../../../src/judge/generate/generate.ts';

const vocabulary = 7;

/** Best next token: the last one plus one, modulo 7; the others follow with less and less. Notes what it was fed. */
function counting(maxBatch: number | null = null): Decoder & { fed: TokenRows[] } {
  const fed: TokenRows[] = [];
  const logits = (rows: TokenRows) => {
    fed.push(rows.map((r) => [...r]));
    const [batch, length] = [rows.length, rows[0]!.length];
    const values = rows.flatMap((r) =>
      r.flatMap((id) => Array.from({ length: vocabulary }, (_, k) => -((k - id - 1 + 14) % vocabulary))),
    );
    return { batch, length, vocabulary, values: Float32Array.from(values) };
  };
  return {
    kind: 'window',
    maxLength: null,
    maxBatch,
    fed,
    start: async (prompts) => ({ logits: logits(prompts), advance: async (tokens) => logits(tokens) }),
  };
}

const collect = async (tokens: AsyncIterable<number>) => {
  const all: number[] = [];
  for await (const token of tokens) all.push(token);
  return all;
};

describe('generate', () => {
  it('goes on from the last token of the prompt, feeding each token once', async () => {
    const decoder = counting();
    expect(await collect(generate(decoder, [0, 3], { maxTokens: 5 }))).toEqual([4, 5, 6, 0, 1]);
    expect(decoder.fed).toEqual([[[0, 3]], [[4]], [[5]], [[6]], [[0]]]);
  });

  it('ends at a stop token, which is not part of the text', async () => {
    expect(await collect(generate(counting(), [0], { stopTokens: [5, 4] }))).toEqual([1, 2, 3]);
    expect(await collect(generate(counting(), [3], { stopTokens: [4] }))).toEqual([]);
  });

  it('hands out each token before the next is computed', async () => {
    const decoder = counting();
    for await (const token of generate(decoder, [0])) if (token === 2) break;
    expect(decoder.fed).toHaveLength(2);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const tokens = generate(counting(), [0], { signal: controller.signal });
    await tokens.next();
    controller.abort(new Error('enough'));
    await expect(tokens.next()).rejects.toThrow('enough');
  });

  it('refuses a number of tokens that is none', async () => {
    const refused = expect.objectContaining({ code: 'GENERATION_OPTION' });
    await expect(collect(generate(counting(), [0], { maxTokens: 0 }))).rejects.toThrow(refused);
  });
});

describe('generateAll', () => {
  const prompts = [[1], [2, 3], [4], [0, 0], [6]];

  it('gives each prompt what it gets alone, drawn or not, whatever runs beside it', async () => {
    for (const options of [{}, { temperature: 2, seed: 5 }]) {
      const settings = { ...options, maxTokens: 6, stopTokens: [5] };
      const together = await generateAll(counting(), prompts, settings);
      expect(await generateAll(counting(), prompts, { ...settings, batch: 1 })).toEqual(together);
      expect(await generateAll(counting(1), prompts, settings)).toEqual(together);
      expect(await collect(generate(counting(), prompts[0]!, settings))).toEqual(together[0]);
    }
  });

  it('runs prompts of one length side by side, until all have ended', async () => {
    const decoder = counting();
    const texts = await generateAll(decoder, prompts, { stopTokens: [5] });
    expect(texts).toEqual([[2, 3, 4], [4], [], [1, 2, 3, 4], [0, 1, 2, 3, 4]]);
    expect(decoder.fed[0]).toEqual([[1], [4], [6]]);
    // The longest of each group and its stop token: 6 and 5 runs.
    expect(decoder.fed).toHaveLength(11);
  });

  it('tells how far it is', async () => {
    const seen: string[] = [];
    const onProgress = (done: number, total: number) => seen.push(`${done} of ${total}`);
    await generateAll(counting(), prompts, { maxTokens: 1, batch: 2, onProgress });
    expect(seen).toEqual(['2 of 5', '3 of 5', '5 of 5']);
  });
});
