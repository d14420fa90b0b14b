/** Initializers that nothing reads and that are no tensors: onnxruntime runs the model, and so does the reader's. */
import type { onnx } from 'onnx-proto';
import { expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { floatTensor, info, modelBytes, node } from './onnx-bytes.ts';

const feeds = { x: tensorOf('float32', [2], [3, -4]) };

async function run(bytes: Uint8Array): Promise<Uint8Array> {
  const session = await (await openEngine('node')).open({ bytes }, { threads: 1 });
  const { y } = await session.run(feeds);
  await session.close();
  return y!.bytes();
}

it.each<[string, onnx.ITensorProto]>([
  ['without content', { name: 'w', dims: [3], dataType: 1 }],
  ['with too little of it', { ...floatTensor('w', [1, 2]), dims: [3] }],
  ['with too much of it', { ...floatTensor('w', [1, 2]), dims: [1] }],
  ['of a negative size', { name: 'w', dims: [-3], dataType: 1 }],
  ['of more elements than can be counted', { name: 'w', dims: [1e6, 1e6, 1e6], dataType: 1 }],
  ['without a name', floatTensor('', [1, 2])],
])('an unread initializer %s is left out', async (_, tensor) => {
  const bytes = modelBytes({ initializer: [tensor, floatTensor('kept', [1])] });
  const model = decodeModel(bytes);
  expect([...model.graph.initializers].map(({ name }) => name)).toEqual(['kept']);
  expect(await run(encodeModel(model))).toEqual(await run(bytes));
});

const broken = { name: 'w', dims: [2], dataType: 1 };

it.each<[string, onnx.IGraphProto]>([
  ['an input has as its default', { input: [info('x'), info('w')] }],
  [
    'only a subgraph reads',
    {
      initializer: [broken, { name: 'c', dims: [], dataType: 9, int32Data: [1] }],
      node: [
        node('If', ['c'], ['y'], {
          attribute: ['then_branch', 'else_branch'].map((name) => ({
            ...{ name, type: 5 },
            g: { name, node: [node('Add', ['x', 'w'], [`${name}_y`])], output: [info(`${name}_y`)] },
          })),
        }),
      ],
    },
  ],
  [
    'stands in a subgraph',
    {
      initializer: [{ name: 'c', dims: [], dataType: 9, int32Data: [1] }],
      node: [
        node('If', ['c'], ['y'], {
          attribute: ['then_branch', 'else_branch'].map((name) => ({
            ...{ name, type: 5 },
            g: {
              ...{ name, initializer: [{ ...broken, name: `${name}_w` }] },
              ...{ node: [node('Relu', ['x'], [`${name}_y`])], output: [info(`${name}_y`)] },
            },
          })),
        }),
      ],
    },
  ],
])('one without content that %s is refused, as onnxruntime refuses it', async (_, graph) => {
  const bytes = modelBytes({ initializer: [broken], ...graph });
  expect(() => decodeModel(bytes)).toThrow(expect.objectContaining({ code: 'TENSOR_BYTES' }));
  await expect(run(bytes)).rejects.toMatchObject({ code: 'ENGINE_OPEN' });
});
