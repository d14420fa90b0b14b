import { expect, it } from 'vitest';
import { sharedInitializer } from '../../../src/compress/quant/insert.ts';
import { storedConstants, weightBytes } from '../../../src/compress/quant/layers.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/parse-model.ts';
import {
  addNode,
  addOutput,
  createModel,
  createValue,
  removeInitializer,
} from '../../../src/model/ir/edit.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

const nodeOf = (model: ReturnType<typeof parseModel>, opType: string) =>
  model.graph.nodes.find((n) => n.opType === opType)!;

it('a layer stores what it reads through nodes that read constants only, each constant once', () => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
    g (float[2,2] x, float[1] s) => (float[2,2] y)
    <int8[2,2] W = {1, 2, 3, 4}, float[1] scale = {0.5}>
    {
      real = Cast <to = 1> (W)
      once = Mul (real, scale)
      twice = Mul (once, scale)
      late = Mul (x, s)
      y = MatMul (late, twice)
    }`);
  const found = storedConstants(model)(nodeOf(model, 'MatMul'));
  expect(found.map((t) => t.dtype).sort()).toEqual(['float32', 'int8']);
  // Four integers and one float32.
  expect(weightBytes(found)).toBe(8);
});

it('what is computed while running is not walked through, however long the way to the inputs is', () => {
  const model = createModel();
  const { graph } = model;
  let v = createValue(graph.names, 'x');
  graph.inputs.push(v);
  const bias = sharedInitializer(graph, 'b', tensorOf('float32', [1], [1]));
  for (let i = 0; i < 20_000; i++)
    v = addNode(graph, { opType: 'Add', inputs: [v, bias], outputs: [`y${i}`] }).outputs[0]!;
  addOutput(graph, v);
  const constants = storedConstants(model);
  expect(graph.nodes.every((n) => weightBytes(constants(n)) === 4)).toBe(true);
});

it('a tensor becomes one initializer in each graph, and another one when that has gone', () => {
  const tensor = tensorOf('int8', [2], [1, 2]);
  const [a, b] = [createModel().graph, createModel().graph];
  const first = sharedInitializer(a, 'W', tensor);
  expect(sharedInitializer(a, 'V', tensor)).toBe(first);
  expect(sharedInitializer(b, 'W', tensor)).not.toBe(first);
  removeInitializer(a, first);
  const next = sharedInitializer(a, 'W', tensor);
  expect(next).not.toBe(first);
  expect([...a.initializers]).toEqual([next]);
});
