/** Weights in fewer bits, sparse ones, and what converters write around convolutions: what we read computes what LiteRT computes,
 *  and keeps what the file stores. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import type { FlatTable } from '../../../../src/model/formats/flatbuffers/schema.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import type { Model } from '../../../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { largestDifference, normalTensor, runModel } from '../../../run-model.ts';

import { litertMissing, runLitert } from './litert.ts';
import {
  constant,
  int32s,
  type TinyGraph,
  type TinyOperator,
  type TinyTensor,
  tinyFile,
} from './tiny-file.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const float = (...dims: number[]): TinyTensor => ({ dims, type: 'float32' });
const conv = (inputs: readonly string[], output: string, padding = 0): TinyOperator => ({
  op: 'CONV_2D',
  inputs,
  outputs: [output],
  options: ['Conv2DOptions', { padding, strideH: 1, strideW: 1 }],
});
const fullyConnected = (inputs: readonly string[], output: string): TinyOperator => ({
  op: 'FULLY_CONNECTED',
  inputs,
  outputs: [output],
  options: ['FullyConnectedOptions', {}],
});

/** @param tolerance  relative to the largest result */
async function compared(graph: TinyGraph, x: Tensor, tolerance = 1e-5): Promise<Model> {
  const file = tinyFile([graph]);
  const { model } = openModelBytes(file, { name: 'stored.tflite' });
  const name = model.graph.inputs[0]!.name;
  const [ours] = Object.values(await runModel(engine, model, { [name]: x }));
  const [theirs] = runLitert([{ model: file, inputs: [x], delegate: true }]);
  if ('error' in theirs!) throw new Error(theirs.error);
  const { difference, magnitude } = largestDifference(theirs![0]!, ours!);
  expect(difference).toBeLessThanOrEqual(tolerance * magnitude);
  return model;
}
const operators = (model: Model) => model.graph.nodes.map((node) => node.opType).sort();

describe.skipIf(litertMissing !== null)('weights', () => {
  it('in half precision stay so, behind a Cast', async () => {
    const graph: TinyGraph = {
      tensors: {
        x: float(1, 5, 5, 3),
        half: constant(tensorOf('float16', [4, 3, 3, 3], numbers(normalTensor([4, 3, 3, 3], 1)))),
        w: float(4, 3, 3, 3),
        b: constant(normalTensor([4], 2)),
        y: float(1, 5, 5, 4),
      },
      inputs: ['x'],
      outputs: ['y'],
      operators: [{ op: 'DEQUANTIZE', inputs: ['half'], outputs: ['w'] }, conv(['x', 'w', 'b'], 'y')],
    };
    const model = await compared(graph, normalTensor([1, 5, 5, 3], 3));
    expect(operators(model)).toEqual(['Cast', 'Conv', 'Transpose', 'Transpose']);
    const types = [...model.graph.initializers].map((v) => v.constant!.dtype);
    expect(types.sort()).toEqual(['float16', 'float32']);
  });

  it('in 8 bits beside float activations stay so, with their scales', async () => {
    const codes = Array.from({ length: 20 }, (_, i) => ((i * 53) % 255) - 127);
    const graph: TinyGraph = {
      tensors: {
        x: float(3, 5),
        w: constant(tensorOf('int8', [4, 5], codes), { scale: [0.01, 0.02, 0.03, 0.04], axis: 0 }),
        b: constant(normalTensor([4], 2)),
        y: float(3, 4),
      },
      inputs: ['x'],
      outputs: ['y'],
      operators: [fullyConnected(['x', 'w', 'b'], 'y')],
    };
    // LiteRT rounds the activations to 8 bits.
    const model = await compared(graph, normalTensor([3, 5], 3), 0.02);
    expect(operators(model)).toEqual(['DequantizeLinear', 'Gemm']);
  });

  it('in 4 bits are widened', async () => {
    const codes = Array.from({ length: 64 }, (_, i) => ((i * 7) % 15) - 7);
    const packed = tensorOf('int4', [4, 16], codes);
    const graph: TinyGraph = {
      tensors: {
        x: float(3, 16),
        w: { dims: [4, 16], type: 'int4', bytes: packed.bytes(), scale: [0.1, 0.2, 0.3, 0.4], axis: 0 },
        b: constant(normalTensor([4], 2)),
        y: float(3, 4),
      },
      inputs: ['x'],
      outputs: ['y'],
      operators: [fullyConnected(['x', 'w', 'b'], 'y')],
    };
    await compared(graph, normalTensor([3, 16], 3), 0.02);
  });

  it('that are sparse become dense, in blocks too', async () => {
    // Rows of two blocks of 1 × 4: block 1, then blocks 0 and 1.
    const sparsity = {
      traversalOrder: int32s([0, 1, 2]),
      blockMap: int32s([1]),
      dimMetadata: [
        { format: 0, denseSize: 2 },
        {
          format: 1,
          arraySegmentsType: 1,
          arraySegments: { values: int32s([0, 1, 3]) },
          arrayIndicesType: 1,
          arrayIndices: { values: int32s([1, 0, 1]) },
        },
        { format: 0, denseSize: 4 },
      ],
    } as unknown as FlatTable;
    const values = Float32Array.from({ length: 12 }, (_, i) => i + 1);
    const graph: TinyGraph = {
      tensors: {
        x: float(3, 8),
        sparse: { dims: [2, 8], type: 'float32', bytes: new Uint8Array(values.buffer), fields: { sparsity } },
        w: float(2, 8),
        y: float(3, 2),
      },
      inputs: ['x'],
      outputs: ['y'],
      operators: [{ op: 'DENSIFY', inputs: ['sparse'], outputs: ['w'] }, fullyConnected(['x', 'w', ''], 'y')],
    };
    const model = await compared(graph, normalTensor([3, 8], 3));
    const dense = [...model.graph.initializers].find((v) => v.constant!.dims.length === 2)!;
    expect(numbers(dense.constant!)).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe.skipIf(litertMissing !== null)('zeros around a picture', () => {
  const pads = constant(tensorOf('int32', [4, 2], [0, 0, 1, 0, 0, 2, 0, 0]));
  const grid = { scale: [0.05], zeroPoint: [3] };
  it.each([true, false])('become the padding of the convolution (integers: %s)', async (isQuantised) => {
    const as = (dims: readonly number[]): TinyTensor =>
      isQuantised ? { dims, type: 'int8', ...grid } : { dims, type: 'float32' };
    const weights = isQuantised
      ? constant(tensorOf('int8', [2, 2, 2, 1], [1, -2, 3, -4, 5, -6, 7, -8]), { scale: [0.1] })
      : constant(normalTensor([2, 2, 2, 1], 1));
    const bias = isQuantised
      ? constant(tensorOf('int32', [2], [10, -20]), { scale: [0.005] })
      : constant(normalTensor([2], 1));
    const graph: TinyGraph = {
      tensors: {
        x: as([1, 4, 4, 1]),
        pads,
        padded: as([1, 5, 6, 1]),
        w: weights,
        b: bias,
        y: as([1, 4, 5, 2]),
      },
      inputs: ['x'],
      outputs: ['y'],
      operators: [
        { op: 'PAD', inputs: ['x', 'pads'], outputs: ['padded'] },
        conv(['padded', 'w', 'b'], 'y', 1),
      ],
    };
    const codes = Array.from({ length: 16 }, (_, i) => ((i * 37) % 200) - 100);
    const x = isQuantised ? tensorOf('int8', [1, 4, 4, 1], codes) : normalTensor([1, 4, 4, 1], 3);
    const model = await compared(graph, x, isQuantised ? 0.01 : 1e-5);
    expect(operators(model)).not.toContain('Pad');
  });
});
