/** Weights of 8 and 16 bits: what TensorFlow.js decodes of the files is what onnxruntime expands, bit for bit, and the
 *  files keep the integers. */
import { beforeAll, expect, it, vi } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createModel,
  createValue,
} from '../../../../../src/model/ir/edit.ts';
import { float32Values, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../../../src/model/ir/type.ts';
import { inferShapes } from '../../../../../src/model/ops/shapes.ts';
import { runModel } from '../../../../run-model.ts';
import { normalTensor } from '../oracle.ts';
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
  const model = createModel({ opsets: new Map([['', 21]]), irVersion: 10 });
  const x = addInput(
    model.graph,
    createValue(model.names, 'x', tensorType('float32', [rows, columns]), true),
  );
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
  const expanded = addNode(model.graph, {
    opType: 'DequantizeLinear',
    name: 'expanded',
    inputs: constants.map((t) => addInitializer(model.graph, 'c', t)),
    outputs: 1,
    attributes: axis === null ? {} : { axis },
  });
  const product = addNode(model.graph, {
    opType: 'Mul',
    name: 'product',
    inputs: [x, expanded.outputs[0]!],
    outputs: 1,
    attributes: {},
  });
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
  // Less their zero points, the integers span more than 255 steps.
  {
    name: 'uint8, a scale and zero point for each row',
    dtype: 'uint8',
    axis: 0,
    zero: 'own',
    stored: 'uint16',
  },
])('$name', async (row) => {
  const model = weighted(row);
  const feeds = { x: tensorOf('float32', [rows, columns], new Float32Array(rows * columns).fill(1)) };
  const files = writeGraphModel(model);
  const { weightsManifest } = JSON.parse(Buffer.from(contentOf(files[0]!)).toString());
  const weights: { shape: number[]; quantization?: { dtype: string } }[] = weightsManifest[0].weights;
  const whole = weights.filter((w) => w.shape[0] === rows && w.shape[1] === columns);
  expect(whole.map((w) => w.quantization?.dtype)).toEqual([row.stored]);
  const [expected] = Object.values(await runModel(engine, model, feeds));
  const [received] = Object.values(await runWritten(model, feeds, files));
  expect(received!.bytes()).toEqual(expected!.bytes());
});
