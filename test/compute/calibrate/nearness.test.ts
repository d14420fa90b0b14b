import { beforeAll, describe, expect, it } from 'vitest';
import { createNearness } from '../../../src/compute/calibrate/nearness.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

/** y = f·x; z counts elements. */
const times = (f: number | string): Model => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[4] x) => (float[4] y, int64[1] z) < float[1] f = {${f}} >
{
  y = Mul (x, f)
  z = Shape (x)
}`);
  inferShapes(model);
  return model;
};

let engine: Engine;
const read: number[] = [];
const samples = {
  count: 40,
  read: async (i: number) => {
    read.push(i);
    return { id: `${i}`, inputs: { x: tensorOf('float32', [4], [1, -2, 3, i]) } };
  },
};

beforeAll(async () => {
  engine = await openEngine('node');
});

describe('nearness', () => {
  it('is the signal to noise of float outputs', async () => {
    const near = createNearness(engine, samples);
    const original = times(1);
    // (1 − 0.9)² = 1/100 of the energy. float32: a thousandth.
    expect((await near(times(0.9), original)).sqnrDb).toBeCloseTo(20, 3);
    expect((await near(times(0.99), original)).sqnrDb).toBeCloseTo(40, 2);
  });

  it('is measured on 16 samples, spread over all but those that ranges are searched on, the same each time', async () => {
    read.length = 0;
    const near = createNearness(engine, samples);
    const original = times(1);
    expect((await near(times(0.5), original)).samples).toBe(16);
    const [reference, first] = [read.slice(0, 16), read.slice(16)];
    expect(reference).toEqual(first);
    expect(reference.at(-1)).toBe(38);
  });

  it('has an end where nothing differs, and is null for what is not finite', async () => {
    const near = createNearness(engine, samples);
    const original = times(1);
    expect((await near(times(1), original)).sqnrDb).toBe(100);
    expect((await near(times('inf'), original)).sqnrDb).toBeNull();
  });
});
