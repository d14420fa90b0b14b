import { describe, expect, it } from 'vitest';
import { levelOf, measured, pointsLost } from '../../../src/judge/task/measure.ts';
import { openMeter } from '../../../src/judge/task/measures-of.ts';
import { ssim } from '../../../src/judge/task/meters/ssim.ts';
import type { Role } from '../../../src/judge/task/task.ts';
import type { Port } from '../../../src/model/ir/port.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import type { TaskName } from '../../../src/support/task.ts';

const floats = (dims: readonly number[], values: ArrayLike<number>) => tensorOf('float32', dims, values);

/** Measures of one output by id, after pairs of what it was and is. */
function measure(
  name: TaskName,
  role: Role,
  pairs: readonly (readonly [Tensor, Tensor])[],
  inputs: readonly Port[] = [],
): Record<string, number | null> {
  const outputs = [{ name: 'y', role }];
  const meter = openMeter({ task: { name, by: 'outputs', evidence: '', outputs }, inputs, outputs: [] })!;
  for (const [before, after] of pairs) meter.add({ y: before }, { y: after }, { inputs: {} });
  return Object.fromEntries(meter.result().map(({ id, value }) => [id, value]));
}

describe('of vectors', () => {
  const vectors = (rows: readonly (readonly number[])[]) => rows.map((r) => floats([1, r.length], r));
  // At 0°, 10°, 25° and 180°: the second is the nearest of the first and third, the third of the fourth.
  const angles = [0, 10, 25, 180].map((a) => (a * Math.PI) / 180);
  const before = vectors(angles.map((a) => [2 * Math.cos(a), 2 * Math.sin(a)]));

  it('is the cosine of the angle between before and after, whatever their lengths', () => {
    const after = vectors(
      [...angles.slice(0, 3), angles[3]! + Math.PI / 3].map((a) => [Math.cos(a), Math.sin(a)]),
    );
    const found = measure(
      'embedding',
      'embedding',
      before.map((b, i) => [b, after[i]!] as const),
    );
    expect(found['cosine-mean']).toBeCloseTo((1 + 1 + 1 + 0.5) / 4, 6);
    expect(found['cosine-worst']).toBeCloseTo(0.5, 6);
  });

  it('counts samples whose nearest neighbour is still the same', () => {
    // The third moves to 178°: it is the nearest of the fourth still, the fourth is its own now, the others keep theirs.
    const moved = [0, 10, 178, 180].map((a) => (a * Math.PI) / 180);
    const after = vectors(moved.map((a) => [Math.cos(a), Math.sin(a)]));
    const found = measure(
      'embedding',
      'embedding',
      before.map((b, i) => [b, after[i]!] as const),
    );
    expect(found['neighbours-kept']).toBe(0.75);
  });

  it('takes the mean over tokens that the mask has', () => {
    const outputs = [{ name: 'y', role: 'tokens' as const }];
    const task = { name: 'embedding', by: 'outputs', evidence: '', outputs } as const;
    const meter = openMeter({ task, inputs: [], outputs: [] })!;
    const [x, y] = [floats([1, 3, 2], [1, 0, 1, 0, 9, 9]), floats([1, 3, 2], [1, 1, 1, -1, -5, 3])];
    const mask = tensorOf('int64', [1, 3], [1n, 1n, 0n]);
    meter.add({ y: x }, { y }, { inputs: { attention_mask: mask } });
    // (1, 0) before and after: the third token is padding.
    expect(meter.result()[0]!.value).toBeCloseTo(1, 12);
  });
});

describe('of numbers', () => {
  it('is the error against what each number varies by over samples, and in its own unit', () => {
    // The first number is 0 and 2, the second 10 and 14: variances 1 and 4, of which the sum is 2·(1 + 4) over both samples.
    const found = measure('regression', 'values', [
      [floats([1, 2], [0, 10]), floats([1, 2], [1, 10])],
      [floats([1, 2], [2, 14]), floats([1, 2], [2, 11])],
    ]);
    expect(found['relative-error']).toBeCloseTo(Math.sqrt((1 + 9) / 10), 12);
    expect(found['rmse']).toBeCloseTo(Math.sqrt((1 + 9) / 4), 12);
    expect(found['mae']).toBe((1 + 3) / 4);
  });
});

describe('of a reconstruction', () => {
  it('is how far each model is from what went in', () => {
    const port = (name: string): Port => ({ name, dtype: 'float32', shape: ['N', 2] });
    const outputs = [{ name: 'y', role: 'values' as const }];
    const task = { name: 'regression', by: 'outputs', evidence: '', outputs } as const;
    const meter = openMeter({ task, inputs: [port('x')], outputs: [port('y')] })!;
    const x = floats([1, 2], [1, 2]);
    meter.add({ y: floats([1, 2], [1, 4]) }, { y: floats([1, 2], [4, 2]) }, { inputs: { x } });
    const [rmse] = meter.quality!();
    expect(rmse).toMatchObject({ higherIsBetter: false, before: Math.sqrt(2), after: Math.sqrt(4.5) });
    expect(rmse!.name).toContain('reconstruction');
  });
});

describe('of pictures', () => {
  const [height, width] = [9, 12];
  const x = Float32Array.from({ length: height * width }, (_, i) => ((7 * i * i + 3 * i) % 101) / 101);
  const y = x.map((v, i) => v + (((5 * i) % 11) - 5) / 100);

  it('has the SSIM and PSNR of scikit-image 0.26 (structural_similarity, peak_signal_noise_ratio, data_range 1)', () => {
    const [similar, noise] = [0.9947111248703734, 29.987952913861076];
    expect(ssim(x, y, { height, width, range: 1 })).toBeCloseTo(similar, 6);
    const found = measure('image-to-image', 'image', [
      [floats([1, 1, height, width], x), floats([1, 1, height, width], y)],
    ]);
    expect(found['psnr']).toBeCloseTo(noise, 4);
    expect(found['ssim']).toBeCloseTo(similar, 6);
  });

  it('takes channels for what they are where they come last', () => {
    const three = (v: Float32Array) =>
      Float32Array.from({ length: 3 * v.length }, (_, i) => v[Math.floor(i / 3)]!);
    const picture = { name: 'x', dtype: 'float32', shape: ['N', height, width, 3] } as const;
    const found = measure(
      'image-to-image',
      'image',
      [[floats([1, height, width, 3], three(x)), floats([1, height, width, 3], three(y))]],
      [picture],
    );
    expect(found['ssim']).toBeCloseTo(0.9947111248703734, 6);
  });
});

describe('of masks', () => {
  it('is the mean over classes of what both cover by what either covers', () => {
    const scores = (classes: readonly number[]) =>
      floats(
        [1, 3, 1, 4],
        [0, 1, 2].flatMap((c) => classes.map((k) => (k === c ? 1 : 0))),
      );
    const found = measure('segmentation', 'mask', [[scores([0, 0, 1, 2]), scores([0, 1, 1, 2])]]);
    expect(found['mean-iou']).toBeCloseTo((1 / 2 + 1 / 2 + 1) / 3, 12);
    expect(found['same-places']).toBe(0.75);
  });

  it('judges one channel by where it is above a half, and says nothing where neither is', () => {
    const mask = (values: readonly number[]) => floats([1, 1, 1, 4], values);
    const found = measure('segmentation', 'mask', [[mask([0.9, 0.6, 0.4, 0]), mask([0.7, 0.4, 0.3, 0])]]);
    expect(found['mean-iou']).toBe(0.5);
    expect(
      measure('segmentation', 'mask', [[mask([0, 0, 0, 0]), mask([0, 0.1, 0, 0])]])['mean-iou'],
    ).toBeNull();
  });
});

it('counts what is there for both twice, against what is there for either (F1)', () => {
  const found = measure('tagging', 'activations', [
    [floats([1, 4], [0.9, 0.8, 0.1, 0.2]), floats([1, 4], [0.9, 0.3, 0.6, 0.2])],
  ]);
  expect(found['activations-f1']).toBeCloseTo((2 * 1) / (2 + 2), 12);
  expect(found['activations-error']).toBeCloseTo((0.5 + 0.5) / 4, 6);
});

it('reads letters off as CTC does: repetitions once, blanks not, and again after a blank', () => {
  const steps = (classes: readonly number[]) =>
    floats(
      [1, classes.length, 4],
      classes.flatMap((k) => [0, 1, 2, 3].map((c) => (c === k ? 1 : 0))),
    );
  // "abb" against "ab": one of three letters is missing.
  const found = measure('transcription', 'letters', [
    [steps([1, 1, 0, 2, 0, 2]), steps([1, 0, 0, 2, 2, 2])],
    [steps([3, 3, 0, 0, 0, 0]), steps([0, 0, 0, 3, 0, 0])],
  ]);
  expect(found).toEqual({ 'text-kept': 0.5, 'characters-kept': 1 - 1 / 4 });
});

describe('a measure', () => {
  it('is doubtful and bad beyond its limits, whichever way it points', () => {
    const levels = [0.97, 0.96, 0.89].map((v) => levelOf(measured('same-top-1', v)));
    expect(levels).toEqual(['plain', 'warn', 'bad']);
    expect([0.1, 0.2, 0.4].map((v) => levelOf(measured('relative-error', v)))).toEqual([
      'plain',
      'warn',
      'bad',
    ]);
  });

  it('loses points against a model that answers alike', () => {
    expect(pointsLost(measured('mean-iou', 0.9))).toBeCloseTo(10, 9);
    expect(pointsLost(measured('relative-error', 0.02))).toBeCloseTo(2, 9);
    expect(pointsLost(measured('psnr', 30))).toBeNull();
  });

  it('has no value where that is no number', () => {
    expect(measured('rmse', Number.NaN).value).toBeNull();
  });
});
