/** Ten steps of every optimiser, running statistics and schedules, against PyTorch's. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { rateFactor, type ScheduleSpec } from '../../../src/compute/train/schedule.ts';
import { buildTrainingStep, type StepSpec } from '../../../src/compute/train/step.ts';
import { openTrainer } from '../../../src/compute/train/trainer.ts';
import { batchNorm, conv, dense, linear, networkBuilder } from '../../../src/model/build/index.ts';
import { setConstant } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { answers, distance, wave } from './pytorch.ts';

let engine: Engine;
let wasm: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
  wasm = await openEngine('wasm');
});

function start(model: Model, weights: Readonly<Record<string, Tensor>>): Model {
  const known = [...model.graph.initializers];
  for (const [name, tensor] of Object.entries(weights)) {
    const value = known.find((v) => v.name === name);
    expect(value, `${name} among ${known.map((v) => v.name)}`).toBeDefined();
    if (value) setConstant(value, tensor);
  }
  return model;
}

const names = ['first/weight', 'first/bias', 'second/weight', 'second/bias'] as const;

/** tanh(x·W₁ + b₁)·W₂ + b₂ with the weights of pytorch.py. */
function perceptron(): Model {
  const b = networkBuilder({ name: 'perceptron' });
  const x = b.input('x', 'float32', ['batch', 5]);
  const hidden = b.op('Tanh', [linear(b, 'first', x, { inputs: 5, outputs: 8 })]);
  b.output('y', linear(b, 'second', hidden, { inputs: 8, outputs: 3 }));
  const [w1, b1, w2, b2] = names;
  return start(b.build(), {
    [w1]: wave(10, [5, 8], 0.5),
    [b1]: wave(11, [8], 0.5),
    [w2]: wave(12, [8, 3], 0.5),
    [b2]: wave(13, [3], 0.5),
  });
}

type Case = readonly [string, Pick<StepSpec, 'optimizer'> & Partial<StepSpec>, number];

const sgd = { kind: 'sgd' } as const;
const cases: readonly Case[] = [
  ['sgd', { optimizer: sgd }, 0.1],
  ['sgd with momentum', { optimizer: { ...sgd, momentum: 0.9 } }, 0.1],
  ['sgd with Nesterov', { optimizer: { ...sgd, momentum: 0.9, nesterov: true } }, 0.1],
  ['sgd with momentum and decay', { optimizer: { ...sgd, momentum: 0.9 }, weightDecay: 0.05 }, 0.1],
  ['sgd with L1', { optimizer: sgd, l1: 0.02 }, 0.1],
  ['sgd, clipped', { optimizer: sgd, clipNorm: 0.1 }, 0.1],
  ['sgd, averaged', { optimizer: sgd, ema: 0.8 }, 0.1],
  ['adam', { optimizer: { kind: 'adam' } }, 0.02],
  ['adam with decay', { optimizer: { kind: 'adam' }, weightDecay: 0.05 }, 0.02],
  ['adam with its own betas', { optimizer: { kind: 'adam', beta1: 0.5, beta2: 0.9, epsilon: 1e-3 } }, 0.02],
  ['adamw', { optimizer: { kind: 'adamw' }, weightDecay: 0.5 }, 0.02],
];

async function tenSteps(on: Engine, spec: Case[1], learningRate: number) {
  const step = buildTrainingStep(perceptron(), {
    shapes: { x: [6, 5] },
    losses: [{ kind: 'mse', target: 'labels' }],
    ...spec,
  });
  const trainer = await openTrainer(on, step, { threads: 1 });
  const losses: number[] = [];
  for (let i = 0; i < 10; i++) {
    const batch = { x: wave(14, [6, 5]), labels: wave(15, [6, 3]) };
    losses.push((await trainer.run(batch, { learningRate, seed: 0 })).loss);
  }
  const weights = trainer.weights((spec.ema ?? 0) > 0);
  await trainer.close();
  return { losses, weights };
}

describe('ten steps against PyTorch', () => {
  it.each(cases)('%s', async (name, spec, rate) => {
    const { losses, weights } = await tenSteps(engine, spec, rate);
    const expected = answers.trajectories[name];
    expected?.losses.forEach((loss, i) => {
      expect(Math.abs(loss - (losses[i] as number)), `loss of step ${i + 1}`).toBeLessThan(1e-5 * (1 + loss));
    });
    // float32 sums in another order, carried on for ten steps.
    names.forEach((weight, i) => {
      expect(distance(weights[weight], expected?.weights[i] ?? []), weight).toBeLessThan(2e-5);
    });
  });

  it('has an answer for every case, and a case for every answer', () => {
    expect(Object.keys(answers.trajectories).sort()).toEqual(cases.map(([name]) => name).sort());
  });

  it.each(['sgd with Nesterov', 'adamw'])('%s on wasm', async (name) => {
    const [, spec, rate] = cases.find((c) => c[0] === name) as Case;
    const { weights } = await tenSteps(wasm, spec, rate);
    names.forEach((weight, i) => {
      const expected = answers.trajectories[name]?.weights[i] ?? [];
      expect(distance(weights[weight], expected), weight).toBeLessThan(2e-5);
    });
  });
});

/** A matrix [rows, columns] as [columns, rows]. */
const turned = (values: ArrayLike<number>, rows: number, columns: number) =>
  Float32Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number,
  );

describe('BatchNormalization in training', () => {
  it("keeps PyTorch's running mean and variance, and learns the same weights", async () => {
    const b = networkBuilder({ name: 'normalised' });
    const image = b.input('x', 'float32', ['batch', 2, 5, 5]);
    const sum = conv(b, 'conv', image, { inputs: 2, outputs: 4, bias: false });
    const pooled = b.op('GlobalAveragePool', [b.op('Relu', [batchNorm(b, 'norm', sum, 4)])]);
    b.output('y', dense(b, 'head', b.op('Flatten', [pooled], { axis: 1 }), { inputs: 4, outputs: 3 }));
    const affine = (offset: number, factor: number, t: Tensor) =>
      tensorOf(
        'float32',
        t.dims,
        float32Values(t).map((v) => offset + factor * v),
      );
    const head = float32Values(wave(23, [3, 4]));
    const model = start(b.build(), {
      'conv/weight': wave(20, [4, 2, 3, 3]),
      'norm/scale': affine(1, 0.1, wave(21, [4])),
      'norm/bias': affine(0, 0.1, wave(22, [4])),
      'head/weight': tensorOf('float32', [4, 3], turned(head, 3, 4)),
    });
    const step = buildTrainingStep(model, {
      shapes: { x: [4, 2, 5, 5] },
      losses: [{ kind: 'cross-entropy' }],
      optimizer: sgd,
    });
    const trainer = await openTrainer(engine, step, { threads: 1 });
    for (let i = 0; i < 5; i++)
      await trainer.run(
        { x: wave(30 + i, [4, 2, 5, 5]), labels: tensorOf('int64', [4], [0, 1, 2, 0]) },
        { learningRate: 0.1, seed: 0 },
      );
    const weights = trainer.weights();
    await trainer.close();
    const { mean, variance, scale, kernel, head: theirs } = answers.normalised;
    expect(distance(weights['norm/mean'], mean)).toBeLessThan(1e-5);
    expect(distance(weights['norm/variance'], variance)).toBeLessThan(1e-5);
    expect(distance(weights['norm/scale'], scale)).toBeLessThan(1e-5);
    expect(distance(weights['conv/weight'], kernel)).toBeLessThan(1e-5);
    expect(distance(weights['head/weight'], [...turned(theirs, 3, 4)])).toBeLessThan(1e-5);
  });
});

describe('schedules', () => {
  it.each<readonly [string, ScheduleSpec]>([
    ['cosine', { kind: 'cosine' }],
    ['cosine to a tenth', { kind: 'cosine', end: 0.1 }],
    ['linear', { kind: 'linear' }],
    ['step', { kind: 'step', at: [0.5, 0.75] }],
    ['warm-up, then cosine', { kind: 'cosine', warmup: 0.2 }],
  ])('%s is as in PyTorch', (name, spec) => {
    const rates = Array.from({ length: 20 }, (_, i) => rateFactor(spec, i, 20));
    answers.schedules[name]?.forEach((rate, i) => {
      expect(rates[i], `step ${i}`).toBeCloseTo(rate, 10);
    });
  });

  it('stays where it is when it is constant', () => {
    expect([0, 7, 19].map((i) => rateFactor({ kind: 'constant' }, i, 20))).toEqual([1, 1, 1]);
  });
});
