import { expect, it } from 'vitest';
import { confusionMatrix, createClassificationMeter } from '../../../src/judge/evaluate/classification.ts';

const oneHot = (place: number, classes = 5) =>
  Array.from({ length: classes }, (_, i) => (i === place ? 1 : 0));

// Expected numbers: scikit-learn 1.9.1, precision_recall_fscore_support(zero_division=0) and
// confusion_matrix.
it('agrees with scikit-learn on precision, recall, F1 and confusion', () => {
  const truth = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3];
  const predicted = [0, 0, 1, 2, 1, 1, 0, 2, 2, 4];
  const meter = createClassificationMeter();
  for (const [i, label] of truth.entries())
    expect(meter.add(oneHot(predicted[i]!), label)).toBe(predicted[i]);
  const result = meter.result();
  expect(result.perClass).toEqual([
    { label: 0, precision: 2 / 3, recall: 0.5, f1: 4 / 7, support: 4 },
    { label: 1, precision: 2 / 3, recall: 2 / 3, f1: 2 / 3, support: 3 },
    { label: 2, precision: 2 / 3, recall: 1, f1: 0.8, support: 2 },
    { label: 3, precision: null, recall: 0, f1: 0, support: 1 },
    { label: 4, precision: 0, recall: null, f1: 0, support: 0 },
  ]);
  // 12 digits: sums of a few doubles.
  expect(result.macro.precision).toBeCloseTo(0.4, 12);
  expect(result.macro.recall).toBeCloseTo(0.4333333333333333, 12);
  expect(result.macro.f1).toBeCloseTo(0.4076190476190476, 12);
  expect(result.micro).toEqual({ precision: 0.6, recall: 0.6, f1: 0.6 });
  expect(result.weighted.precision).toBeCloseTo(0.6, 12);
  expect(result.weighted.recall).toBeCloseTo(0.6, 12);
  expect(result.weighted.f1).toBeCloseTo(0.5885714285714286, 12);
  expect(confusionMatrix(result)).toEqual([
    [2, 1, 1, 0, 0],
    [1, 2, 0, 0, 0],
    [0, 0, 2, 0, 0],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0],
  ]);
});

// scikit-learn: top_k_accuracy_score.
it('agrees with scikit-learn on top-k', () => {
  const meter = createClassificationMeter({ topK: [1, 2, 3] });
  const rows = [
    [0.1, 0.5, 0.2, 0.2],
    [0.4, 0.3, 0.2, 0.1],
    [0.1, 0.2, 0.3, 0.4],
    [0.25, 0.24, 0.26, 0.25],
  ];
  for (const [i, label] of [2, 1, 0, 3].entries()) meter.add(rows[i]!, label);
  expect(meter.result().accuracy.map((a) => a.value)).toEqual([0, 0.5, 0.75]);
});

it('gives the 95 % Wilson interval with each accuracy', () => {
  const meter = createClassificationMeter({ topK: [1] });
  for (let i = 0; i < 500; i++) meter.add(oneHot(i < 412 ? 0 : 1), 0);
  const { value, interval } = meter.result().accuracy[0]!;
  expect(value).toBe(0.824);
  // By hand: centre (p + z²/2n)/(1 + z²/n), half-width z/(1 + z²/n)·√(p(1−p)/n + z²/4n²), z = 1.96.
  expect(interval![0]).toBeCloseTo(0.7882, 4);
  expect(interval![1]).toBeCloseTo(0.8549, 4);
});

it('counts NaN as wrong, never as right', () => {
  const meter = createClassificationMeter({ topK: [1] });
  meter.add([Number.NaN, Number.NaN], 0);
  expect(meter.add([Number.NaN, 0.1], 1)).toBe(1);
  expect(meter.result().accuracy[0]!.value).toBe(0.5);
});

it('leaves out a top-k that every guess would reach', () => {
  const meter = createClassificationMeter();
  meter.add([0, 1, 0], 1);
  expect(meter.result().accuracy).toMatchObject([
    { k: 1, value: 1 },
    { k: 5, value: null, interval: null },
  ]);
});

it('has nothing to say before the first sample', () => {
  const { samples, accuracy, macro } = createClassificationMeter().result();
  expect([samples, accuracy[0]!.value, macro.f1]).toEqual([0, null, null]);
});

it('refuses a label outside the scores', () => {
  expect(() => createClassificationMeter().add([0, 1], 2)).toThrow(
    expect.objectContaining({ code: 'LABEL_RANGE' }),
  );
});
