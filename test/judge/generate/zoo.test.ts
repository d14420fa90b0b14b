/** Real decoders of the zoo. EDGEPRESS_ZOO names the folder; without it these tests are skipped. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Session } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { positionLimit } from '../../../src/data/text/position-limit.ts';
import { readTokenizer } from '../../../src/data/text/tokenizer.ts';
import { textPerplexity } from '../../../src/judge/evaluate/language-model.ts';
import type { Decoder } from '../../../src/judge/generate/decoder.ts';
import { generate, generateAll } from '../../../src/judge/generate/generate.ts';
import { openDecoder } from '../../../src/judge/generate/open.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) console.warn('EDGEPRESS_ZOO is not set: decoders of the zoo are not tried.');

const sessions: Session[] = [];
afterAll(async () => {
  for (const session of sessions) await session.close();
});

const file = (name: string) => join(zoo!, name);

async function open(name: string): Promise<Decoder> {
  const engine = await openEngine();
  const session = await engine.open({ bytes: readFileSync(file(name)) });
  sessions.push(session);
  return openDecoder(session, { maxLength: positionLimit(readModelFile(file(name))) });
}

const tokenizerOf = (name: string) => readTokenizer({ name, bytes: readFileSync(file(name)) });

describe.skipIf(!zoo)('decoders of the zoo (needs EDGEPRESS_ZOO)', () => {
  const llama = 'models/tiny-llama-stories260K/stories260K.onnx';

  it('nano-gpt-sort sorts all 729 rows of six letters', async () => {
    const decoder = await open('models/nano-gpt-sort/gpt-nano-sort.onnx');
    expect([decoder.kind, decoder.maxLength]).toEqual(['window', 11]);
    const rows = Array.from({ length: 729 }, (_, i) =>
      Array.from({ length: 6 }, (_, k) => Math.floor(i / 3 ** k) % 3),
    );
    const sorted = await generateAll(decoder, rows, { maxTokens: 6, batch: 729 });
    expect(sorted).toEqual(rows.map((row) => row.toSorted()));
  });

  it('stories260K tells the story that llama2.c tells', async () => {
    const decoder = await open(llama);
    const tokenizer = await tokenizerOf('models/tiny-llama-stories260K/tok512.bin');
    const prompt = tokenizer.encode('Once upon a time');
    const ids = [...prompt];
    const options = { maxTokens: 120, stopTokens: tokenizer.stopTokens };
    for await (const id of generate(decoder, prompt, options)) ids.push(id);
    // doc/stories260K.md of llama2.c, temperature 0.
    const published = [
      'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day,',
      'she saw a big, red ball. She wanted to play with it, but it was too high.\nLily\'s mom said, "Lily,',
      'let\'s go to the park." Lily was sad and didn\'t know what to do. She said, "I want to play with your',
      "ball, but I can't find it.\"\nLily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I",
      "didn't know what to do.\"\nLily didn't want to help her mom, so she said, \"I'm sorry, mom.",
    ].join(' ');
    const told = tokenizer.decode(ids);
    expect(told.length).toBeGreaterThan(250);
    expect(published.startsWith(told)).toBe(true);
  });

  it('stories260K has the perplexity that came with its data', async () => {
    const { ids, ppl_float } = JSON.parse(
      readFileSync(file('models/tiny-llama-stories260K/selfgen_eval.json'), 'utf8'),
    ) as { ids: number[][]; ppl_float: number };
    const { perplexity, tokens } = await textPerplexity(await open(llama), ids);
    expect(tokens).toBe(64 * 191);
    // Two runtimes, float32: 6 digits.
    expect(perplexity).toBeCloseTo(ppl_float, 5);
  });

  it('charrnn spends the bits that onnxruntime for Python finds', async () => {
    const decoder = await open('models/onnx-charrnn-shakespeare/charrnn.onnx');
    expect(decoder.kind).toBe('recurrent');
    const tokenizer = await tokenizerOf('models/onnx-charrnn-shakespeare/vocab.json');
    const text = readFileSync(file('data/text/tiny-shakespeare/input.txt'), 'utf8');
    const result = await textPerplexity(decoder, [tokenizer.encode(text)], { window: 256, limit: 64 });
    // Computed by onnxruntime 1.30 and numpy in float64 over the same 64 windows from zero state.
    expect(result.bitsPerToken).toBeCloseTo(2.0202183439412265, 4);
  });
});
