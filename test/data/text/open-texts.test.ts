/** Files and folders of text as samples of a shipped model. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openData } from '../../../src/data/open.ts';
import { compare } from '../../../src/jobs/compare.ts';
import { compress } from '../../../src/jobs/compress.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { portsOf } from '../../../src/model/ir/port.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-texts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array) => {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
};

/** A model with a vocabulary that spells words of its toy language beside it. */
const alphabet = JSON.stringify(['<pad>', ...'abcdefghijklmnopqrstuvwxyz .,!'].slice(0, 32));
const at = (name: string) => join(root, name, 'model.onnx');
for (const name of ['sentiment-encoder', 'sentences-gpt2', 'digits-cnn']) {
  mkdirSync(join(root, name));
  copyFileSync(`fixtures/models/${name}.onnx`, at(name));
  if (name !== 'digits-cnn') write(`${name}/tokenizer.json`, alphabet);
}
write('sentences-gpt2/tokenizer.json', JSON.stringify([...'.abcdefghijklmnopqrstuvwxyz ,!']));

const opened = (path: string, model = at('sentiment-encoder'), options: object = {}) => {
  const subject = openModel(model);
  return openData(path, portsOf(subject.model), { seed: 1, model: subject, ...options });
};
const failure = (...given: Parameters<typeof opened>) =>
  opened(...given).then(
    () => ({ code: 'none', message: '', hint: '' }),
    (error: { code: string; message: string; hint: string }) => error,
  );

describe('files of text', () => {
  it('are tokenised by the tokenizer.json beside the model', async () => {
    const source = await opened(write('lines.txt', 'ab\n\nca b\n'));
    expect(source).toMatchObject({ kind: 'text', length: 2, labelled: false, name: 'lines.txt (2 texts)' });
    expect(numbers((await source.read(1)).inputs['input_ids']!)).toEqual([3, 1, 27, 2]);
    expect((await source.read(1)).id).toBe('lines.txt:3');
  });

  it('are tokenised by a vocab.json beside the model, unless parts are merged to words by a file of their own', async () => {
    mkdirSync(join(root, 'with-vocabulary'));
    copyFileSync('fixtures/models/sentiment-encoder.onnx', at('with-vocabulary'));
    write('with-vocabulary/vocab.json', alphabet);
    const text = write('more.txt', 'ab\n\nca b\n');
    expect(await opened(text, at('with-vocabulary'))).toMatchObject({ kind: 'text', length: 2 });
    write('with-vocabulary/merges.txt', 'a b');
    expect((await failure(text, at('with-vocabulary'))).code).toBe('TOKENIZER_REQUIRED');
  });

  it('with a column of labels are labelled, class names by the alphabet', async () => {
    const source = await opened(write('reviews.csv', 'text,label\nab,pos\ncd,neg\nef,pos\n'));
    expect(source).toMatchObject({ labelled: true, classes: ['neg', 'pos'] });
    expect([0, 1, 2].map((i) => source.label!(i))).toEqual([1, 0, 1]);
    expect((await source.read(1)).label).toBe(0);
  });

  it('have the numbers that config.json beside the model gives class names', async () => {
    write('sentiment-encoder/config.json', JSON.stringify({ id2label: { 0: 'pos', 1: 'so-so', 2: 'neg' } }));
    const source = await opened(write('named.csv', 'text,label\nab,pos\ncd,neg\n'));
    expect([0, 1].map((i) => source.label!(i))).toEqual([0, 2]);
    rmSync(join(root, 'sentiment-encoder/config.json'));
  });

  it('in class folders are one text each', async () => {
    for (const [name, text] of [
      ['neg/1.txt', 'bad, so bad\n'],
      ['neg/2.txt', 'no'],
      ['pos/1.txt', 'good'],
    ] as const)
      write(`folders/${name}`, text);
    const source = await opened(join(root, 'folders'));
    expect(source).toMatchObject({ length: 3, labelled: true, classes: ['neg', 'pos'] });
    expect((await source.read(0)).id).toBe('neg/1.txt');
    expect(source.guessed).toContain('each file is one text');
  });

  it('without a tokeniser are refused, with where to get one', async () => {
    const alone = 'fixtures/models/sentiment-encoder.onnx';
    expect(await failure(write('a.txt', 'ab'), alone)).toMatchObject({
      code: 'TOKENIZER_REQUIRED',
      hint: expect.stringContaining('tokenizer.json'),
    });
    const tokenizer = join(root, 'sentiment-encoder/tokenizer.json');
    expect((await opened(join(root, 'a.txt'), alone, { tokenizer })).length).toBe(1);
  });

  it('of token ids need none', async () => {
    const source = await opened(write('ids.json', '[[1,2,3],[4]]'), 'fixtures/models/sentiment-encoder.onnx');
    expect(numbers((await source.read(0)).inputs['input_ids']!)).toEqual([1, 2, 3]);
  });

  it('are refused for other models', async () => {
    const path = write('refused.txt', 'ab\n');
    expect((await failure(path, at('digits-cnn'))).code).toBe('INPUT_NOT_TEXT');
  });

  it.each([
    ['UTF-16LE', Buffer.from('\ufeffab\ncd\n', 'utf16le')],
    ['UTF-16LE', Buffer.from('ab\ncd\n', 'utf16le')],
    ['UTF-16BE', Buffer.from('\ufeffab\ncd\n', 'utf16le').swap16()],
    ['Latin-1', Buffer.from('caf\xe9 ol\xe9\n', 'latin1')],
  ])('in other encodings are refused with the name: %s', async (encoding, bytes) => {
    const found = await failure(write('other.txt', bytes));
    expect(found).toMatchObject({ code: 'TEXT_ENCODING', message: expect.stringContaining(encoding) });
    expect(found.hint).toContain('iconv -f');
  });

  it('are refused for a decoder without its encoder before a tokeniser is asked for', async () => {
    const found = await failure(write('decoder.txt', 'ab\n'), 'fixtures/models/dates-t5-decoder.onnx');
    expect(found).toMatchObject({ code: 'INPUT_NOT_TEXT', hint: expect.stringContaining('encoder') });
  });

  it('of which only the beginning is used are not made tokens of as a whole', async () => {
    const source = await opened(write('long.txt', 'ab cd '.repeat(200_000)), undefined, { window: 8 });
    expect(numbers((await source.read(0)).inputs['input_ids']!)).toEqual([1, 2, 27, 3, 4, 27, 1, 2]);
  });
});

describe('jobs on text', () => {
  const letters = 'abcdefghij';
  const lines = Array.from(
    { length: 60 },
    (_, i) => `the ${letters[i % 10]} sees ${letters[Math.floor(i / 10)]}.`,
  );

  it('calibrate an encoder, and compare it on the texts held back', async () => {
    const data = write('many.csv', `text,label\n${lines.map((l, i) => `${l},${i % 3}`).join('\n')}\n`);
    const { report } = await compress(at('sentiment-encoder'), {
      ...{ int8: true, data, calibrate: 20, evaluate: 40, output: join(root, 'int8.onnx'), measure: false },
    });
    expect(report.data).toMatchObject({ kind: 'text', calibrationSamples: 20, evaluationSamples: 40 });
    expect(report.compare?.samples).toBe(40);
    const again = await compare(at('sentiment-encoder'), join(root, 'int8.onnx'), { data });
    expect(again.report.compare.samples).toBe(60);
    expect(again.report.evaluation?.samples).toBe(60);
  });

  it('calibrate a decoder on windows', async () => {
    const data = write('prose.txt', `${lines.join(' ')}\n`);
    const { report } = await compress(at('sentences-gpt2'), {
      ...{ int8: 'static', data, window: 16, output: join(root, 'gpt.onnx'), measure: false },
    });
    expect(report.data?.guessed).toContain('windows of 16 tokens');
    expect(report.compare?.samples).toBeGreaterThan(10);
  });
});
