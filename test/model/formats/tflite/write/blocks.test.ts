/** How weights in few bits stand in a written file; what LiteRT computes with them is in operators.test.ts. */
import { expect, it } from 'vitest';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createModel,
  createValue,
} from '../../../../../src/model/ir/edit.ts';
import { elementCount, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../../../src/model/ir/type.ts';
import { hasLitert, litertTitle, runTfliteAll } from '../../../../litert.ts';
import { normalTensor } from '../../../../run-model.ts';
import { readTables } from './tables.ts';

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, i) => (i * 7919) & 255);

it('keeps 4 bits 4 bits: a byte for two weights, and 12 bytes a block for its scale', () => {
  const model = createModel({
    opsets: new Map([
      ['', 20],
      ['com.microsoft', 1],
    ]),
    irVersion: 9,
  });
  const x = addInput(model.graph, createValue(model.names, 'x', tensorType('float32', [1, 256]), true));
  const codes = addInitializer(model.graph, 'q', tensorOf('uint8', [256, 8, 16], bytes(256 * 128)));
  const scales = addInitializer(model.graph, 's', normalTensor([256, 8], 1));
  const attributes = { N: 256, K: 256, bits: 4, block_size: 32 };
  const inputs = [x, codes, scales];
  const node = addNode(model.graph, { opType: 'MatMulNBits', domain: 'com.microsoft', inputs, attributes });
  addOutput(model.graph, node.outputs[0]!);
  const file = writeTflite(model);
  const [dequantize] = readTables(file).operators;
  expect(dequantize).toMatchObject({ op: 'DEQUANTIZE', version: 6 });
  expect(dequantize!.inputs[0]).toMatchObject({ type: 'int4', shape: [2048, 32] });
  const [packed, perBlock, tables] = [256 * 128, 2048 * 12, 4096];
  expect(file.length).toBeLessThan(packed + perBlock + tables);
});

const perChannel = (dtype: string, values: readonly number[], zero: number) =>
  parseModel(`<ir_version: 10, opset_import: ["" : 21]>
g (float[1,16] x) => (float[1,16] y)
< ${dtype}[16,16] q = {${values.join()}}, float[16] s = {${Array(16).fill(0.5).join()}}, ${dtype}[16] z = {${Array(16).fill(zero).join()}} >
{ w = DequantizeLinear <axis = 1> (q, s, z) y = MatMul (x, w) }`);

it.each([
  ['uint8', 256, 3, 100, 'int4'],
  ['int8', 256, -3, -100, 'int4'],
  ['int8', 256, 17, 0, 'int8'],
])(
  'stores %s weights that fit in 4 bits in 4 bits, and computes the same',
  (dtype, count, zero, from, type) => {
    const width = type === 'int4' ? 16 : 17;
    const values = Array.from({ length: count }, (_, i) => from + ((i * 7) % width));
    const model = perChannel(dtype, values, zero);
    const file = writeTflite(model);
    expect(readTables(file).operators[0]!.inputs[0]).toMatchObject({ type });
  },
);

it.skipIf(!hasLitert)(`computes with them as they are ${litertTitle}`, () => {
  const values = Array.from({ length: 256 }, (_, i) => 100 + ((i * 7) % 16));
  const x = tensorOf('float32', [1, 16], [1, ...Array<number>(15).fill(0)]);
  const [answer] = runTfliteAll([{ bytes: writeTflite(perChannel('uint8', values, 3)), feeds: { x } }]);
  if (answer instanceof Error) throw answer;
  const expected = values.slice(0, 16).map((code) => (code - 3) * 0.5);
  expect([...new Float32Array(Uint8Array.from(answer!['y']!.bytes()).buffer)]).toEqual(expected);
  expect(elementCount(answer!['y']!.dims)).toBe(16);
});
