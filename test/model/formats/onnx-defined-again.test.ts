/** Constants that a file defines twice: onnxruntime warns and takes the last, and so does the reader. */
import { expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { normalTensor } from '../../run-model.ts';
import { floatTensor, info, modelBytes, node } from './onnx-bytes.ts';

const constant = (values: readonly number[]) =>
  node('Constant', [], ['w'], { attribute: [{ name: 'value', type: 4, t: floatTensor('', values) }] });
const product = node('Mul', ['x', 'w'], ['y']);
const graph = { input: [info('x')], output: [info('y')] };

it.each([
  [
    'two initializers',
    { initializer: [floatTensor('w', [1, 2]), floatTensor('w', [3, 4])], node: [product] },
  ],
  [
    'an initializer and a Constant',
    { initializer: [floatTensor('w', [1, 2])], node: [constant([3, 4]), product] },
  ],
  ['two Constants', { node: [constant([1, 2]), constant([3, 4]), product] }],
])('of %s the last counts', async (_, parts) => {
  const file = modelBytes({ ...graph, ...parts });
  const model = decodeModel(file);
  verifyModel(model);
  const engine = await openEngine('node');
  const feeds = { x: normalTensor([2], 1) };
  const answers = [];
  for (const bytes of [file, encodeModel(model)]) {
    const session = await engine.open({ bytes }, { threads: 1 });
    answers.push((await session.run(feeds))['y']!.bytes());
    await session.close();
  }
  expect(answers[1]).toEqual(answers[0]);
});

it('constants of one name and other sizes are refused, as onnxruntime refuses them', () => {
  const initializer = [floatTensor('w', [1, 2, 3]), floatTensor('w', [3, 4])];
  expect(() => decodeModel(modelBytes({ ...graph, initializer, node: [product] }))).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_NAME' }),
  );
});
