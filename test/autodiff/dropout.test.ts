/** Dropout in training and as deployed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEmitter } from '../../src/autodiff/emitter.ts';
import { differentiate } from '../../src/autodiff/gradients.ts';
import { lower } from '../../src/autodiff/lower.ts';
import type { Engine, Session } from '../../src/engine/contract.ts';
import { openKernel } from '../../src/engine/kernel.ts';
import { openEngine } from '../../src/engine/open.ts';
import { addInput, addNode, addOutput, createModel, createValue } from '../../src/ir/edit.ts';
import type { Value } from '../../src/ir/model.ts';
import { float32Values, numbers, scalar, type Tensor, tensorOf } from '../../src/ir/tensor.ts';
import { tensorType } from '../../src/ir/type.ts';

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

  it('draws the same for the same seed and anew for another', async () => {
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
