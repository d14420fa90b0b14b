/** The data that our own networks are trained on: deterministic, right, and nothing held out is trained on. */
import { describe, expect, it } from 'vitest';
import {
  bitsPerCharacterBound,
  brackets,
  bracketVocabulary,
  characterVocabulary,
  dates,
  dateVocabulary,
  digits,
  isBalanced,
  modularSums,
  type Samples,
  sentences,
  sentiment,
  sorting,
  type TaskData,
} from '../../../scripts/fixtures/data/index.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';

const size = { train: 300, heldOut: 60 };
const makers: readonly (readonly [string, (seed?: number) => TaskData])[] = [
  ['digits', (seed = 1) => digits({ ...size, seed, input: 'pixels' })],
  ['brackets', (seed = 1) => brackets({ ...size, seed })],
  ['modular sums', (seed = 1) => modularSums({ ...size, seed, length: 4 })],
  ['sorting', (seed = 1) => sorting({ ...size, seed })],
  ['sentiment', (seed = 1) => sentiment({ ...size, seed })],
  ['dates', (seed = 1) => dates({ ...size, seed })],
  ['sentences', (seed = 1) => sentences({ ...size, seed })],
];

const rows = (t: Tensor): number[][] => {
  const width = t.dims.slice(1).reduce((a, b) => a * b, 1);
  const all = numbers(t);
  return Array.from({ length: t.dims[0]! }, (_, i) => all.slice(i * width, (i + 1) * width));
};
const inputOf = (samples: Samples) => Object.values(samples)[0]!;

describe.each(makers)('%s', (_, make) => {
  it('are the same for the same seed, and others for another', () => {
    const content = ({ train, heldOut }: TaskData) =>
      [train, heldOut].map((samples) =>
        Object.entries(samples).map(([name, t]) => [name, numbers(t).join()]),
      );
    expect(content(make())).toEqual(content(make()));
    expect(content(make(2))).not.toEqual(content(make()));
  });

  it('hold out samples that are not trained on, in the numbers asked for', () => {
    const { train, heldOut } = make();
    const trained = new Set(rows(inputOf(train)).map(String));
    expect(rows(inputOf(heldOut)).filter((row) => trained.has(String(row)))).toEqual([]);
    for (const t of Object.values(train)) expect(t.dims[0]).toBe(size.train);
    for (const t of Object.values(heldOut)) expect(t.dims[0]).toBe(size.heldOut);
  });
});

describe('labels', () => {
  it('say whether brackets close, for half of each', () => {
    const { train } = brackets({ ...size, kinds: 3 });
    const labels = numbers(train['labels']!);
    rows(train['input_ids']!).forEach((ids, i) => {
      const text = ids.flatMap((id) => (id === 0 ? [] : [bracketVocabulary[id]!])).join('');
      expect(`${text} ${isBalanced(text)}`).toBe(`${text} ${labels[i] === 1}`);
    });
    expect(labels.reduce((a, b) => a + b, 0)).toBe(size.train / 2);
  });

  it('are the numbers in order, each foretold from all before', () => {
    const { train } = sorting({ ...size, length: 3 });
    const labels = rows(train['labels']!);
    rows(train['input_ids']!).forEach((ids, i) => {
      const sorted = ids.slice(0, 3).sort((a, b) => a - b);
      expect(labels[i]).toEqual([-100, -100, ...sorted]);
      expect(ids.slice(3)).toEqual(sorted.slice(0, 2));
    });
  });

  it('are dates that exist, fed to the decoder one step late', () => {
    const { train } = dates(size);
    const read = (ids: readonly number[]) => ids.map((id) => dateVocabulary[id]).join('');
    const fed = rows(train['decoder_input_ids']!).map(read);
    rows(train['labels']!)
      .map(read)
      .forEach((label, i) => {
        const iso = label.replace('</s>', '');
        expect(new Date(`${iso}T00:00:00Z`).toISOString().slice(0, 10)).toBe(iso);
        expect(fed[i]).toBe(`<pad>${iso}`);
      });
    const { heldOut } = dates(size);
    const trained = new Set(fed);
    expect(rows(heldOut['decoder_input_ids']!).filter((row) => trained.has(read(row)))).toEqual([]);
  });

  it('are the next character of text that begins a sentence', () => {
    const { train } = sentences(size);
    const labels = rows(train['labels']!);
    rows(train['input_ids']!).forEach((ids, i) => {
      expect(ids[0]).toBe(0);
      expect(labels[i]!.slice(0, -1)).toEqual(ids.slice(1));
    });
    expect(characterVocabulary.length).toBeLessThanOrEqual(32);
  });
});

it('knows what no model of the sentences can do better than: far below a uniform guess', () => {
  // About 13 choices worth 1 to 3 bits in a sentence of about 33 characters.
  const bound = bitsPerCharacterBound(createRandom(1), 2000);
  expect(bound).toBeGreaterThan(0.4);
  expect(bound).toBeLessThan(0.8);
});

it('draws digits in white on black, each in the middle and with ink', () => {
  const { train } = digits({ ...size, input: 'image' });
  expect(train['image']!.dims).toEqual([size.train, 1, 28, 28]);
  for (const pixels of rows(train['image']!)) {
    const ink = pixels.filter((p) => p > 0.5).length;
    expect(ink).toBeGreaterThan(15);
    expect(ink).toBeLessThan(300);
    const edge = pixels.filter((_, i) => i < 28 || i >= 27 * 28);
    expect(edge.filter((p) => p > 0.5)).toEqual([]);
  }
});
