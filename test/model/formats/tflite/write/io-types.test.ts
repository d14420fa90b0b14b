/** Inputs and outputs in integers: in LiteRT they stand for what the same file takes and gives in floats. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../../../src/compress/compress.ts';
import { observe } from '../../../../../src/compute/calibrate/observe.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { openModelBytes } from '../../../../../src/model/formats/opened.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { isOp, type Model } from '../../../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { chooseOutputs } from '../../../../../src/model/rewrite/choose-outputs.ts';
import { withIoTypes } from '../../../../../src/model/rewrite/io-types.ts';
import type { IoType } from '../../../../../src/support/io-type.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { runModel, seededFeeds } from '../../../../run-model.ts';
import { readTables, type WrittenTensor } from './tables.ts';

const engine = await openEngine('node');
const one = { dims: { N: 1, batch: 1 } };

/** digits-cnn in static int8, cut behind the last value that integers stand for. */
async function quantized(): Promise<Model> {
  const source = readModelFile('fixtures/models/digits-cnn.onnx');
  const calibration = {
    count: 8,
    read: async (i: number) => ({ id: `${i}`, inputs: seededFeeds(source, i + 10, one) }),
  };
  const { model } = await compressModel(source, {
    recipe: { ...preset('int8-static'), target: 'litert' },
    engine,
    calibrate: (m, requests) => observe(engine, m, requests, calibration),
  });
  const codes = model.graph.nodes.flatMap((n) => (isOp(n, 'QuantizeLinear') ? n.outputs : []));
  const last = codes.at(-1)!.uses[0]!.node!.outputs[0]!;
  chooseOutputs(model, [last.name]);
  return model;
}

const codeOf = (tensor: WrittenTensor, value: number) => {
  const code = Math.round(value / tensor.scale[0]! + tensor.zeroPoint[0]!);
  const [low, high] = tensor.type === 'uint8' ? [0, 255] : [-128, 127];
  return Math.min(high, Math.max(low, code));
};
const coded = (tensor: WrittenTensor, x: Tensor) =>
  tensorOf(
    tensor.type as 'int8',
    x.dims,
    Array.from(float32Values(x), (v) => codeOf(tensor, v)),
  );
const real = (tensor: WrittenTensor, codes: Tensor) =>
  numbers(codes).map((code) => Math.fround((code - tensor.zeroPoint[0]!) * tensor.scale[0]!));

describe.each(['int8', 'uint8'] as const)('%s', (io) => {
  let model: Model;
  let bytes: Uint8Array;
  let tables: ReturnType<typeof readTables>;
  beforeAll(async () => {
    model = await quantized();
    const { model: typed, left } = withIoTypes(model, io);
    expect(left).toEqual([]);
    bytes = writeTflite(typed);
    tables = readTables(bytes);
  });

  it('stands at the edges with its scale, uint8 with the zero point of int8 and 128', () => {
    const inner = readTables(writeTflite(model)).operators;
    const first = inner.find(({ op }) => op === 'QUANTIZE')!.outputs[0]!;
    const shift = io === 'uint8' ? 128 : 0;
    expect(tables.inputs).toMatchObject([
      { type: io, scale: first.scale, zeroPoint: [first.zeroPoint[0]! + shift] },
    ]);
    expect(tables.outputs.map(({ type, scale }) => [type, scale.length])).toEqual([[io, 1]]);
  });

  it('needs no operator between integers and integers', () => {
    const count = (op: string) => tables.operators.filter((o) => o.op === op).length;
    expect([count('DEQUANTIZE'), count('QUANTIZE')]).toEqual([0, io === 'uint8' ? 2 : 0]);
  });

  it.skipIf(!hasLitert)(`gives what the file with floats gives ${litertTitle}`, () => {
    const feeds = seededFeeds(model, 1, one);
    const [name, x] = Object.entries(feeds)[0]!;
    const [input, output] = [tables.inputs[0]!, tables.outputs[0]!];
    const [expected] = Object.values(runTflite(writeTflite(model), feeds));
    const [codes] = Object.values(runTflite(bytes, { [name]: coded(input, x) }));
    expect(codes!.dtype).toBe(io);
    expect(real(output, codes!)).toEqual(Array.from(float32Values(expected!)));
  });

  it('is read back as the same model', async () => {
    const read = openModelBytes(bytes, { name: 'model.tflite' }).model;
    const x = coded(tables.inputs[0]!, seededFeeds(model, 1, one)[model.graph.inputs[0]!.name]!);
    const feeds = { [model.graph.inputs[0]!.name]: x };
    const [expected] = Object.values(await runModel(engine, withIoTypes(model, io).model, feeds));
    const [received] = Object.values(await runModel(engine, read, feeds));
    expect(received!.dtype).toBe(io);
    const apart = numbers(expected!).map((code, i) => Math.abs(code - numbers(received!)[i]!));
    // LiteRT's MEAN and ours round apart by a step.
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
  });

  it.each(['float', 'int8', 'uint8'] satisfies IoType[])('becomes %s again with the same scale', (to) => {
    const again = withIoTypes(openModelBytes(bytes, { name: 'model.tflite' }).model, to);
    expect(again.left).toEqual([]);
    expect(readTables(writeTflite(again.model)).inputs).toEqual(
      readTables(writeTflite(withIoTypes(model, to).model)).inputs,
    );
  });
});

it('leaves what has no scale, and says why', () => {
  const { model, typed, left } = withIoTypes(readModelFile('fixtures/models/sequence-lstm.onnx'), 'int8');
  expect(typed).toEqual([]);
  expect(left).toMatchObject([
    { side: 'input', name: 'ids', why: 'it is int64' },
    { side: 'output', why: 'what makes it computes in floats' },
  ]);
  expect(model.graph.inputs).toHaveLength(1);
});
