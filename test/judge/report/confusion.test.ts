import { describe, expect, it } from 'vitest';
import { createClassificationMeter } from '../../../src/judge/evaluate/classification.ts';
import { type Confusion, confusionOf, mostConfused } from '../../../src/judge/report/confusion.ts';
import { confusion } from '../../../src/judge/report/html/confusion.ts';

/** @param answers  [label, answer of the original, answer of the result] of each sample, of `classes` classes */
function confused(classes: number, answers: readonly (readonly [number, number, number])[]): Confusion {
  const [before, after] = [createClassificationMeter(), createClassificationMeter()];
  const scores = (answer: number) => Array.from({ length: classes }, (_, i) => (i === answer ? 1 : 0));
  for (const [label, first, second] of answers) {
    before.add(scores(first), label);
    after.add(scores(second), label);
  }
  return confusionOf(before.result(), after.result(), (index) => `<class ${index}>`);
}

const small = confused(3, [
  [0, 0, 0],
  [0, 0, 2],
  [2, 2, 2],
  [2, 0, 2],
]);

const shown = (found: Confusion) => confusion(found).markup;

describe('which classes are taken for which', () => {
  it('is counted for both models, in one list', () => {
    expect(small).toEqual({
      classes: [
        { index: 0, name: '<class 0>', samples: 2 },
        { index: 2, name: '<class 2>', samples: 2 },
      ],
      pairs: [
        { truth: 0, predicted: 0, before: 2, after: 1 },
        { truth: 0, predicted: 2, before: 0, after: 1 },
        { truth: 2, predicted: 0, before: 1, after: 0 },
        { truth: 2, predicted: 2, before: 1, after: 2 },
      ],
    });
  });

  it('has the pairs first that the result confuses most often, right answers not among them', () => {
    expect(mostConfused(small, 10)).toEqual([small.pairs[1], small.pairs[2]]);
    expect(mostConfused(small, 1)).toEqual([small.pairs[1]]);
  });

  it('is a table of all classes where they are few, with the change from the original', () => {
    const text = shown(small);
    expect(text).toContain('<table class="matrix">');
    expect(text).toContain('<td class="miss" style="--share:50">1<small>+1</small></td>');
    expect(text).toContain('<td class="hit" style="--share:100">2<small>+1</small></td>');
    expect(text).not.toContain('title="<class');
  });

  it('is the ten most confused pairs where they are many', () => {
    const many = confused(
      40,
      Array.from({ length: 40 }, (_, i) => [i, i, (i + (i < 12 ? 1 : 0)) % 40] as const),
    );
    const text = shown(many);
    expect(text).not.toContain('<table class="matrix">');
    expect(text).toContain('The 10 pairs confused most often, of 40 classes');
    expect(text.match(/<th scope="row"/g)).toHaveLength(10);
  });

  it('says so where many classes are never confused', () => {
    const right = confused(
      40,
      Array.from({ length: 40 }, (_, i) => [i, i, i] as const),
    );
    expect(shown(right)).toContain('Neither model takes a class for another.');
  });
});
