/** Where several elements of a window are the largest: central differences show nothing there, so these are worked out
 *  by hand. PyTorch gives the whole gradient to the first of them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEmitter } from '../../../src/compute/autodiff/emitter.ts';
import { differentiate } from '../../../src/compute/autodiff/gradients.ts';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { addInput, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import type { Value } from '../../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

/** Gradient of the sum of MaxPool(x) by x. */
async function gradient(
  rows: readonly (readonly number[])[],
  window: Readonly<Record<string, readonly number[]>>,
): Promise<number[]> {
  const dims = [1, 1, rows.length, rows[0]?.length ?? 0];
  const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
  const { graph } = model;
  const x = addInput(graph, createValue(graph.names, 'x', tensorType('float32', dims), true));
  const e = createEmitter(model);
  addOutput(graph, e.op('ReduceSum', [e.op('MaxPool', [x], window)], { keepdims: 0 }));
  lower(model, 'train');
  const gradients = differentiate(createEmitter(model), graph.outputs[0] as Value, [x]);
  addOutput(graph, gradients.get(x) as Value);
  const session = await openKernel(engine, model);
  try {
    const out = await session.run({ x: tensorOf('float32', dims, rows.flat()) });
    return numbers(out[(graph.outputs[1] as Value).name] as Tensor);
  } finally {
    await session.close();
  }
}

describe('the gradient of MaxPool goes to the first of equal elements', () => {
  it('when windows lie side by side, with a column that belongs to none', async () => {
    const rows = [
      [0, 0, 1, 3, 9],
      [0, 0, 3, 3, 9],
      [-1, 2, -5, -5, 9],
      [2, 2, -5, -5, 9],
    ];
    const window = { kernel_shape: [2, 2], strides: [2, 2] };
    expect(await gradient(rows, window)).toEqual(
      [
        [1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
      ].flat(),
    );
  });

  it('when windows overlap, and what two windows share adds up', async () => {
    const rows = [
      [0, 0, 0, 0, 0],
      [0, 0, 7, 7, 0],
      [0, 0, 0, 0, 0],
    ];
    expect(await gradient(rows, { kernel_shape: [3, 3], strides: [2, 2] })).toEqual(
      [
        [0, 0, 0, 0, 0],
        [0, 0, 2, 0, 0],
        [0, 0, 0, 0, 0],
      ].flat(),
    );
  });

  it('when the largest are zeros, which padding is not', async () => {
    const rows = [
      [0, 0],
      [0, 0],
    ];
    const window = { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] };
    expect(await gradient(rows, window)).toEqual([1, 1, 1, 1]);
  });
});
