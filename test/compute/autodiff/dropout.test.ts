/** Dropout in training and as deployed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEmitter } from '../../../src/compute/autodiff/emitter.ts';
import { differentiate } from '../../../src/compute/autodiff/gradients.ts';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import type { Engine, Session } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { addInput, addNode, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import type { Value } from '../../../src/model/ir/model.ts';
import {
  elementCount,
  float32Values,
  numbers,
  scalar,
  type Tensor,
  tensorOf,
} from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const dims = [100, 100];
const x = tensorOf(
  'float32',
  dims,
  Float32Array.from({ length: 10_000 }, (_, i) => 1 + i / 10_000),
);

/** Outputs y, mask and d_x, the derivative of the sum of y. */
async function openDropout(mode: 'train' | 'infer', ratio: number): Promise<Session> {
  const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
  const { graph } = model;
  const input = addInput(graph, createValue(model.names, 'x', tensorType('float32', dims), true));
  const build = createEmitter(model);
  const named = (name: string, v: Value) =>
    addNode(graph, {
      opType: 'Identity',
      inputs: [v],
      outputs: [createValue(model.names, name, v.type, true)],
    }).outputs[0] as Value;
  const [y, mask] = build.ops('Dropout', [input, ratio], 2).map((v, i) => named(i === 0 ? 'y' : 'mask', v));
  const sum = named('sum', build.op('ReduceSum', [y as Value], { keepdims: 0 }));
  for (const v of [y, mask, sum]) addOutput(graph, v as Value);
  lower(model, mode);
  const e = createEmitter(model);
  addOutput(graph, named('d_x', differentiate(e, graph.outputs[2] as Value, [input]).get(input) as Value));
  return openKernel(engine, model);
}

const read = (t: Tensor | undefined) => Array.from(numbers(t as Tensor), Number);

/** What Dropout compares with its ratio: at ratio r exactly the elements below r are dropped. @returns draws in [0, 1) */
async function draws(size: readonly number[], seeds: readonly number[]): Promise<Float32Array[]> {
  const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
  const input = addInput(model.graph, createValue(model.names, 'x', tensorType('float32', size), true));
  const [y] = createEmitter(model).ops('Dropout', [input, 0.5], 2);
  addOutput(model.graph, y as Value);
  lower(model, 'train');
  const compared = model.graph.nodes.find((n) => n.opType === 'GreaterOrEqual')?.inputs[0] as Value;
  addOutput(model.graph, compared);
  const session = await openKernel(engine, model);
  const ones = tensorOf('float32', size, new Float32Array(elementCount(size)).fill(1));
  const out: Float32Array[] = [];
  for (const seed of seeds) {
    const run = await session.run({ x: ones, random_seed: scalar('int64', seed) }, [compared.name]);
    out.push(float32Values(run[compared.name] as Tensor).slice());
  }
  await session.close();
  return out;
}

describe('the random numbers', () => {
  const [rows, columns] = [512, 256];
  const n = rows * columns;
  let samples: Float32Array[];
  beforeAll(async () => {
    // Neighbouring seeds, a far one, and one beyond 32 bits.
    samples = await draws([32, 16, 16, 16], [0, 1, 2, 1_000_003, 2 ** 40 + 1]);
  });

  /** In standard deviations; all of these tests together stay under 4.5 for good numbers, all but once in a thousand. */
  const limit = 4.5;
  const centred = (u: Float32Array) => Float64Array.from(u, (v) => v - 0.5);
  const correlation = (a: Float32Array, b: Float32Array, lag: number) => {
    const [x, y] = [centred(a), centred(b)];
    let sum = 0;
    for (let i = 0; i + lag < n; i++) sum += (x[i] as number) * (y[i + lag] as number);
    return (12 * sum) / Math.sqrt(n - lag);
  };

  it('lie in [0, 1), with the mean and the variance of uniform ones', () => {
    for (const u of samples) {
      expect(u.every((v) => v >= 0 && v < 1)).toBe(true);
      const mean = u.reduce((s, v) => s + v, 0) / n;
      const square = u.reduce((s, v) => s + (v - 0.5) ** 2, 0) / n;
      expect(Math.abs(mean - 0.5) / Math.sqrt(1 / 12 / n)).toBeLessThan(limit);
      expect(Math.abs(square - 1 / 12) / Math.sqrt(1 / 180 / n)).toBeLessThan(limit);
    }
  });

  it('have no correlation with what stands beside, below, or in another step', () => {
    for (const u of samples)
      for (const lag of [1, 2, 16, columns - 1, columns, columns + 1, 2 * columns, n / 2])
        expect(Math.abs(correlation(u, u, lag)), `lag ${lag}`).toBeLessThan(limit);
    for (let k = 1; k < samples.length; k++)
      expect(
        Math.abs(correlation(samples[k - 1] as Float32Array, samples[k] as Float32Array, 0)),
      ).toBeLessThan(limit);
  });

  it('fill pairs, bits, rows and columns evenly', () => {
    for (const u of samples) {
      const cells = new Float64Array(32 * 32);
      for (let i = 0; i < n; i += 2)
        cells[Math.floor((u[i] as number) * 32) * 32 + Math.floor((u[i + 1] as number) * 32)]! += 1;
      const mean = n / 2 / cells.length;
      const chi = cells.reduce((s, c) => s + (c - mean) ** 2 / mean, 0);
      expect(Math.abs(chi - 1023) / Math.sqrt(2 * 1023)).toBeLessThan(limit);
      for (let bit = 1; bit <= 24; bit++) {
        const set = u.reduce((s, v) => s + (Math.floor(v * 2 ** bit) % 2), 0);
        expect(Math.abs(set - n / 2) / Math.sqrt(n / 4), `bit ${bit}`).toBeLessThan(limit);
      }
      const [byRow, byColumn] = [new Float64Array(rows), new Float64Array(columns)];
      for (const [i, v] of centred(u).entries()) {
        byRow[Math.floor(i / columns)]! += v;
        byColumn[i % columns]! += v;
      }
      // Sums of k numbers have variance k/12, and that estimate from m of them a relative error of √(2/m).
      const spread = (sums: Float64Array, k: number) =>
        (sums.reduce((s, v) => s + v * v, 0) / sums.length / (k / 12) - 1) * Math.sqrt(sums.length / 2);
      expect(Math.abs(spread(byRow, columns))).toBeLessThan(limit);
      expect(Math.abs(spread(byColumn, rows))).toBeLessThan(limit);
    }
  });

  it('are as many as asked for, whatever the sizes', async () => {
    for (const size of [[1], [7], [1, 1, 5], [3, 1000], [2, 3, 5, 7, 2]]) {
      const [u] = (await draws(size, [5])) as [Float32Array];
      expect(u).toHaveLength(elementCount(size));
      expect(new Set(u).size).toBe(u.length);
    }
  });
});

describe('Dropout', () => {
  it('keeps about 1 - ratio of the elements, made larger by as much, and leaves the gradient through there', async () => {
    const session = await openDropout('train', 0.3);
    const out = await session.run({ x, random_seed: scalar('int64', 5) });
    await session.close();
    const [y, mask, gradient] = [read(out['y']), read(out['mask']), read(out['d_x'])];
    const kept = mask.filter((m) => m === 1).length / mask.length;
    // Ten thousand draws: the standard deviation is 0.0046.
    expect(Math.abs(kept - 0.7)).toBeLessThan(0.02);
    const from = float32Values(x);
    y.forEach((v, i) => {
      expect(v).toBeCloseTo(mask[i] === 1 ? (from[i] as number) / 0.7 : 0, 5);
      expect(gradient[i]).toBeCloseTo(mask[i] === 1 ? 1 / 0.7 : 0, 5);
    });
  });

  it('draws the same numbers for the same seed and others for another', async () => {
    const session = await openDropout('train', 0.5);
    const masks: number[][] = [];
    for (const seed of [1, 2, 1])
      masks.push(read((await session.run({ x, random_seed: scalar('int64', seed) }))['mask']));
    await session.close();
    expect(masks[2]).toEqual(masks[0]);
    const same = (masks[1] as number[]).filter((m, i) => m === masks[0]?.[i]).length / 10_000;
    // Independent masks agree in half the places; the standard deviation is 0.005.
    expect(Math.abs(same - 0.5)).toBeLessThan(0.02);
  });

  it.each([
    ['as deployed', 'infer', 0.5],
    ['at ratio 0', 'train', 0],
  ] as const)('does nothing %s', async (_, mode, ratio) => {
    const session = await openDropout(mode, ratio);
    const out = await session.run({ x });
    await session.close();
    expect(read(out['y'])).toEqual(read(x));
    expect(new Set(read(out['mask']))).toEqual(new Set([1]));
    expect(new Set(read(out['d_x']))).toEqual(new Set([1]));
  });
});
