/** A .tflite file by hand: one layer, and the place of its largest answer as an integer. */

import { writeFlatbuffer } from '../../src/model/formats/flatbuffers/write.ts';
import { type BuiltinOperator, builtinOperators, tensorTypes } from '../../src/model/formats/tflite/codes.ts';
import { tfliteSchema } from '../../src/model/formats/tflite/schema.ts';

export const weights = Float32Array.of(0.5, -1, 2, 0.25, -0.75, 1, 0.125, 3, 1.5, -2, 0.375, -0.5);

/** The same as ONNX. */
export const onnxText = `<ir_version: 8, opset_import: ["" : 13]>
g (float[N, 4] x, int64[1] add) => (float[N, 3] y, int64[N] class)
<float[3, 4] w = {${weights.join(', ')}}> {
  y = Gemm <transB = 1> (x, w)
  best = ArgMax <axis = 1, keepdims = 0> (y)
  class = Add (best, add)
}`;

const int32s = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);

/** @param middle  another operator breaks the file
 *  @param last  another one of two integers computes something else */
export function tinyTflite(middle: BuiltinOperator = 'ARG_MAX', last: BuiltinOperator = 'ADD'): Uint8Array {
  const tensor = (name: string, type: (typeof tensorTypes)[number], shape: number[], buffer = 0) => ({
    ...{ name, shape: int32s(...shape), type: tensorTypes.indexOf(type), buffer },
  });
  const codes = (['FULLY_CONNECTED', middle, last] as const).map((name) => builtinOperators.indexOf(name));
  const kinds = tfliteSchema.unions['Operator.builtinOptions']!;
  const operator = (opcodeIndex: number, inputs: number[], output: number, kind: string, options = {}) => ({
    ...{ opcodeIndex, inputs: int32s(...inputs), outputs: int32s(output) },
    ...{ builtinOptionsType: kinds.indexOf(kind), builtinOptions: options },
  });
  const maps = (names: Record<string, number>) =>
    Object.entries(names).map(([name, tensorIndex]) => ({ name, tensorIndex }));
  return writeFlatbuffer(
    {
      version: 3,
      operatorCodes: codes.map((code) => ({
        deprecatedBuiltinCode: Math.min(127, code),
        builtinCode: code,
        version: 1,
      })),
      buffers: [{}, { data: new Uint8Array(weights.buffer) }, { data: int32s(1) }],
      subgraphs: [
        {
          tensors: [
            tensor('x', 'float32', [1, 4]),
            tensor('add', 'int32', [1]),
            tensor('w', 'float32', [3, 4], 1),
            tensor('axis', 'int32', [1], 2),
            tensor('y', 'float32', [1, 3]),
            tensor('best', 'int32', [1]),
            tensor('class', 'int32', [1]),
          ],
          inputs: int32s(0, 1),
          outputs: int32s(4, 6),
          operators: [
            operator(0, [0, 2, -1], 4, 'FullyConnectedOptions'),
            operator(1, [4, 3], 5, 'ArgMaxOptions', { outputType: tensorTypes.indexOf('int32') }),
            operator(2, [5, 1], 6, 'AddOptions'),
          ],
        },
      ],
      signatureDefs: [
        {
          inputs: maps({ x: 0, add: 1 }),
          outputs: maps({ y: 4, class: 6 }),
          signatureKey: 'serving_default',
          subgraphIndex: 0,
        },
      ],
    },
    tfliteSchema,
  );
}
