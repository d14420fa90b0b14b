/** What compress generate and evaluate do with files, without starting the program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openWasmEngine } from '../../../src/compute/engine/onnxruntime-web.ts';
import { metricFamily } from '../../../src/jobs/evaluate-metrics.ts';
import { evaluatePairs, evaluatePerplexity } from '../../../src/jobs/evaluate-text.ts';
import { type GenerateTextOptions, generateText } from '../../../src/jobs/generate-text.ts';
import { gpt2, gpt2Tiny } from '../../../src/model/build/networks/gpt2.ts';
import { t5, t5Tiny } from '../../../src/model/build/networks/t5.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { writeAlphabet } from './alphabet-model.ts';

let engine: Engine;
const folder = mkdtempSync(join(tmpdir(), 'edgepress-text-'));
const path = (name: string) => join(folder, name);
const write = (name: string, content: unknown) =>
  writeFileSync(path(name), typeof content === 'string' ? content : JSON.stringify(content));

beforeAll(async () => {
  engine = await openWasmEngine(() => import('onnxruntime-web'));
  writeAlphabet(path('alphabet.onnx'));
  write('letters.json', { a: 0, b: 1, c: 2, d: 3, e: 4 });
  write('text.txt', 'abcdeabcde');
  write('ids.json', {
    ids: [
      [0, 1, 2],
      [3, 4],
    ],
  });
  write('pairs.tsv', 'ab\tcde\tcdea\n\ncd\tea\n');
  for (const part of ['encoder', 'decoder'] as const)
    writeFileSync(path(`${part}.onnx`), encodeModel(t5({ ...t5Tiny, part })));
  writeFileSync(path('gpt.onnx'), encodeModel(gpt2(gpt2Tiny)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (options: Partial<GenerateTextOptions> = {}) =>
  generateText({
    engine,
    model: path('alphabet.onnx'),
    tokenizer: path('letters.json'),
    prompt: 'ab',
    maxTokens: 6,
    ...options,
  });
const refused = (code: string) => expect.objectContaining({ code });

describe('generateText', () => {
  it('tells the text piece by piece, and all of it at the end', async () => {
    const pieces: string[] = [];
    const { text, finish } = await run({ onText: (piece) => pieces.push(piece) });
    expect(pieces).toEqual(['c', 'd', 'e', 'a', 'b', 'c']);
    expect([text, finish]).toEqual(['cdeabc', 'length']);
  });

  it('ends at the stop token that it is given, that generation_config.json names, or the tokeniser', async () => {
    expect(await run({ stop: ['e'] })).toMatchObject({ text: 'cd', tokens: 2, finish: 'stop' });
    write('generation_config.json', { eos_token_id: [0, 3] });
    expect((await run()).text).toBe('c');
    rmSync(path('generation_config.json'));
    write('ending.json', { a: 0, b: 1, c: 2, d: 3, '</s>': 4 });
    expect((await run({ tokenizer: path('ending.json') })).text).toBe('cd');
  });

  it('draws the same text for the same seed, another for another', async () => {
    const draw = async (seed: number) => (await run({ temperature: 3, maxTokens: 30, seed })).text;
    expect(await draw(1)).toBe(await draw(1));
    expect(await draw(1)).not.toBe(await draw(2));
  });

  it('finds the tokeniser that lies beside the model', async () => {
    await expect(run({ tokenizer: undefined })).rejects.toThrow(refused('TOKENIZER_REQUIRED'));
    write('tokenizer.json', { a: 0, b: 1, c: 2, d: 3, e: 4 });
    expect((await run({ tokenizer: undefined })).text).toBe('cdeabc');
    rmSync(path('tokenizer.json'));
  });

  it('reads the length that the model sees from its graph', async () => {
    const long = Array.from({ length: 70 }, (_, i) => i % 32).join(' ');
    const result = await run({ model: path('gpt.onnx'), ids: true, prompt: long });
    expect(result).toMatchObject({ kind: 'cache', tokens: 6, promptTokens: 70 });
  });

  it.each([
    ['a letter unknown', { prompt: 'ax' }, 'TOKEN_UNKNOWN'],
    ['ids that are none', { prompt: '1 b', ids: true }, 'IDS_INVALID'],
    ['nothing to go on from', { prompt: '' }, 'PROMPT_EMPTY'],
    ['half of a pair', { prompt: '1', ids: true, model: path('decoder.onnx') }, 'ENCODER_REQUIRED'],
    ['a tokeniser that is not there', { tokenizer: path('no.json') }, 'FILE_NOT_FOUND'],
    ['an encoder that is not there', { encoder: path('no.onnx') }, 'FILE_NOT_FOUND'],
  ])('refuses %s', async (_, options, code) => {
    await expect(run(options)).rejects.toThrow(refused(code));
  });
});

describe('metrics of text', () => {
  const base = () => ({ engine, model: path('alphabet.onnx'), tokenizer: path('letters.json') });
  // The right token has the score 1 among five, the others 0.
  const perplexity = (Math.E + 4) / Math.E;

  it('perplexity reads a text, or ids without tokeniser', async () => {
    const text = await evaluatePerplexity({ ...base(), data: path('text.txt'), window: 4, stride: 2 });
    expect(text).toMatchObject({ task: 'language', samples: 4, window: 4, stride: 2 });
    expect(text.metrics[0]!.after).toBeCloseTo(perplexity, 5);
    expect(text.metrics.map((m) => m.name)).toEqual([
      'perplexity',
      'bits per token',
      'bits per character',
      'bits per byte',
    ]);
    const ids = await evaluatePerplexity({ engine, model: path('alphabet.onnx'), data: path('ids.json') });
    expect(ids.metrics).toMatchObject([{ name: 'perplexity' }, { name: 'bits per token' }]);
    expect(ids.metrics[0]!.after).toBeCloseTo(perplexity, 5);
  });

  it('exact match takes any of several targets', async () => {
    const options = { ...base(), data: path('pairs.tsv'), metrics: ['exact-match'], stop: ['b'] };
    // "ab" goes on with cdea, "cd" with ea.
    const { metrics, samples } = await evaluatePairs(options);
    expect(samples).toBe(2);
    expect(metrics).toMatchObject([{ name: 'exact match', before: null, after: 1 }]);
  });

  it('sets a baseline beside the model', async () => {
    const options = { ...base(), baseline: path('alphabet.onnx'), data: path('text.txt') };
    const seen: number[] = [];
    const onProgress = (done: number, total: number) => seen.push(done / total);
    const { metrics } = await evaluatePerplexity({ ...options, onProgress });
    expect(metrics[0]!.before).toBe(metrics[0]!.after);
    expect(seen).toEqual([0.5, 1]);
  });

  it.each([
    [
      'pairs without tab',
      () => evaluatePairs({ ...base(), data: path('text.txt'), metrics: ['bleu'] }),
      'TEXT_DATA',
    ],
    ['ids that are none', () => evaluatePerplexity({ ...base(), data: path('letters.json') }), 'TEXT_DATA'],
    [
      'a stride beyond the window',
      () => evaluatePerplexity({ ...base(), data: path('text.txt'), window: 2, stride: 3 }),
      'WINDOW_INVALID',
    ],
    [
      'a text without tokeniser',
      () => evaluatePerplexity({ engine, model: path('alphabet.onnx'), data: path('text.txt') }),
      'TOKENIZER_REQUIRED',
    ],
  ])('refuses %s', async (_, work, code) => {
    await expect(work()).rejects.toThrow(refused(code));
  });

  it('one run measures metrics of one kind', () => {
    expect(metricFamily(['bleu', 'exact-match'])).toBe('pairs');
    expect(metricFamily([])).toBe('classes');
    expect(() => metricFamily(['f1', 'bleu'])).toThrow(refused('METRICS_MIXED'));
    expect(() => metricFamily(['blue'])).toThrow(refused('METRIC_UNKNOWN'));
  });
});
