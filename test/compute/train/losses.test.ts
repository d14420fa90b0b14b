/** Values and derivatives of every loss against PyTorch's. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEmitter } from '../../../src/compute/autodiff/emitter.ts';
import { differentiate } from '../../../src/compute/autodiff/gradients.ts';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { ignoredLabel, type LossTerm } from '../../../src/compute/train/losses.ts';
import { buildObjective } from '../../../src/compute/train/objective.ts';
import { addInput, addNode, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import type { Value } from '../../../src/model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';
import { answers, askAgain, distance, hasTorch, wave } from './pytorch.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

interface Case {
  readonly x: Tensor;
  readonly terms: readonly LossTerm[];
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Sizes of the teacher's value that hints name. */
  readonly hint?: readonly number[];
  /** Of the hint's projection. */
  readonly projection?: Tensor;
}

const int64 = (values: readonly number[], dims = [values.length]) => tensorOf('int64', dims, values);
const given = [0, 3, ignoredLabel, 4, 1, ignoredLabel];
const labels = int64(given);
const x = wave(0, [6, 5], 2);
const teacher = { 'teacher.x': wave(1, [6, 5], 3) };
const hinted = { 'teacher.u': wave(3, [2, 4, 2, 2]) };

const cases: Readonly<Record<string, Case>> = {
  'cross-entropy': { x, terms: [{ kind: 'cross-entropy' }], feeds: { labels } },
  smoothing: {
    x,
    terms: [{ kind: 'cross-entropy', smoothing: 0.2 }],
    feeds: { labels: int64(given.map((v) => Math.max(0, v))) },
  },
  mixup: {
    x,
    terms: [{ kind: 'cross-entropy', mixed: true }],
    feeds: {
      labels,
      'labels.other': int64([...given.slice(-1), ...given.slice(0, -1)]),
      'labels.share': tensorOf('float32', [], [0.3]),
    },
  },
  tokens: {
    x: wave(0, [2, 3, 5], 2),
    terms: [{ kind: 'cross-entropy' }],
    feeds: { labels: int64(given, [2, 3]) },
  },
  distillation: { x, terms: [{ kind: 'distillation', temperature: 4 }], feeds: teacher },
  weighted: {
    x,
    terms: [
      { kind: 'distillation', temperature: 2, weight: 0.9 },
      { kind: 'cross-entropy', weight: 0.1 },
    ],
    feeds: { ...teacher, labels },
  },
  mse: { x, terms: [{ kind: 'mse', target: 'teacher' }], feeds: teacher },
  cosine: { x, terms: [{ kind: 'cosine', target: 'teacher' }], feeds: teacher },
  hint: {
    x: wave(2, [2, 3, 2, 2]),
    terms: [{ kind: 'hint', student: 'x', teacher: 'u' }],
    feeds: hinted,
    hint: [2, 4, 2, 2],
    projection: wave(4, [4, 3, 1, 1]),
  },
  'hint of the last axis': {
    x: wave(2, [2, 3, 4]),
    terms: [{ kind: 'hint', student: 'x', teacher: 'u' }],
    feeds: { 'teacher.u': wave(5, [2, 3, 6]) },
    hint: [2, 3, 6],
    projection: wave(4, [4, 6]),
  },
  'attention-transfer': {
    x: wave(2, [2, 3, 2, 2]),
    terms: [{ kind: 'attention-transfer', student: 'x', teacher: 'u' }],
    feeds: hinted,
    hint: [2, 4, 2, 2],
  },
};

/** Outputs "loss", "d_x" and, for a projection, "d_w". */
async function compute({ x: input, terms, feeds = {}, hint, projection }: Case) {
  const model = createModel({ opsets: new Map([['', 21]]), irVersion: 10 });
  const { graph } = model;
  const value = addInput(graph, createValue(model.names, 'x', tensorType('float32', input.dims), true));
  addOutput(graph, value);
  const e = createEmitter(model);
  const objective = buildObjective(e, terms, hint ? { u: hint } : {});
  const weights = objective.auxiliary.map((a) => a.value);
  const named = (name: string, v: Value) => {
    const out = createValue(model.names, name, v.type, true);
    addNode(graph, { opType: 'Identity', inputs: [v], outputs: [out] });
    addOutput(graph, out);
  };
  lower(model, 'train');
  const gradients = differentiate(e, objective.loss, [value, ...weights]);
  named('loss', objective.loss);
  if (objective.accuracy) named('accuracy', objective.accuracy);
  for (const [name, v] of [
    ['d_x', value],
    ['d_w', weights[0]],
  ] as const)
    if (v) named(name, gradients.get(v) as Value);
  const session = await openKernel(engine, model);
  const projections = weights.map((w) => [w.name, projection as Tensor] as const);
  const out = await session.run({ x: input, ...feeds, ...Object.fromEntries(projections) });
  await session.close();
  return out;
}

describe('losses against PyTorch', () => {
  it.each(Object.entries(cases))('%s', async (name, c) => {
    const expected = answers.losses[name];
    const out = await compute(c);
    // float32 on both sides, sums in another order.
    expect(distance(out['loss'], [expected?.value ?? Number.NaN])).toBeLessThan(1e-5);
    for (const [leaf, values] of Object.entries(expected?.gradients ?? {}))
      expect(distance(out[`d_${leaf}`], values), `derivative by ${leaf}`).toBeLessThan(1e-5);
  });

  it('has an answer for every case, and a case for every answer', () => {
    expect(Object.keys(answers.losses).sort()).toEqual(Object.keys(cases).sort());
  });
});

describe('what a loss does at its limits', () => {
  it('is 0 for a student that answers as its teacher', async () => {
    const same = { x, feeds: { 'teacher.x': x } };
    for (const kind of ['distillation', 'mse', 'cosine'] as const) {
      const terms = [{ kind, target: 'teacher' } as LossTerm];
      expect(Math.abs(float32Values((await compute({ ...same, terms }))['loss'] as Tensor)[0]!)).toBeLessThan(
        1e-6,
      );
    }
  });

  it('gives 0 and no gradient when every label is ignored', async () => {
    const feeds = { labels: int64(given.map(() => ignoredLabel)) };
    const out = await compute({ x, terms: [{ kind: 'cross-entropy' }], feeds });
    expect(float32Values(out['loss'] as Tensor)[0]).toBe(0);
    expect(Math.max(...float32Values(out['d_x'] as Tensor).map(Math.abs))).toBe(0);
    expect(float32Values(out['accuracy'] as Tensor)[0]).toBe(0);
  });

  it('counts the hits among the labels that count', async () => {
    const scores = tensorOf('float32', [4, 2], [1, 0, 0, 1, 1, 0, 0, 1]);
    const feeds = { labels: int64([0, 0, ignoredLabel, 1]) };
    const out = await compute({ x: scores, terms: [{ kind: 'cross-entropy' }], feeds });
    expect(float32Values(out['accuracy'] as Tensor)[0]).toBeCloseTo(2 / 3, 6);
  });
});

describe('losses that fit no value', () => {
  const refused = (c: Case, code: string) => expect(compute(c)).rejects.toMatchObject({ code });

  it('names the value that the student lacks, and the nearest it has', async () => {
    const terms = [{ kind: 'hint', student: 'X', teacher: 'u' } as const];
    await expect(compute({ x, terms, hint: [6, 5] })).rejects.toMatchObject({
      code: 'LOSS_TARGET',
      message: expect.stringContaining('"X"'),
    });
  });

  it('refuses hints between layers whose positions differ, and an empty sum', async () => {
    const terms = [{ kind: 'hint', student: 'x', teacher: 'u' } as const];
    await refused({ x: wave(2, [2, 3, 2, 2]), terms, hint: [2, 3, 4, 4] }, 'HINT_SHAPES');
    await refused({ x, terms: [] }, 'LOSS_NOT_APPLICABLE');
  });
});

describe.skipIf(!hasTorch())('PyTorch here (skipped where it is not installed)', () => {
  it('gives the numbers that are kept', () => {
    const here = askAgain();
    // Other processors and versions round differently; the optimisers carry that on for ten steps.
    const close = (a: unknown, b: unknown, path: string): void => {
      if (typeof a === 'number') expect(Math.abs(a - (b as number)), path).toBeLessThan(1e-4);
      else for (const [k, v] of Object.entries(a as object)) close(v, (b as never)[k], `${path}.${k}`);
    };
    close(here, answers, 'pytorch.json');
  }, 60_000);
});
