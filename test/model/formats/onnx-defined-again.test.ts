/** Constants that a file defines twice: onnxruntime warns and takes the last, and so does the reader. An input called like one is
 *  no input. */
import { expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { portsOf } from '../../../src/model/ir/port.ts';
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
  [
    'a Constant of another form and one of this',
    {
      node: [
        node('Constant', [], ['w'], { attribute: [{ name: 'value_floats', type: 6, floats: [1, 2] }] }),
        constant([3, 4]),
        product,
      ],
    },
  ],
  ['an input and a Constant', { input: [info('x'), info('w')], node: [constant([3, 4]), product] }],
  [
    'an input of open size and a Constant',
    { input: [info('x'), info('w', ['n'])], node: [constant([3, 4]), product] },
  ],
  [
    'an input with a default and a Constant',
    {
      input: [info('x'), info('w')],
      initializer: [floatTensor('w', [1, 2])],
      node: [constant([3, 4]), product],
    },
  ],
])('of %s the last counts', async (_, parts) => {
  const file = modelBytes({ ...graph, ...parts });
  const model = decodeModel(file);
  verifyModel(model);
  expect(portsOf(model).map(({ name }) => name)).toEqual(['x']);
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

it.each<[string, readonly (number | string)[], number]>([
  ['other sizes', [3], 1],
  ['another rank', [1, 2], 1],
  ['another type', [2], 7],
])(
  'an input with %s than the Constant called like it is refused, as onnxruntime refuses it',
  async (_, dims, type) => {
    const bytes = modelBytes({
      input: [info('x'), info('w', dims, type)],
      node: [constant([3, 4]), product],
    });
    expect(() => decodeModel(bytes)).toThrow(expect.objectContaining({ code: 'DUPLICATE_NAME' }));
    await expect((await openEngine('node')).open({ bytes })).rejects.toMatchObject({ code: 'ENGINE_OPEN' });
  },
);

it('constants of one name and other sizes are refused, as onnxruntime refuses them', () => {
  const initializer = [floatTensor('w', [1, 2, 3]), floatTensor('w', [3, 4])];
  expect(() => decodeModel(modelBytes({ ...graph, initializer, node: [product] }))).toThrow(
    expect.objectContaining({ code: 'DUPLICATE_NAME' }),
  );
});
