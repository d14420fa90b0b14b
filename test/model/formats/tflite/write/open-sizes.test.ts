/** An open batch stays open in the file where that is asked for: LiteRT, resized to four samples, gives what it gives for each of them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { networkBuilder } from '../../../../../src/model/build/builder.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { openModelBytes } from '../../../../../src/model/formats/opened.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { type Model, shapeOf } from '../../../../../src/model/ir/model.ts';
import { slicedTensor } from '../../../../../src/model/ir/slice.ts';
import type { Tensor } from '../../../../../src/model/ir/tensor.ts';
import { withSizes } from '../../../../../src/model/rewrite/fix-sizes.ts';
import { litertTitle } from '../../../../litert.ts';
import { largestDifference, seededFeeds } from '../../../../run-model.ts';
import { litertMissing, runLitert } from '../litert.ts';
import { inLitert } from './run-written.ts';
import { readTables } from './tables.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const shipped = (name: string) => () => readModelFile(`fixtures/models/${name}.onnx`);
const models: [string, () => Model][] = [
  ['digits-cnn', shipped('digits-cnn')],
  ['glyphs-cnn', shipped('glyphs-cnn')],
  ['glyphs-mlp', shipped('glyphs-mlp')],
  ['sequence-transformer', () => withSizes(shipped('sequence-transformer')(), { length: 12 })],
  ['dates-t5-encoder', () => withSizes(shipped('dates-t5-encoder')(), { encoder_sequence: 8 })],
  ['parts of each sample', parts],
  ...(zoo ? ['cifar10-resnet/resnet20', 'imagenet-mobilenetv2-f32/mobilenetv2'] : []).map(
    (name): [string, () => Model] => [name, () => readModelFile(join(zoo!, 'models', `${name}.onnx`))],
  ),
];

/** x [batch, 4, 6] cut along its last axes, and as rows. */
function parts(): Model {
  const b = networkBuilder({ name: 'parts' });
  const x = b.input('x', 'float32', ['batch', 4, 6]);
  const cut = b.op('Slice', [x, b.integers(1), b.integers(3), b.integers(1), b.integers(1)]);
  const rows = b.op('Reshape', [cut, b.integers(-1, 6)]);
  b.output('y', b.op('Relu', [rows]));
  return b.build();
}

const four = { dims: { N: 4, batch: 4 }, integers: 3 };

/** Of the file's inputs, in their order. */
const inputsOf = (model: Model): Tensor[] => Object.values(seededFeeds(model, 1, four)).map(inLitert);

describe.skipIf(litertMissing !== null)(`four samples ${litertTitle}`, () => {
  // Plain kernels round as the compiler vectorised them for so many rows.
  it.each(models)('%s', (_, open) => {
    const model = open();
    const said: string[] = [];
    const bytes = writeTflite(model, { openBatch: true, remark: (text) => said.push(text) });
    expect(said.filter((text) => text.startsWith('the batch'))).toEqual([]);
    const inputs = inputsOf(model);
    const one = (k: number) => inputs.map((t) => slicedTensor(t, 0, k, k + 1));
    const jobs = [inputs, ...[0, 1, 2, 3].map(one)].flatMap((feeds) =>
      [true, false].map((delegate) => ({ model: bytes, inputs: feeds, delegate })),
    );
    const answers = runLitert(jobs).map((answer) => {
      if ('error' in answer) throw new Error(answer.error);
      return answer[0]!;
    });
    for (const by of [0, 1]) {
      const [whole, ...singles] = answers.filter((_, i) => i % 2 === by);
      const rows = whole!.dims[0]! / 4;
      singles.forEach((single, k) => {
        const part = slicedTensor(whole!, 0, k * rows, (k + 1) * rows);
        expect(part.dims).toEqual(single.dims);
        const { difference, magnitude } = largestDifference(single, part);
        expect(difference / magnitude).toBeLessThan(1e-5);
      });
    }
  });
});

describe('what stands in the file', () => {
  it('is −1 for the batch of every value, beside a 1 for runtimes that ask for no other', () => {
    const tables = readTables(writeTflite(shipped('glyphs-cnn')(), { openBatch: true }));
    expect(tables.inputs[0]).toMatchObject({ shape: [1, 3, 32, 32], signature: [-1, 3, 32, 32] });
    expect(tables.outputs[0]).toMatchObject({ shape: [1, 10], signature: [-1, 10] });
    for (const { outputs } of tables.operators)
      for (const { shape, signature } of outputs) expect(signature).toEqual(shape.with(0, -1));
  });

  it('is numbers alone where nobody asks for more, as LiteRT.js needs it, and a remark', () => {
    const said: string[] = [];
    const written = writeTflite(shipped('glyphs-cnn')(), { remark: (text) => said.push(text) });
    expect(readTables(written).inputs[0]!.signature).toEqual([]);
    expect(said).toContainEqual(expect.stringMatching(/^the batch is 1.*--open-batch/));
  });

  it('is read as an open size again', () => {
    const { graph } = openModelBytes(writeTflite(shipped('glyphs-cnn')(), { openBatch: true }), {
      name: 'm.tflite',
    }).model;
    expect(graph.inputs.map(shapeOf)).toEqual([['batch', 3, 32, 32]]);
    expect(shapeOf(graph.outputs[0])).toEqual(['batch', 10]);
  });
});

it('says which operator keeps the batch at 1', () => {
  const b = networkBuilder({ name: 'closed' });
  const x = b.input('x', 'float32', ['batch', 4]);
  const batch = b.op('Shape', [x], { end: 1 });
  const to = b.op('Concat', [b.integers(3), batch, b.integers(4)], { axis: 0 });
  b.output('y', b.op('Expand', [x, to]));
  const said: string[] = [];
  const tables = readTables(writeTflite(b.build(), { openBatch: true, remark: (text) => said.push(text) }));
  expect(said).toEqual([
    'the batch is 1, where the model leaves it open: BROADCAST_TO "y" has it among its numbers',
  ]);
  expect(tables.inputs[0]).toMatchObject({ shape: [1, 4], signature: [] });
});
