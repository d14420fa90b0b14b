import { describe, expect, it } from 'vitest';
import { parseTexts } from '../../../src/data/text/parse-texts.ts';

const rows = (content: string, name: string) =>
  parseTexts(content, name).records.map(({ text, second, label }) => [text, second ?? null, label ?? null]);
const failure = (content: string, name: string) => {
  try {
    parseTexts(content, name);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was refused');
};

describe('plain text', () => {
  it('is its lines, and keeps itself whole for models that write on', () => {
    const { records, prose } = parseTexts('one\r\n\r\n two\n', 'a.txt');
    expect(records).toEqual([
      { id: 'a.txt:1', text: 'one' },
      { id: 'a.txt:3', text: ' two' },
    ]);
    expect(prose).toBe('one\r\n\r\n two\n');
  });

  it('is refused where there is none', () => {
    expect(failure(' \n\n', 'a.txt').code).toBe('TEXT_DATA');
  });
});

describe('tables', () => {
  it('have the text and the label where the header says', () => {
    const csv = 'id,label,sentence\n7,1,"good, really"\n8,0,"she said ""no""\nand left"\n';
    expect(rows(csv, 'a.csv')).toEqual([
      ['good, really', null, '1'],
      ['she said "no"\nand left', null, '0'],
    ]);
    expect(parseTexts(csv, 'a.csv').notes).toEqual([
      'texts in column "sentence"',
      'labels in column "label"',
    ]);
  });

  it('without a header are understood by what is in them: SST-2, label first', () => {
    const tsv = '0\tone long string of cliches .\n1\tif you \'ve ever laughed\n1\t" quoted\n0\tno movement\n';
    expect(rows(tsv, 'dev.tsv')).toEqual([
      ['one long string of cliches .', null, '0'],
      ["if you 've ever laughed", null, '1'],
      ['" quoted', null, '1'],
      ['no movement', null, '0'],
    ]);
    expect(parseTexts(tsv, 'dev.tsv').notes).toEqual(['texts in column 2', 'labels in column 1']);
  });

  it('of two columns of texts are pairs', () => {
    const tsv = 'a little house\tein kleines Haus\ntwo dogs run\tzwei Hunde laufen\n';
    expect(rows(tsv, 'de.tsv')[1]).toEqual(['two dogs run', 'zwei Hunde laufen', null]);
  });

  it('of pairs with a label, as in natural language inference', () => {
    const csv = 'premise,hypothesis,label\nA man sleeps,A man is awake,2\nIt rains,It is wet,0\n';
    expect(rows(csv, 'nli.csv')[0]).toEqual(['A man sleeps', 'A man is awake', '2']);
  });

  it('take numbers in a row for no label', () => {
    expect(rows('1,first text\n2,second text\n3,third text\n4,a fourth\n', 'a.csv')[0]).toEqual([
      'first text',
      null,
      null,
    ]);
  });

  it('whose labels are all −1 have none', () => {
    expect(rows('text,label\nuno,-1\ndue,-1\n', 'test.csv')).toEqual([
      ['uno', null, null],
      ['due', null, null],
    ]);
  });

  it('with broken quotes or rows of unequal length are refused by row', () => {
    expect(failure('text,label\n"never closed,1\nmore,0\n', 'a.csv')).toMatchObject({
      code: 'TEXT_DATA',
      message: expect.stringContaining('row 2'),
    });
    expect(failure('text,label\na,1\nb, c,0\n', 'a.csv').message).toContain('3 in row 3');
  });

  it('of numbers alone hold no text', () => {
    expect(failure('1,2\n3,4\n', 'a.csv').message).toContain('a column of texts');
  });
});

describe('JSON', () => {
  it('a value in every line: texts, objects, conversations', () => {
    expect(rows('"one"\n\n"two"\n', 'a.jsonl')).toEqual([
      ['one', null, null],
      ['two', null, null],
    ]);
    expect(rows('{"text":"x y","label":"pos"}\n{"text":"z","label":"neg"}\n', 'a.jsonl')).toEqual([
      ['x y', null, 'pos'],
      ['z', null, 'neg'],
    ]);
    const turns = '[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]';
    expect(rows(`{"messages":${turns}}\n`, 'chat.jsonl')).toEqual([['hi\nhello', null, null]]);
  });

  it('says which line is none', () => {
    expect(failure('{"text":"x"}\n{"text":\n', 'a.jsonl').message).toContain('line 2');
  });

  it('lists of token ids stand for texts', () => {
    const tokens = (content: string) => parseTexts(content, 'a.json').records.map((r) => r.tokens);
    expect(tokens('[[1,2],[3]]')).toEqual([[1, 2], [3]]);
    expect(tokens('{"ids":[4,5]}')).toEqual([[4, 5]]);
    expect(tokens('[{"input_ids":[7,8]},{"input_ids":[9]}]')).toEqual([[7, 8], [9]]);
  });

  it.each(['{', '{"a":1}', '[true]', '[["a",1]]', '[]'])('%s is refused', (content) => {
    expect(failure(content, 'a.json').code).toBe('TEXT_DATA');
  });
});
