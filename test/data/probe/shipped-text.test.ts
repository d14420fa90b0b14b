import { expect, it } from 'vitest';
import { shippedTextSource } from '../../../src/data/probe/shipped-text.ts';
import { shippedTexts } from '../../../src/data/probe/texts.ts';
import { textModelOf } from '../../../src/data/text/text-model.ts';
import { readTokenizer } from '../../../src/data/text/tokenizer.ts';
import { gpt2, gpt2Tiny } from '../../../src/model/build/index.ts';
import { portsOf } from '../../../src/model/ir/port.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';

const alphabet = (letters: string) =>
  readTokenizer({ name: 'vocab.json', bytes: new TextEncoder().encode(JSON.stringify([...letters])) });
const lower = 'abcdefghijklmnopqrstuvwxyz';
const modelOf = (vocabulary: number) => {
  const model = gpt2({ ...gpt2Tiny, vocabulary });
  return textModelOf(portsOf(model), model)!;
};

it('is of many paragraphs, 15 to 25 kB', () => {
  const bytes = new TextEncoder().encode(shippedTexts.join('\n')).length;
  expect(bytes).toBeGreaterThan(15_000);
  expect(bytes).toBeLessThan(25_000);
  expect(new Set(shippedTexts).size).toBe(shippedTexts.length);
});

it('is as long as a model sees, and no more samples than asked for', async () => {
  const tokenizer = await alphabet(`${lower}${lower.toUpperCase()} ,.;:'!?-`);
  const source = await shippedTextSource({ model: modelOf(61), tokenizer, most: 5, tokens: 128 });
  expect(source).toMatchObject({ length: 5, kind: 'text', isRunningText: true });
  const { inputs } = await source!.read(4);
  expect(inputs['input_ids']!.dims).toEqual([1, 64]);
});

it('is spelled with the letters that the tokeniser has', async () => {
  const tokenizer = await alphabet(`${lower} `);
  const source = await shippedTextSource({ model: modelOf(27), tokenizer, most: 3, tokens: 128 });
  const { inputs } = await source!.read(1);
  expect(tokenizer.decode(numbers(inputs['input_ids']!))).toMatch(/^[a-z ]{64}$/);
});

it('is nothing where the tokeniser spells none of it, or is another model’s', async () => {
  const digits = await alphabet('0123456789');
  expect(await shippedTextSource({ model: modelOf(10), tokenizer: digits, most: 3, tokens: 128 })).toBeNull();
  const tokenizer = await alphabet(`${lower} `);
  expect(await shippedTextSource({ model: modelOf(12), tokenizer, most: 3, tokens: 128 })).toBeNull();
});
