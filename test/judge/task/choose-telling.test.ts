/** Samples are chosen that the original answers surely and not all alike. */
import { describe, expect, it } from 'vitest';
import { choicesIn, chooseTelling, varietyOf } from '../../../src/judge/task/choose-telling.ts';
import { answerReader, type Told } from '../../../src/judge/task/telling.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

const told = (choice: string | null, sureness: number, ...numbers: number[]): Told => ({
  ...{ choice, sureness, numbers: Float32Array.from(numbers) },
});

describe('answers that are choices', () => {
  const answers = [
    told('a', 0.9),
    told('a', 0.8),
    told('a', 0.95),
    told('b', 0.3),
    told('c', 0.6),
    told('b', 0.1),
  ];

  it('are taken by turns, the surest of each first', () => {
    expect(chooseTelling(answers, 3)).toEqual([2, 3, 4]);
    expect(chooseTelling(answers, 4)).toEqual([0, 2, 3, 4]);
    expect(chooseTelling(answers, 9)).toHaveLength(6);
  });

  it('vary by the share that is not the usual one', () => {
    expect(varietyOf(answers)).toBeCloseTo(0.5);
    expect(choicesIn(answers)).toBe(3);
    expect(varietyOf([told('a', 1), told('a', 1)])).toBe(0);
  });
});

describe('answers that are numbers', () => {
  it('are taken as far from each other as can be, among the surer half', () => {
    const numbers = [
      told(null, 1, 0),
      told(null, 1, 0.1),
      told(null, 1, 10),
      told(null, 1, 5),
      told(null, 0.1, 99),
    ];
    expect(chooseTelling(numbers, 3)).toEqual([0, 2, 3]);
    expect(choicesIn(numbers)).toBeNull();
  });

  it('vary not at all where they are always the same', () => {
    expect(varietyOf([told(null, 1, 2, 3), told(null, 1, 2, 3)])).toBe(0);
    expect(varietyOf([told(null, 1, 2, -3), told(null, 1, -2, 3)])).toBe(1);
  });

  it('vary by the share in which anything is found, where something is to be found', () => {
    expect(varietyOf([told(null, 0.02, 1), told(null, 0.9, 2), told(null, 0.1, 3), told(null, 0.2, 4)])).toBe(
      0.25,
    );
  });
});

it('reads the class and how sure it is off scores', () => {
  const port = { name: 'scores', dtype: 'float32', shape: [1, 3] } as const;
  const task = {
    name: 'classification',
    by: 'outputs',
    evidence: '',
    outputs: [{ name: 'scores', role: 'scores' }],
  };
  const read = answerReader({ task: task as never, inputs: [], outputs: [port] });
  const { choice, sureness } = read({ scores: tensorOf('float32', [1, 3], [0.1, 0.7, 0.2]) });
  expect(choice).toBe('1');
  expect(sureness).toBeCloseTo(0.5);
});
