import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { tensorData } from '../../../src/compute/train/data.ts';
import { trainToEnd } from '../../../src/compute/train/loop.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

/** The epoch kept when held-out samples say `metrics`; the loss of w·x towards 1 from w = 3 falls in every epoch. */
async function kept(metrics: readonly number[], metricNoise: number): Promise<number | undefined> {
  const student = parseModel(`<ir_version: 10, opset_import: ["" : 21]>
    g (float[N,1] x) => (float[N,1] y) < float[1] w = {3} > { y = Mul (x, w) }`);
  const ones = tensorOf('float32', [2, 1], [1, 1]);
  const data = tensorData({ x: ones }, ones);
  const left = [...metrics];
  const result = await trainToEnd(student, {
    engine,
    data,
    batch: 2,
    epochs: metrics.length,
    learningRate: 0.1,
    losses: [{ kind: 'mse', target: 'labels' }],
    optimizer: { kind: 'sgd' },
    parameters: { also: ['w'] },
    seed: 0,
    metricNoise,
    evaluate: async () => left.shift() as number,
  });
  return result.best?.epoch;
}

describe('the epoch that is kept', () => {
  it.each([
    ['has the best metric', [0.5, 0.9, 0.8], 0, 2],
    ['of equal ones has the least loss', [0.9, 0.9, 0.8], 0, 2],
    ['has the least loss among those that only noise tells apart', [0.9, 0.88, 0.7], 0.03, 2],
    ['is not led away from the best metric by many small losses', [0.9, 0.88, 0.86, 0.84], 0.03, 2],
  ] as const)('%s', async (_, metrics, noise, epoch) => {
    expect(await kept(metrics, noise)).toBe(epoch);
  });
});
