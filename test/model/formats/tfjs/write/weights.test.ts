/** Weights of 8 and 16 bits: what TensorFlow.js decodes of the files is what onnxruntime expands, bit for bit, and the
 *  files keep the integers. */
import { beforeAll, expect, it, vi } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import type { WrittenFile } from '../../../../../src/model/formats/format.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createModel,
  createValue,
} from '../../../../../src/model/ir/edit.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../../../src/model/ir/type.ts';
import { inferShapes } from '../../../../../src/model/ops/shapes.ts';
import { normalTensor, runModel } from '../../../../run-model.ts';

import { contentOf, runWritten, useBackend } from './run-written.ts';

const [rows, columns] = [16, 128];

let engine: Engine;
beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  engine = await openEngine('node');
  await useBackend('wasm');
});

interface Case {
  readonly name: string;
  readonly dtype: 'int8' | 'uint8' | 'int16' | 'uint16';
  /** null: one scale for the tensor. */
  readonly axis: 0 | 1 | null;
  readonly zero: 'none' | 'same' | 'own';
  readonly stored: 'uint8' | 'uint16';
}

const bounds = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535] } as const;

/** Scales with all bits of a float32 in use. */
const scales = (count: number) => float32Values(normalTensor([count], 5)).map((v) => Math.abs(v) / 97 + 1e-6);

/** x ∘ DequantizeLinear(constant): with ones for x, the weight itself. */
function weighted({ dtype, axis, zero }: Case) {
  const [low, high] = bounds[dtype];
  const codes = Array.from({ length: rows * columns }, (_, i) => low + ((i * 7919) % (high - low + 1)));
  const count = axis === null ? 1 : [rows, columns][axis]!;
  const dims = axis === null ? [] : [count];
  const middle = Math.floor((low + high) / 2);
  const zeros = Array.from({ length: count }, (_, i) => middle + (zero === 'own' ? (i % 9) - 3 : 3));
  const constants: Tensor[] = [
    tensorOf(dtype, [rows, columns], codes),
    tensorOf('float32', dims, scales(count)),
    ...(zero === 'none' ? [] : [tensorOf(dtype, dims, zeros)]),
  ];
  return timesExpanded(constants, axis === null ? {} : { axis });
}

/** x ∘ DequantizeLinear(constants) */
function timesExpanded(constants: readonly Tensor[], attributes: Readonly<Record<string, number>>) {
  const model = createModel({ opsets: new Map([['', 21]]), irVersion: 10 });
  const { dims } = constants[0]!;
  const x = addInput(model.graph, createValue(model.names, 'x', tensorType('float32', dims), true));
  const inputs = constants.map((t) => addInitializer(model.graph, 'c', t));
  const expanded = addNode(model.graph, { opType: 'DequantizeLinear', inputs, outputs: 1, attributes });
  const factors = [x, expanded.outputs[0]!];
  const product = addNode(model.graph, { opType: 'Mul', inputs: factors, outputs: 1 });
  addOutput(model.graph, product.outputs[0]!);
  inferShapes(model);
  return model;
}

it.each<Case>([
  { name: 'int8, one scale', dtype: 'int8', axis: null, zero: 'none', stored: 'uint8' },
  { name: 'int8, one scale and zero point', dtype: 'int8', axis: null, zero: 'same', stored: 'uint8' },
  { name: 'uint8, one scale and zero point', dtype: 'uint8', axis: null, zero: 'same', stored: 'uint8' },
  { name: 'int16, one scale', dtype: 'int16', axis: null, zero: 'none', stored: 'uint16' },
  { name: 'uint16, one scale and zero point', dtype: 'uint16', axis: null, zero: 'same', stored: 'uint16' },
  { name: 'int8, a scale for each row', dtype: 'int8', axis: 0, zero: 'none', stored: 'uint8' },
  { name: 'int8, a scale for each column', dtype: 'int8', axis: 1, zero: 'none', stored: 'uint8' },
  {
    name: 'uint8, a scale for each row, equal zero points',
    dtype: 'uint8',
    axis: 0,
    zero: 'same',
    stored: 'uint8',
  },
  // Less their zero points, the integers span more than 255 steps: zero points are subtracted.
  {
    name: 'uint8, a scale and zero point for each row',
    dtype: 'uint8',
    axis: 0,
    zero: 'own',
    stored: 'uint8',
  },
  {
    name: 'uint8, a scale and zero point for each column',
    dtype: 'uint8',
    axis: 1,
    zero: 'own',
    stored: 'uint8',
  },
  {
    name: 'int16, a scale and zero point for each row',
    dtype: 'int16',
    axis: 0,
    zero: 'own',
    stored: 'uint16',
  },
])('$name', async (row) => {
  const model = weighted(row);
  const files = writeGraphModel(model);
  expect(typesOf(files, [rows, columns])).toEqual([row.stored]);
  await expectSameBits(model, files, [rows, columns]);
});

/** Types in which weights of these sizes are stored. */
function typesOf(files: readonly WrittenFile[], dims: readonly number[]): (string | undefined)[] {
  const { weightsManifest } = JSON.parse(Buffer.from(contentOf(files[0]!)).toString());
  const weights: { shape: number[]; quantization?: { dtype: string } }[] = weightsManifest[0].weights;
  return weights.filter((w) => w.shape.join() === dims.join()).map((w) => w.quantization?.dtype);
}

async function expectSameBits(model: Model, files: readonly WrittenFile[], dims: readonly number[]) {
  const feeds = { x: tensorOf('float32', dims, new Float32Array(elementCount(dims)).fill(1)) };
  const [expected] = Object.values(await runModel(engine, model, feeds));
  const [received] = Object.values(await runWritten(model, feeds, files));
  expect(received!.dims).toEqual(expected!.dims);
  expect(received!.bytes()).toEqual(expected!.bytes());
}

interface Blocks {
  readonly name: string;
  readonly dtype: 'int4' | 'uint4' | 'int8' | 'uint8';
  readonly dims: readonly number[];
  readonly axis: number;
  readonly block: number;
  readonly zero: boolean;
  /** Sizes of the integers in the file. */
  readonly stored: readonly number[];
}

const nibbles = { int4: [-8, 7], uint4: [0, 15], ...bounds } as const;

it.each<Blocks>([
  { name: 'rows', dtype: 'int8', dims: [96, 40], axis: 0, block: 32, zero: false, stored: [3, 32, 40] },
  { name: 'columns', dtype: 'int4', dims: [40, 96], axis: 1, block: 16, zero: false, stored: [40, 6, 16] },
  {
    name: 'an axis of three',
    dtype: 'uint4',
    dims: [5, 64, 8],
    axis: 1,
    block: 16,
    zero: true,
    stored: [5, 4, 16, 8],
  },
  {
    name: 'zero points of their own',
    dtype: 'uint8',
    dims: [64, 64],
    axis: 1,
    block: 32,
    zero: true,
    stored: [64, 2, 32],
  },
  {
    name: 'a last block that is not full',
    dtype: 'int8',
    dims: [40, 80],
    axis: 1,
    block: 32,
    zero: true,
    stored: [40, 3, 32],
  },
])('blocks of $name', async ({ dtype, dims, axis, block, zero, stored }) => {
  const [low, high] = nibbles[dtype];
  const codes = Array.from({ length: elementCount(dims) }, (_, i) => low + ((i * 7919) % (high - low + 1)));
  const each = dims.with(axis, Math.ceil(dims[axis]! / block));
  const count = elementCount(each);
  const zeros = Array.from({ length: count }, (_, i) => Math.floor((low + high) / 2) + (i % 5) - 2);
  const constants = [tensorOf(dtype, dims, codes), tensorOf('float32', each, scales(count))];
  const points = zero ? [tensorOf(dtype, each, zeros)] : [];
  const model = timesExpanded([...constants, ...points], { axis, block_size: block });
  const files = writeGraphModel(model);
  expect(typesOf(files, stored)).toEqual(['uint8']);
  await expectSameBits(model, files, dims);
});
