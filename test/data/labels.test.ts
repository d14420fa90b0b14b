import { describe, expect, it } from 'vitest';
import { classesFromFolders } from '../../src/data/classes.ts';
import { matchLabels, parseLabelArray, parseLabelCsv, parseLabelJson } from '../../src/data/labels.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';

const ids = ['a.jpg', 'b.jpg', 'c.jpg'];
const fromCsv = (text: string, names = ids) => matchLabels(parseLabelCsv(text, 'l.csv'), names, 'l.csv');
const fromJson = (json: unknown, names = ids) =>
  matchLabels(parseLabelJson(JSON.stringify(json), 'l.json'), names, 'l.json');
const failure = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
};

describe('label files', () => {
  it.each([
    ['no header', 'b.jpg,5\na.jpg,2\nc.jpg,0\n'],
    ['a known header', 'filename,label\nb.jpg,5\na.jpg,2\nc.jpg,0'],
    ['columns in another order', 'index,split,file\r\n5,val,b.jpg\r\n2,val,a.jpg\r\n0,val,c.jpg\r\n'],
    ['an unknown header', 'ImageId,PredictionString\nb,5\na,2\nc,0'],
    ['tabs', 'b.jpg\t5\na.jpg\t2\nc.jpg\t0'],
    ['semicolons and quotes', '"b.jpg";5\n"a.jpg";2\n"c.jpg";0'],
    ['spaces, as Caffe lists', 'b.jpg 5\na.jpg 2\nc.jpg 0'],
    ['one column in the order of samples', '2\n5\n0'],
    ['a byte-order mark', '\uFEFFfile,label\na.jpg,2\nb.jpg,5\nc.jpg,0'],
  ])('reads CSV with %s', (_, text) => {
    expect(fromCsv(text).labels).toEqual([2, 5, 0]);
  });

  it('numbers class names in alphabetical order, and says so', () => {
    const { labels, classes, how } = fromCsv('id,breed\na.jpg,"pug, small"\nb.jpg,beagle\nc.jpg,beagle');
    expect(classes).toEqual(['beagle', 'pug, small']);
    expect(labels).toEqual([1, 0, 0]);
    expect(how).toContain('alphabetical');
  });

  it.each([
    [
      'objects',
      [
        { file: 'a.jpg', index: 2, name: 'tench' },
        { file: 'b.jpg', index: 5 },
        { file: 'c.jpg', index: 0 },
      ],
    ],
    ['a map', { 'a.jpg': 2, 'b.jpg': 5, 'c.jpg': 0 }],
    [
      'pairs',
      [
        ['a.jpg', 2],
        ['b.jpg', 5],
        ['c.jpg', 0],
      ],
    ],
    ['a plain list', [2, 5, 0]],
    ['numbers as text', { 'a.jpg': '2', 'b.jpg': '5', 'c.jpg': '0' }],
  ])('reads JSON with %s', (_, json) => {
    expect(fromJson(json).labels).toEqual([2, 5, 0]);
  });

  it('keeps class names that come with their index, and numbers the others', () => {
    const { classes } = fromJson([
      { file: 'a.jpg', index: 2, name: 'tench' },
      { file: 'b.jpg', index: 0, name: 'shark' },
      { file: 'c.jpg', index: 0, name: 'shark' },
    ]);
    expect(classes).toEqual(['shark', 'class 1', 'tench']);
  });

  it('matches by path before name, and by name without ending last', () => {
    const table = 'val/x/a.png,1\nval/y/a.png,2\nb,3';
    expect(fromCsv(table, ['val/x/a.png', 'val/y/a.png', 'deep/b.webp']).labels).toEqual([1, 2, 3]);
  });

  it('refuses a name that stands for several files', () => {
    expect(failure(() => fromCsv('x/a.png,1\ny/a.png,2', ['z/a.png'])).code).toBe('LABELS_INVALID');
  });

  it('counts and shows what does not match', () => {
    const error = failure(() => fromCsv('a.jpg,1\nz.jpg,2\n', ids));
    expect(error.code).toBe('LABELS_UNMATCHED');
    expect(error.message).toBe(
      '2 of 3 samples have no label in l.csv (b.jpg, c.jpg); it has 1 that match no sample (z.jpg).',
    );
  });

  it('lets labels of other files be', () => {
    expect(fromCsv('a.jpg,1\nb.jpg,2\nc.jpg,3\nd.jpg,4').labels).toEqual([1, 2, 3]);
  });

  it.each([
    ['too few in order', () => fromCsv('1\n2')],
    ['an empty file', () => fromCsv('')],
    ['a short line', () => fromCsv('a.jpg,1\nb.jpg')],
    ['negative indices', () => fromJson({ 'a.jpg': -1, 'b.jpg': 0, 'c.jpg': 0 })],
    ['entries without a file', () => fromJson([{ index: 1 }])],
    ['a label that is a list', () => fromJson({ 'a.jpg': [1] })],
    ['broken JSON', () => parseLabelJson('{', 'l.json')],
    ['a matrix', () => parseLabelArray(tensorOf('int64', [2, 2], [0, 1, 1, 0]), 'l.npy')],
    ['fractions', () => parseLabelArray(tensorOf('float32', [2], [0.5, 1]), 'l.npy')],
  ])('refuses %s', (_, run) => {
    expect(failure(run).code).toBe('LABELS_INVALID');
  });
});

describe('class folders', () => {
  it('numbers them in sorted order below what all files share', () => {
    const found = classesFromFolders(['test/dog/1.jpg', 'test/cat/1.jpg', 'test/cat/sub/2.jpg']);
    expect(found).toMatchObject({ labels: [1, 0, 0], classes: ['cat', 'dog'] });
  });

  it('does not take train and val for classes', () => {
    const found = classesFromFolders(['train/a/1.jpg', 'train/b/1.jpg', 'val/a/2.jpg']);
    expect(found).toMatchObject({ labels: [0, 1, 0], classes: ['a', 'b'] });
  });

  it('takes folder names that are numbers for class indices', () => {
    expect(classesFromFolders(['10/x.png', '2/x.png'])).toMatchObject({ labels: [10, 2] });
  });

  it.each([[['1.jpg', '2.jpg']], [['a/1.jpg', 'a/2.jpg']], [['a/1.jpg', 'b/1.jpg', 'stray.jpg']], [[]]])(
    'finds no classes in %j',
    (names) => {
      expect(classesFromFolders(names)).toBeNull();
    },
  );
});

describe('classes that the model names', () => {
  const files = ['cat/1.jpg', 'dog/1.jpg', 'owl/1.jpg'];

  it('number folders of all of them or some, not the alphabet', () => {
    const own = ['owl', 'dog', 'cat'];
    expect(classesFromFolders(files, own)).toMatchObject({ labels: [2, 1, 0], classes: own });
    expect(classesFromFolders(files.slice(0, 2), own)).toMatchObject({ labels: [2, 1], classes: own });
  });

  it('number folders and label files alike, whatever their case and what stands between words', () => {
    const own = ['Snowy owl', 'Cat'];
    expect(classesFromFolders(['cat/1.jpg', 'snowy_owl/1.jpg'], own)?.labels).toEqual([1, 0]);
    const table = parseLabelCsv('file,label\na.jpg,cat\nb.jpg,snowy-owl', 'l.csv');
    expect(matchLabels(table, ['b.jpg', 'a.jpg'], 'l.csv', own).labels).toEqual([0, 1]);
  });

  it('are told from each other by case where that is all', () => {
    expect(classesFromFolders(['a/1.jpg', 'A/1.jpg'], ['a', 'A'])?.labels).toEqual([0, 1]);
  });

  it('may be numbers in an order of their own', () => {
    expect(classesFromFolders(['3/1.jpg', '7/1.jpg'], ['7', '3'])?.labels).toEqual([1, 0]);
  });

  it('leave folders of other names in alphabetical order, which says why', () => {
    const found = classesFromFolders(files, ['owl', 'dog', 'fox']);
    expect(found).toMatchObject({ labels: [0, 1, 2], classes: ['cat', 'dog', 'owl'] });
    expect(found?.how).toContain('cat is not one of its 3');
  });

  it('that are alike leave the alphabet, which says so', () => {
    const found = classesFromFolders(files, ['owl', 'owl', 'dog', 'cat']);
    expect(found?.labels).toEqual([0, 1, 2]);
    expect(found?.how).toContain('two of its names are alike');
  });
});
