import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import type { DataSource, Sample } from '../../src/data/source.ts';
import { evaluateModel } from '../../src/jobs/evaluate-model.ts';
import { evaluateNumbers } from '../../src/jobs/evaluate-numbers.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';

const subject = (name: string, body: string) => {
  const text = `<ir_version: 8, opset_import: ["" : 17]> g (float[1,2] x) => (float[1,2] y) ${body}`;
  return { model: openedFromModel(parseModel(text), name) };
};

const same = subject('same', '{ y = Identity (x) }');
const zero = subject('zero', '{ y = Sub (x, x) }');

function source(samples: readonly Sample[]): DataSource {
  return {
    name: 'numbers',
    kind: 'npz',
    length: samples.length,
    labelled: samples.some((s) => s.label !== undefined),
    targeted: samples.some((s) => s.target),
    classes: null,
    guessed: [],
    preprocessing: null,
    hash: async () => '',
    read: async (i) => samples[i]!,
  };
}

const row = (values: readonly number[]) => tensorOf('float32', [1, 2], values);

// The numbers of scikit-learn's example for r2_score of several outputs, as one list: MSE 0.375, MAE 0.5, R² 0.9486.
const predicted = [
  [2.5, 0],
  [2, 8],
];
const targets = [
  [3, -0.5],
  [2, 7],
];
const samples = predicted.map((x, i) => ({ id: `${i}`, inputs: { x: row(x) }, target: row(targets[i]!) }));
const asked = async (metrics: readonly string[], given: readonly Sample[] = samples) => ({
  engine: await openEngine(),
  source: source(given),
  indices: given.map((_, i) => i),
  metrics,
});

describe('errors of predicted numbers', () => {
  it("are scikit-learn's, with those of a baseline beside them", async () => {
    const options = { ...(await asked(['mse', 'mae', 'r2'])), baseline: zero };
    const { metrics } = await evaluateNumbers(same, options);
    expect(metrics.map((m) => m.after)).toEqual([0.375, 0.5, expect.closeTo(0.9486081370449679, 12)]);
    // Σy² / 4 and Σ|y| / 4.
    expect(metrics.slice(0, 2).map((m) => m.before)).toEqual([15.5625, 3.125]);
    expect(metrics.map((m) => m.higherIsBetter)).toEqual([false, false, true]);
  });

  it('are refused without targets, and with targets of another size', async () => {
    const bare = samples.map(({ id, inputs }) => ({ id, inputs }));
    await expect(evaluateNumbers(same, await asked(['mae'], bare))).rejects.toMatchObject({
      code: 'TARGETS_REQUIRED',
    });
    const labelled = bare.map((s) => ({ ...s, label: 1 }));
    await expect(evaluateNumbers(same, await asked(['mae'], labelled))).rejects.toMatchObject({
      code: 'TARGET_SIZE',
    });
  });
});

it('evaluation of classes says what each class was taken for', async () => {
  const labelled = samples.map(({ id, inputs }) => ({ id, inputs, label: 0 }));
  const { confusion } = await evaluateModel(same, await asked([], labelled));
  expect(confusion).toEqual([
    { truth: 0, predicted: 0, count: 1 },
    { truth: 0, predicted: 1, count: 1 },
  ]);
});
