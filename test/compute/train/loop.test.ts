/** What a training run promises: the same bits, equal sums, the best weights, a stop before ruin. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { classLabels, epochOrder, tensorData } from '../../../src/compute/train/data.ts';
import { type TrainEvent, type TrainOptions, train, trainToEnd } from '../../../src/compute/train/loop.ts';
import type { EpochRecord } from '../../../src/compute/train/position.ts';
import { buildTrainingStep } from '../../../src/compute/train/step.ts';
import { openTrainer } from '../../../src/compute/train/trainer.ts';
import { syntheticInputs } from '../../../src/data/synthetic.ts';
import { mlp } from '../../../src/model/build/index.ts';
import { openedFromModel } from '../../../src/model/formats/opened.ts';
import { setConstant } from '../../../src/model/ir/edit.ts';
import { dtypeOf, type Model, shapeOf } from '../../../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { measureIsolated } from '../../../src/ship/profile/isolated.ts';
import { distance, wave } from './pytorch.ts';
import { settings, student, weightsOf } from './run.ts';

let engine: Engine;
let options: TrainOptions;
beforeAll(async () => {
  engine = await openEngine('node');
  options = await settings(engine);
});

const trained = async (change: Partial<TrainOptions> = {}) =>
  (await trainToEnd(student(), { ...options, ...change })).model;

const tensorsOf = (model: Model) =>
  Object.fromEntries([...model.graph.initializers].map((v) => [v.name, v.constant as Tensor]));

describe('the same run', () => {
  it('gives the same bits with the same seed, others with another', async () => {
    const [a, b, c] = [await trained(), await trained(), await trained({ seed: 4 })].map(weightsOf);
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
  });

  it('leaves the model it was given as it was', async () => {
    const model = student();
    const before = weightsOf(model);
    await trainToEnd(model, options);
    expect(weightsOf(model)).toEqual(before);
  });

  it('learns the same on wasm, within rounding', async () => {
    const short: Partial<TrainOptions> = { epochs: 1, optimizer: { kind: 'sgd' } };
    const native = tensorsOf(await trained(short));
    const wasm = tensorsOf(await trained({ ...short, engine: await openEngine('wasm') }));
    // Five steps; sums in another order.
    for (const [name, t] of Object.entries(native))
      expect(distance(wasm[name], [...float32Values(t)]), name).toBeLessThan(1e-4);
  });

  it('sees every sample once an epoch, in another order each time', () => {
    const orders = [0, 1].map((epoch) => epochOrder(50, epoch, 7));
    for (const order of orders)
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(orders[0]).not.toEqual(orders[1]);
    expect(epochOrder(50, 1, 7)).toEqual(orders[1]);
    expect(epochOrder(50, 1, 8)).not.toEqual(orders[1]);
  });
});

const plain: Partial<TrainOptions> = { ema: 0, clipNorm: 0, schedule: { kind: 'constant' } };

/** A network without random parts or batch statistics, on numbers in memory. */
function calm(engineOf: Engine, samples: number): { model: Model; options: TrainOptions } {
  const model = mlp({ inputs: 6, hidden: [8], classes: 3, seed: 2 });
  const [name = ''] = model.graph.inputs.map((v) => v.name);
  const inputs = wave(1, [samples, 6]);
  const labels = classLabels(Array.from({ length: samples }, (_, i) => i % 3));
  return {
    model,
    options: {
      ...(options as TrainOptions),
      ...plain,
      engine: engineOf,
      data: tensorData({ [name]: inputs }, labels),
      optimizer: { kind: 'sgd', momentum: 0.9 },
      weightDecay: 0,
      losses: [{ kind: 'cross-entropy' }],
    },
  };
}

describe('accumulation', () => {
  it('of four batches is one batch of four times the size', async () => {
    const { model, options: given } = calm(engine, 24);
    const one = await trainToEnd(model, { ...given, batch: 24, epochs: 4 });
    const four = await trainToEnd(model, { ...given, batch: 6, epochs: 4, accumulate: 4 });
    for (const [name, t] of Object.entries(tensorsOf(one.model)))
      expect(distance(tensorsOf(four.model)[name], [...float32Values(t)]), name).toBeLessThan(1e-5);
    expect(weightsOf(one.model)).not.toEqual(weightsOf(model));
  });

  it('of more batches than the run has still updates', async () => {
    const { model, options: given } = calm(engine, 24);
    const { model: after } = await trainToEnd(model, { ...given, batch: 12, epochs: 1, accumulate: 64 });
    expect(weightsOf(after)).not.toEqual(weightsOf(model));
  });
});

describe('the choice of an epoch', () => {
  async function scripted(metrics: readonly number[], change: Partial<TrainOptions> = {}) {
    const { model, options: given } = calm(engine, 24);
    const seen: Record<string, string>[] = [];
    const result = await trainToEnd(model, {
      ...given,
      ...change,
      epochs: metrics.length,
      evaluate: async (m) => metrics[seen.push(weightsOf(m)) - 1] as number,
    });
    return { result, seen };
  }

  it('keeps the weights of the best one', async () => {
    const { result, seen } = await scripted([0.2, 0.7, 0.5, 0.6]);
    expect(result.best).toEqual({ epoch: 2, metric: 0.7 });
    expect(weightsOf(result.model)).toEqual(seen[1]);
    expect(result.stopped).toBe('finished');
  });

  it('stops when patience ends, and says so', async () => {
    const { result, seen } = await scripted([0.2, 0.7, 0.5, 0.6, 0.9], { patience: 2 });
    expect(seen).toHaveLength(4);
    expect(result).toMatchObject({ stopped: 'early', best: { epoch: 2 } });
  });

  it('never takes a metric that is not a number for the best', async () => {
    const { result } = await scripted([Number.NaN, 0.1, Number.NaN]);
    expect(result.best).toEqual({ epoch: 2, metric: 0.1 });
  });

  it('reports every epoch with the rate at its end', async () => {
    const { model, options: given } = calm(engine, 24);
    const events: TrainEvent[] = [];
    for await (const e of train(model, { ...given, batch: 8, epochs: 2, schedule: { kind: 'linear' } }))
      events.push(e);
    const epochs = events.filter((e) => e.kind === 'epoch') as (EpochRecord & { kind: 'epoch' })[];
    expect(events.map((e) => e.kind)).toEqual([
      'step',
      'step',
      'step',
      'epoch',
      'step',
      'step',
      'step',
      'epoch',
    ]);
    expect(epochs.map((e) => e.learningRate / given.learningRate)).toEqual([
      expect.closeTo(4 / 6, 6),
      expect.closeTo(1 / 6, 6),
    ]);
  });
});

describe('a loss that is not a number', () => {
  it('stops the run and names the step', async () => {
    const { model, options: given } = calm(engine, 24);
    const run = trainToEnd(model, { ...given, epochs: 50, learningRate: 1e30 });
    await expect(run).rejects.toMatchObject({ code: 'TRAINING_DIVERGED', kind: 'user' });
  });

  it('names the weights whose gradients it spoilt, and leaves all weights as they were', async () => {
    const model = student();
    const step = buildTrainingStep(model, {
      shapes: { image: [4, 1, 8, 8] },
      losses: [{ kind: 'cross-entropy' }],
      optimizer: { kind: 'adam' },
    });
    const trainer = await openTrainer(engine, step);
    const batch = { image: wave(1, [4, 1, 8, 8]), labels: classLabels([0, 1, 0, 1]) };
    await trainer.run(batch, { learningRate: 0.01, seed: 0 });
    const before = trainer.state();
    const bad = {
      ...batch,
      image: tensorOf('float32', [4, 1, 8, 8], new Float32Array(256).fill(Number.NaN)),
    };
    await expect(trainer.run(bad, { learningRate: 0.01, seed: 0 })).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/Step 2 .*Every gradient .*weights before it are kept/),
    });
    const after = trainer.state();
    for (const [name, t] of Object.entries(before)) expect(after[name]?.bytes(), name).toEqual(t.bytes());
    expect(trainer.steps).toBe(1);
    await trainer.run(batch, { learningRate: 0.01, seed: 0 });
    expect(trainer.steps).toBe(2);
    await trainer.close();
  });

  it('names the weights whose gradients are none, where others are fine', async () => {
    // A weight of 0 hides the size of its input from the loss, not from its own gradient.
    const model = mlp({ inputs: 6, hidden: [8], classes: 3, seed: 2 });
    for (const v of model.graph.initializers) {
      const { dims } = v.constant as Tensor;
      const value = v.name === 'classifier/weight' ? 100 : v.name === 'hidden0/bias' ? 1 : 0;
      const numbers = Array.from({ length: elementCount(dims) }, (_, i) => value * (1 + (i % 3)));
      setConstant(v, tensorOf('float32', dims, numbers));
    }
    const { options: given } = calm(engine, 24);
    const huge = tensorOf('float32', [24, 6], new Float32Array(144).fill(3e38));
    const data = tensorData({ pixels: huge }, classLabels(new Array(24).fill(0)));
    await expect(trainToEnd(model, { ...given, data })).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/gradients of hidden0\/weight \(1 of 4\)/),
    });
  });
});

describe('what is frozen', () => {
  it('keeps its bits, and the rest learns', async () => {
    const before = weightsOf(student());
    const after = weightsOf(await trained({ parameters: { freeze: ['conv0/*'] } }));
    for (const name of Object.keys(before).filter((n) => n.startsWith('conv0/') && !/mean|variance/.test(n)))
      expect(after[name], name).toBe(before[name]);
    expect(after['classifier/weight']).not.toBe(before['classifier/weight']);
  });

  it('is refused when it is everything', async () => {
    await expect(trained({ parameters: { freeze: ['*'] } })).rejects.toMatchObject({
      code: 'NOTHING_TO_TRAIN',
    });
  });

  it('are the running statistics when they are asked for as deployed', async () => {
    const before = weightsOf(student());
    const after = weightsOf(await trained({ statistics: 'running' }));
    const statistics = Object.keys(before).filter((n) => /mean|variance/.test(n));
    expect(statistics.length).toBeGreaterThan(0);
    for (const name of statistics) expect(after[name], name).toBe(before[name]);
  });
});

describe('recomputation', () => {
  const deep = () => mlp({ inputs: 6, hidden: Array.from({ length: 24 }, () => 64), classes: 3, seed: 2 });
  const stepOf = (batch: number, recompute: number) =>
    buildTrainingStep(deep(), {
      shapes: { pixels: [batch, 6] },
      losses: [{ kind: 'cross-entropy' }],
      optimizer: { kind: 'sgd' },
      recompute,
    });

  it('gives the same weights', async () => {
    const labels = classLabels(Array.from({ length: 32 }, (_, i) => i % 3));
    const [kept, again] = await Promise.all(
      [0, 5].map(async (segments) => {
        const trainer = await openTrainer(engine, stepOf(32, segments), { threads: 1 });
        for (let i = 0; i < 3; i++)
          await trainer.run({ pixels: wave(1, [32, 6]), labels }, { learningRate: 0.1, seed: 0 });
        const weights = trainer.weights();
        await trainer.close();
        return weights;
      }),
    );
    for (const [name, t] of Object.entries(kept ?? {}))
      expect(distance(again?.[name], [...float32Values(t)]), name).toBeLessThan(1e-6);
  });

  it('needs less memory: the heap of WebAssembly, in a process of its own', async () => {
    const added: number[] = [];
    for (const segments of [0, 5]) {
      const { model } = stepOf(1024, segments);
      const ports = model.graph.inputs.map((v) => ({
        name: v.name,
        dtype: dtypeOf(v) ?? 'float32',
        shape: shapeOf(v),
      }));
      const { memory } = await measureIsolated(openedFromModel(model), syntheticInputs(ports, { seed: 0 }), {
        engine: 'wasm',
        session: { threads: 1 },
        warmup: 1,
        minRepetitions: 1,
        maxRepetitions: 1,
        maxMs: 1000,
      });
      added.push(memory.peakBytes - memory.baselineBytes);
    }
    expect(added[1]).toBeLessThan(0.6 * (added[0] ?? 0));
  });
});
