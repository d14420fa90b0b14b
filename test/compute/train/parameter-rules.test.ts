import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { buildTrainingStep, type StepSpec } from '../../../src/compute/train/step.ts';
import { openTrainer } from '../../../src/compute/train/trainer.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { numbers, scalar, tensorOf } from '../../../src/model/ir/tensor.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

/** y = x·w with x = (1, 1), labels (1, 1), w = (2, 4): loss (w₁−1)²/2 + (w₂−1)²/2, gradient (w₁−1, w₂−1) = (1, 3). */
async function stepped(spec: Partial<StepSpec>): Promise<number[]> {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21]>
    g (float[N,2] x) => (float[N,2] y) < float[2] w = {2, 4} > { y = Mul (x, w) }`);
  const step = buildTrainingStep(model, {
    shapes: { x: [1, 2] },
    losses: [{ kind: 'mse', target: 'labels' }],
    optimizer: { kind: 'sgd' },
    parameters: { also: ['w'] },
    ...spec,
  });
  const trainer = await openTrainer(engine, step);
  const ones = tensorOf('float32', [1, 2], [1, 1]);
  await trainer.run({ x: ones, labels: ones }, { learningRate: 0.5, seed: 0 });
  const weights = trainer.weights();
  await trainer.close();
  return numbers(weights['w']!);
}

describe('a parameter with a rule of its own', () => {
  it('without one takes the step of the optimiser', async () => {
    expect(await stepped({})).toEqual([1.5, 2.5]);
  });

  it('has its gradient scaled, before clipping', async () => {
    expect(await stepped({ each: { w: { gradient: 0.5 } } })).toEqual([1.75, 3.25]);
    const clipped = await stepped({ each: { w: { gradient: 1e-3 } }, clipNorm: 1 });
    expect(clipped[1]).toBeCloseTo(4 - 0.5 * 3e-3, 5);
  });

  it('moves by its own share of the change, element by element', async () => {
    expect(await stepped({ each: { w: { rate: tensorOf('float32', [2], [2, 0]) } } })).toEqual([1, 4]);
  });

  it('never falls below its least value', async () => {
    expect(await stepped({ each: { w: { least: scalar('float32', 2) } } })).toEqual([2, 2.5]);
  });
});
