/** Models that onnxruntime.quantization made: in operators of integers (QuantFormat.QOperator), and with ranges found while they
 *  run (quantize_dynamic). Both files are of one small network of Conv, Relu, Clip, Add, pooling, Sigmoid, Mul, Concat, Gemm, MatMul. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { isOp, type Model } from '../../../../../src/model/ir/model.ts';
import { float32Values, numbers } from '../../../../../src/model/ir/tensor.ts';
import { inferShapes } from '../../../../../src/model/ops/shapes.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';
import { openExactEngine } from '../../../../saturating-sums.ts';
import { readTables } from './tables.ts';

const engine = await openExactEngine();

const fileOf = (name: string) => readModelFile(join(import.meta.dirname, name));

const one = { dims: { N: 1 } };

function parsed(text: string): Model {
  const model = parseModel(text);
  inferShapes(model);
  return model;
}

/** Largest difference to onnxruntime's results, of several inputs, relative to their largest. */
async function errorIn(model: Model): Promise<number> {
  const bytes = writeTflite(model);
  const errors: number[] = [];
  for (const seed of [1, 2, 3]) {
    const feeds = seededFeeds(model, seed, one);
    const expected = await runModel(engine, model, feeds);
    const received = runTflite(bytes, feeds);
    if (received instanceof Error) throw received;
    for (const [name, tensor] of Object.entries(expected)) {
      const { difference, magnitude } = largestDifference(tensor, received[name]!);
      errors.push(difference / magnitude);
    }
  }
  return Math.max(...errors);
}

describe('operators of integers', () => {
  const written = () => readTables(writeTflite(fileOf('qoperator.onnx')));

  it('compute in integers on LiteRT, all of them', () => {
    const computing = written().operators.filter(
      ({ op }) => !['QUANTIZE', 'DEQUANTIZE', 'TRANSPOSE'].includes(op),
    );
    const kinds = computing.map(({ op }) => op);
    expect(kinds).toEqual(
      expect.arrayContaining(['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'ADD', 'MUL', 'LOGISTIC']),
    );
    expect(computing.flatMap(({ outputs }) => outputs.map((t) => t.type))).toEqual(
      computing.map(() => 'int8'),
    );
  });

  it('keep their scales', () => {
    const model = fileOf('qoperator.onnx');
    const asked = model.graph.nodes
      .filter((n) => isOp(n, 'QLinearConv'))
      .map((n) => [float32Values(n.inputs[6]!.constant!)[0]!, numbers(n.inputs[7]!.constant!)[0]! - 128]);
    const found = written()
      .operators.filter(({ op }) => op === 'CONV_2D' || op === 'DEPTHWISE_CONV_2D')
      .map(({ outputs }) => [outputs[0]!.scale[0], outputs[0]!.zeroPoint[0]]);
    expect(asked).toHaveLength(3);
    expect(found).toEqual(asked);
  });

  it.skipIf(!hasLitert)(`come within two steps of what onnxruntime computes, ${litertTitle}`, async () => {
    const model = fileOf('qoperator.onnx');
    expect(await errorIn(model)).toBeLessThan(0.05);
  });

  it.skipIf(!hasLitert)(
    `with weights around a zero point of their own are computed in floats, ${litertTitle}`,
    async () => {
      const model = parsed(`<ir_version: 8, opset_import: ["" : 13, "com.microsoft" : 1]>
g (float[1,4] x) => (float[1,2] y)
< float s = {0.02}, uint8 z = {128}, uint8[2,4] W = {10, 200, 30, 250, 128, 90, 77, 3}, float sw = {0.01}, uint8 zw = {100},
  int32[2] B = {700, -300}, float sy = {0.05}, uint8 zy = {120} >
{
  q = QuantizeLinear (x, s, z)
  [gemm] r = com.microsoft.QGemm <transB = 1> (q, s, z, W, sw, zw, B, sy, zy)
  y = DequantizeLinear (r, sy, zy)
}`);
      const remarks: string[] = [];
      writeTflite(model, { remark: (text) => void remarks.push(text) });
      expect(await errorIn(model)).toBeLessThan(0.03);
    },
  );
});

describe('ranges found while running', () => {
  it('stay with LiteRT for matrices of int8; the rest computes in floats, and that is said', () => {
    const remarks: string[] = [];
    const bytes = writeTflite(fileOf('quantize-dynamic.onnx'), { remark: (text) => void remarks.push(text) });
    expect(remarks.filter((text) => text.startsWith('in floats')).join()).toMatch(/3 Conv .*find the range/);
    const layers = readTables(bytes).operators.filter(({ op }) => op === 'FULLY_CONNECTED');
    expect(layers.map(({ inputs }) => [inputs[0]!.type, inputs[1]!.type])).toEqual([
      ['float32', 'int8'],
      ['float32', 'int8'],
    ]);
  });

  it.skipIf(!hasLitert)(`come close to what onnxruntime computes, ${litertTitle}`, async () => {
    expect(await errorIn(fileOf('quantize-dynamic.onnx'))).toBeLessThan(0.03);
  });

  const small = (nodes: string, opset = 11) =>
    parsed(`<ir_version: 6, opset_import: ["" : ${opset}, "com.microsoft" : 1]>
g (float[3,4] x, float[4,2] v) => (float[3,2] y)
< uint8[4,2] W = {10, 200, 30, 250, 128, 90, 77, 3}, float sw = {0.01}, uint8 zw = {100}, float[2] b = {0.5, -0.25} >
{
  q, s, z = DynamicQuantizeLinear (x)
  ${nodes}
}`);

  const forms: Readonly<Record<string, string>> = {
    'products of two that are computed': `p, t, u = DynamicQuantizeLinear (v)
  i = MatMulInteger (q, p, z, u)
  f = Cast <to = 1> (i)
  k = Mul (s, t)
  y = Mul (f, k)`,
    'weights around a zero point': `i = MatMulInteger (q, W, z, zw)
  f = Cast <to = 1> (i)
  k = Mul (s, sw)
  y = Mul (f, k)`,
    MatMulIntegerToFloat: 'y = com.microsoft.MatMulIntegerToFloat (q, W, s, sw, z, zw, b)',
    DynamicQuantizeMatMul: 'y = com.microsoft.DynamicQuantizeMatMul (x, W, sw, zw, b)',
  };
  it.skipIf(!hasLitert).each(Object.entries(forms))(`of %s, ${litertTitle}`, async (_, nodes) => {
    expect(await errorIn(small(nodes))).toBeLessThan(0.03);
  });
});

describe('integers of 16 bits', () => {
  it('are refused for what they are', () => {
    const model = parsed(`<ir_version: 10, opset_import: ["" : 21]>
g (float[1,4] x) => (float[1,4] y) < float s = {0.02}, int16 z = {0} >
{
  q = QuantizeLinear (x, s, z)
  y = DequantizeLinear (q, s, z)
}`);
    expect(() => writeTflite(model)).toThrow(/makes int16, .* 8 bits/);
  });
});
