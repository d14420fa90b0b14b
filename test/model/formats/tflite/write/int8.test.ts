/** Static int8: scales and zero points of the Q/DQ model stand in the file as they are, and LiteRT's integers come to what
 *  onnxruntime computes. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../../../src/compress/compress.ts';
import { observe } from '../../../../../src/compute/calibrate/observe.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { isOp, type Model } from '../../../../../src/model/ir/model.ts';
import { float32Values, numbers } from '../../../../../src/model/ir/tensor.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';
import { readTables, type WrittenTensor } from './tables.ts';

const engine = await openEngine('node');

/** Calibrated on seeded noise. */
async function quantized(source: Model, target: 'mobile' | 'litert'): Promise<Model> {
  const calibration = {
    count: 8,
    read: async (i: number) => ({ id: `${i}`, inputs: seededFeeds(source, i + 10, one) }),
  };
  const { model } = await compressModel(source, {
    recipe: { ...preset('int8-static'), target },
    engine,
    calibrate: (m, requests) => observe(engine, m, requests, calibration),
  });
  return model;
}

const one = { dims: { N: 1, batch: 1 } };

describe('what is written for digits-cnn in int8', () => {
  let model: Model;
  let tables: ReturnType<typeof readTables>;
  beforeAll(async () => {
    model = await quantized(readModelFile('fixtures/models/digits-cnn.onnx'), 'mobile');
    tables = readTables(writeTflite(model));
  });

  const convolutions = () => tables.operators.filter(({ op }) => op === 'CONV_2D');

  it('has the scale of every QuantizeLinear, and its zero point less 128', () => {
    const asked = model.graph.nodes
      .filter((n) => isOp(n, 'QuantizeLinear'))
      .map((n) =>
        [float32Values(n.inputs[1]!.constant!)[0]!, numbers(n.inputs[2]!.constant!)[0]! - 128].join(),
      );
    const written = tables.operators.flatMap(({ outputs }) =>
      outputs.filter((t) => t.type === 'int8').map((t) => [t.scale[0], t.zeroPoint[0]].join()),
    );
    expect(asked.length).toBeGreaterThan(0);
    expect([...new Set(written)].sort()).toEqual([...new Set(asked)].sort());
  });

  it('computes convolutions in integers: weights around zero along the first axis, biases at the scale of the products', () => {
    expect(convolutions().length).toBeGreaterThan(0);
    for (const { inputs } of convolutions()) {
      const [x, kernel, bias] = inputs as [WrittenTensor, WrittenTensor, WrittenTensor];
      expect([x.type, kernel.type, bias.type]).toEqual(['int8', 'int8', 'int32']);
      expect(kernel.axis).toBe(0);
      expect(kernel.scale).toHaveLength(kernel.shape[0]!);
      expect(kernel.zeroPoint.every((z) => z === 0)).toBe(true);
      expect(bias.scale).toEqual(kernel.scale.map((s) => Math.fround(s * x.scale[0]!)));
    }
  });

  it('takes and gives floats', () => {
    expect([...tables.inputs, ...tables.outputs].map((t) => t.type)).toEqual(['float32', 'float32']);
  });
});

const zoo = process.env['EDGEPRESS_ZOO'];
const models = [
  'fixtures/models/digits-cnn.onnx',
  ...(zoo ? ['cifar10-resnet/resnet20', 'kws-dscnn/kws_dscnn_float'] : []).map((name) =>
    join(zoo!, 'models', `${name}.onnx`),
  ),
];

/** What stands between convolutions elsewhere than in classifiers: gates, squeezed and excited channels, parts, larger maps. */
const betweenProducts = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,8,12,12] x) => (float[1,8,24,24] y)
< float[8,8,3,3] A = {${waves(576)}}, float[8,8,1,1] B = {${waves(64)}}, float[8,12,1,1] C = {${waves(96)}} >
{
  a = Conv <pads = [1, 1, 1, 1]> (x, A)
  gate = Sigmoid (a)
  silu = Mul (a, gate)
  b = Conv (silu, B)
  squeezed = GlobalAveragePool (b)
  c = Conv (squeezed, B)
  share = Sigmoid (c)
  excited = Mul (b, share)
  left, right = Split <axis = 1> (excited)
  turned = Tanh (left)
  less = Sub (turned, right)
  leaky = LeakyRelu <alpha = 0.1> (excited)
  joined = Concat <axis = 1> (less, leaky)
  scales = Constant <value_floats = [1.0, 1.0, 2.0, 2.0]> ()
  large = Resize <mode = "linear"> (joined, , scales)
  y = Conv (large, C)
}`);

function waves(count: number): string {
  return Array.from({ length: count }, (_, i) => (0.4 * Math.sin(1 + 7.3 * i)).toFixed(4)).join(', ');
}

const sources: readonly (readonly [string, () => Model])[] = [
  ...models.map((path) => [path, () => readModelFile(path)] as const),
  ['what stands between products', () => betweenProducts],
];

describe.skipIf(!hasLitert).each(['mobile', 'litert'] as const)(
  `static int8 for the target %s ${litertTitle}`,
  (target) => {
    // A step of an activation is 1/255 of its range; what is rounded differently in one layer goes on through the next.
    it.each(sources)('%s', async (_, source) => {
      const model = await quantized(source(), target);
      const feeds = seededFeeds(model, 1, one);
      const [expected] = Object.values(await runModel(engine, model, feeds));
      const [received] = Object.values(runTflite(writeTflite(model), feeds));
      const { difference, magnitude } = largestDifference(expected!, received!);
      expect(difference / magnitude).toBeLessThan(0.02);
    });
  },
);

it('nothing between products is in floats for the target litert', async () => {
  const { operators } = readTables(writeTflite(await quantized(betweenProducts, 'litert')));
  const floats = operators.filter(({ op, outputs }) => op !== 'DEQUANTIZE' && outputs[0]!.type === 'float32');
  expect(floats.map(({ op }) => op)).toEqual([]);
});

describe('dynamic int8 for the target litert', () => {
  const path = 'fixtures/models/digits-vit.onnx';
  const made = async (): Promise<Model> =>
    (
      await compressModel(readModelFile(path), {
        recipe: { ...preset('int8-dynamic'), target: 'litert' },
        engine,
      })
    ).model;

  it('becomes fully connected layers of floats and int8 weights, one scale an output', async () => {
    const model = await made();
    const products = model.graph.nodes.filter((n) => isOp(n, 'MatMulInteger')).length;
    const layers = readTables(writeTflite(model)).operators.filter(
      ({ op, inputs }) => op === 'FULLY_CONNECTED' && inputs[1]!.type === 'int8',
    );
    expect(products).toBeGreaterThan(0);
    expect(layers).toHaveLength(products);
    for (const { inputs, version } of layers) {
      expect(inputs[0]!.type).toBe('float32');
      expect(inputs[1]!.scale).toHaveLength(inputs[1]!.shape[0]!);
      expect(version).toBe(12);
    }
  });

  it.skipIf(!hasLitert)(`is within 5 % of the largest output ${litertTitle}`, async () => {
    const source = readModelFile(path);
    const feeds = seededFeeds(source, 1, one);
    const [expected] = Object.values(await runModel(engine, source, feeds));
    const [received] = Object.values(runTflite(writeTflite(await made()), feeds));
    const { difference, magnitude } = largestDifference(expected!, received!);
    expect(difference / magnitude).toBeLessThan(0.05);
  });
});
