/** .tflite files of strangers: whatever the bytes are, they are read or refused with a code, in bounded time and memory. */
import { describe, expect, it } from 'vitest';
import type { FlatTable } from '../../../../src/model/formats/flatbuffers/schema.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../src/support/random.ts';
import { outcomeOf } from './one-operator.ts';
import { constant, int32s, type TinyGraph, type TinyTensor, tinyFile } from './tiny-file.ts';

const read = (bytes: Uint8Array) => openModelBytes(bytes, { name: 'strange.tflite' }).model;
const refused = (code: string, words: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(words) });

const float = (...dims: number[]): TinyTensor => ({ dims, type: 'float32' });
const weights = (...dims: number[]) =>
  constant(tensorOf('float32', dims, Array(dims.reduce((a, b) => a * b, 1)).fill(0.5)));

/** A small network with all that a file has: a convolution in integers, a branch, a sparse weight, a custom operator. */
const whole = (): TinyGraph => ({
  tensors: {
    x: { dims: [1, 4, 4, 2], type: 'int8', scale: [0.1], zeroPoint: [3], signature: [-1, 4, 4, 2] },
    w: constant(tensorOf('int8', [3, 1, 1, 2], [1, -2, 3, -4, 5, -6]), { scale: [0.1, 0.2, 0.3], axis: 0 }),
    b: constant(tensorOf('int32', [3], [1, 2, 3]), { scale: [0.01, 0.02, 0.03], axis: 0 }),
    y: { dims: [1, 4, 4, 3], type: 'int8', scale: [0.2], zeroPoint: [0] },
    shape: constant(tensorOf('int32', [2], [-1, 3])),
    rows: { dims: [16, 3], type: 'int8', scale: [0.2], zeroPoint: [0] },
    real: float(16, 3),
    goes: { dims: [], type: 'bool' },
    z: float(16, 3),
  },
  inputs: ['x', 'goes'],
  outputs: ['z'],
  operators: [
    {
      op: 'CONV_2D',
      inputs: ['x', 'w', 'b'],
      outputs: ['y'],
      options: ['Conv2DOptions', { padding: 0, strideH: 1, strideW: 1, fusedActivationFunction: 1 }],
    },
    {
      op: 'RESHAPE',
      inputs: ['y', 'shape'],
      outputs: ['rows'],
      options: ['ReshapeOptions', { newShape: [16, 3] }],
    },
    { op: 'DEQUANTIZE', inputs: ['rows'], outputs: ['real'] },
    {
      op: 'IF',
      inputs: ['goes', 'real'],
      outputs: ['z'],
      options: ['IfOptions', { thenSubgraphIndex: 1, elseSubgraphIndex: 2 }],
    },
  ],
});

const branch = (op: string): TinyGraph => ({
  tensors: { a: float(16, 3), b: float(16, 3) },
  inputs: ['a'],
  outputs: ['b'],
  operators: [{ op, inputs: ['a'], outputs: ['b'] }],
});

const wholeFile = () =>
  tinyFile([whole(), branch('RELU'), branch('TANH')], {
    metadata: [{ name: 'min_runtime_version', buffer: 0 }],
    signatureDefs: [
      {
        signatureKey: 'serving_default',
        subgraphIndex: 0,
        inputs: [
          { name: 'picture', tensorIndex: 0 },
          { name: 'goes', tensorIndex: 7 },
        ],
        outputs: [{ name: 'scores', tensorIndex: 8 }],
      },
    ],
  } as unknown as FlatTable);

describe('a damaged file', () => {
  it('is whole to begin with', () => {
    expect(outcomeOf(wholeFile())).toBe('read');
  });

  it('is a .tflite file as soon as its name stands in it', () => {
    expect(() => read(wholeFile().slice(0, 8))).toThrow(refused('TFLITE_MALFORMED', 'outside'));
  });

  it('is refused with a code wherever it ends', () => {
    const bytes = wholeFile();
    for (let length = 0; length < bytes.length; length += 7) outcomeOf(bytes.slice(0, length));
  });

  it('is read or refused with a code whatever four bytes say', () => {
    const bytes = wholeFile();
    const words = [0, 1, -1, 0x7fffffff, 0x80000000 | 0, 255, 0x10000];
    const found = new Set<string>();
    for (let at = 8; at + 4 <= bytes.length; at += 4)
      for (const word of words) {
        const copy = bytes.slice();
        new DataView(copy.buffer).setInt32(at, word, true);
        found.add(outcomeOf(copy));
      }
    expect([...found]).toContain('TFLITE_MALFORMED');
  });

  it('is read or refused with a code whatever a byte says', () => {
    const bytes = wholeFile();
    const random = createRandom(11);
    for (let round = 0; round < 4000; round++) {
      const copy = bytes.slice();
      for (let k = 0; k <= random.integer(3); k++) copy[random.integer(copy.length)] = random.integer(256);
      outcomeOf(copy);
    }
  });
});

const one = (tensor: Partial<TinyTensor>, type: TinyTensor['type'] = 'float32'): TinyGraph => ({
  tensors: { x: float(2, 2), t: { dims: [2, 2], type, ...tensor }, y: float(2, 2) },
  inputs: ['x'],
  outputs: ['y'],
  operators: [{ op: 'ADD', inputs: ['x', 't'], outputs: ['y'], options: ['AddOptions', {}] }],
});
const twoByTwo = constant(tensorOf('float32', [2, 2], [1, 2, 3, 4])).bytes!;
const bytes = Uint8Array.of(1, 2, 3, 4);

describe('what a file claims', () => {
  it.each([
    ['a size below zero', one({ dims: [-2, 2], bytes: twoByTwo })],
    ['more elements than its buffer has', one({ dims: [1 << 30, 1 << 30], bytes: twoByTwo })],
    ['a buffer that is not there', one({ fields: { buffer: 99 } })],
    ['a type that is not there', one({ fields: { type: 99 } })],
    ['more axes than anything has', one({ dims: Array(60).fill(1) })],
    ['shapes of different lengths', one({ bytes: twoByTwo, signature: [2] })],
    ['scales for an axis of another size', one({ bytes, scale: [1, 2, 3] }, 'int8')],
    ['scales for an axis that is not there', one({ bytes, scale: [1, 2], axis: 7 }, 'int8')],
    ['fewer zero points than scales', one({ bytes, scale: [1, 2], zeroPoint: [0] }, 'int8')],
    ['a scale below zero', one({ bytes, scale: [-1] }, 'int8')],
    ['a scale that is no number', one({ bytes, scale: [Number.NaN] }, 'int8')],
    ['a tensor that nothing computes', one({})],
  ])('%s is refused', (_, graph) => {
    expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_MALFORMED', 't'));
  });

  it('a zero point outside its type is refused', () => {
    const graph = one({ bytes, scale: [1], zeroPoint: [300] }, 'int8');
    expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_OPERATOR_FORM', 'zero point of 300'));
  });

  it('data in another file are refused', () => {
    const graph = one({ fields: { externalBuffer: 1 } });
    expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_UNSUPPORTED', 'another file'));
  });

  it.each(['string', 'complex64', 'resource'] as const)('%s is refused', (type) => {
    expect(() => read(tinyFile([one({}, type)]))).toThrow(refused('TFLITE_UNSUPPORTED', type));
  });

  it('another version of the format is refused', () => {
    expect(() => read(tinyFile([whole()], { version: 2 }))).toThrow(
      refused('TFLITE_UNSUPPORTED', 'version 2'),
    );
  });

  it('graphs that call one another without end are refused', () => {
    const loop: TinyGraph = {
      tensors: { c: { dims: [], type: 'bool' }, a: float(2), b: float(2) },
      inputs: ['c', 'a'],
      outputs: ['b'],
      operators: [
        {
          op: 'IF',
          inputs: ['c', 'c', 'a'],
          outputs: ['b'],
          options: ['IfOptions', { thenSubgraphIndex: 0, elseSubgraphIndex: 0 }],
        },
      ],
    };
    expect(() => read(tinyFile([loop]))).toThrow(refused('TFLITE_MALFORMED', 'stand in one another'));
  });

  it('graphs that call the next one twice are refused before they fill the memory', () => {
    const levels = 40;
    const graphs = Array.from({ length: levels }, (_, i): TinyGraph => {
      const call = (from: string, to: string) => ({
        op: 'IF',
        inputs: ['c', 'c', from],
        outputs: [to],
        options: ['IfOptions', { thenSubgraphIndex: i + 1, elseSubgraphIndex: i + 1 }] as const,
      });
      return {
        tensors: { c: { dims: [], type: 'bool' }, a: float(2), b: float(2) },
        inputs: ['c', 'a'],
        outputs: ['b'],
        operators: [i + 1 < levels ? call('a', 'b') : { op: 'RELU', inputs: ['a'], outputs: ['b'] }],
      };
    });
    expect(() => read(tinyFile(graphs))).toThrow(refused('TFLITE_MALFORMED', 'so often'));
  });

  it('an operator that reads what comes later is refused', () => {
    const graph: TinyGraph = {
      tensors: { x: float(2), a: float(2), b: float(2) },
      inputs: ['x'],
      outputs: ['b'],
      operators: [
        { op: 'RELU', inputs: ['a'], outputs: ['b'] },
        { op: 'RELU', inputs: ['b'], outputs: ['a'] },
      ],
    };
    expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_MALFORMED', 'nothing computes it before'));
  });

  it('a tensor that two operators compute is refused', () => {
    const graph: TinyGraph = {
      tensors: { x: float(2), a: float(2) },
      inputs: ['x'],
      outputs: ['a'],
      operators: [
        { op: 'RELU', inputs: ['x'], outputs: ['a'] },
        { op: 'TANH', inputs: ['x'], outputs: ['a'] },
      ],
    };
    expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_MALFORMED', 'is there already'));
  });

  it('a sparse tensor of more than its values could ever be is refused', () => {
    const sparsity = {
      traversalOrder: int32s([0, 1]),
      dimMetadata: [
        { format: 0, denseSize: 1 << 20 },
        { format: 1, arraySegmentsType: 1, arraySegments: { values: int32s([0, 0]) } },
      ],
    } as unknown as FlatTable;
    const graph = one({ dims: [1 << 20, 1 << 20], bytes: twoByTwo, fields: { sparsity } });
    expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_MALFORMED', 'tensor 1'));
  });

  it.each([0, 3, 64])('%s bytes of settings of a custom operator are refused', (length) => {
    const junk = Uint8Array.from({ length }, (_, i) => (i * 37) & 255);
    for (const op of ['TFLite_Detection_PostProcess', 'Convolution2DTransposeBias', 'MaxUnpooling2D']) {
      const graph: TinyGraph = {
        tensors: {
          x: float(1, 4, 4),
          w: weights(1, 1, 4),
          v: weights(4, 4),
          y: float(1, 4, 4),
          n: float(1),
          m: float(1),
          o: float(1),
        },
        inputs: ['x'],
        outputs: ['y'],
        operators: [{ op, inputs: ['x', 'w', 'v'], outputs: ['y', 'n', 'm', 'o'], customOptions: junk }],
      };
      expect(() => read(tinyFile([graph]))).toThrow(refused('TFLITE_OPERATOR_FORM', op));
    }
  });
});

describe('an operator that nobody knows', () => {
  const graph = (op: string): TinyGraph => ({
    tensors: { x: float(2), a: float(2), b: float(2) },
    inputs: ['x'],
    outputs: ['b'],
    operators: [
      { op: 'RELU', inputs: ['x'], outputs: ['a'] },
      { op, inputs: ['a'], outputs: ['b'] },
    ],
  });
  it.each(['HASHTABLE_FIND', 'MyOwnOperator', 'toString'])(
    '%s is named, with its place and what can be an output instead',
    (op) => {
      const found = expect.objectContaining({
        code: 'TFLITE_OPERATOR_UNKNOWN',
        message: expect.stringContaining(`${op} (operator 1) "b"`),
        hint: expect.stringContaining('--outputs a'),
      });
      expect(() => read(tinyFile([graph(op)]))).toThrow(found);
    },
  );
  it('is no matter where nothing needs it', () => {
    const { model } = openModelBytes(tinyFile([graph('MyOwnOperator')]), {
      name: 'x.tflite',
      outputs: ['a'],
    });
    expect(model.graph.nodes.map((node) => node.opType)).toEqual(['Relu']);
  });
});
