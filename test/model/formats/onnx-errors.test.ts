import fc from 'fast-check';
import type { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { decodeModel, decodeTensorProto, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';
import { concat, field, floatTensor, info, modelBytes, node, varintField } from './onnx-bytes.ts';

function diagnosticOf(action: () => unknown): Diagnostic {
  try {
    action();
  } catch (error) {
    if (error instanceof Diagnostic) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const reading = (bytes: Uint8Array) => diagnosticOf(() => decodeModel(bytes, { name: 'm.onnx' }));
const text = (s: string) => new TextEncoder().encode(s);

describe('files that are not ONNX are named for what they are', () => {
  it.each<[string, Uint8Array, string]>([
    [
      'a Git LFS pointer',
      text('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n'),
      'Git LFS',
    ],
    ['a web page', text('\n<!DOCTYPE html><html><body>Not found</body></html>'), 'web page'],
    ['a PyTorch zip', concat(text('PK\x03\x04'), text('archive/data.pkl')), 'PyTorch'],
    ['an old PyTorch pickle', Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c), 'pickle'],
    ['a NumPy archive', concat(text('PK\x03\x04'), text('x.npy')), 'NumPy'],
    ['a TensorFlow Lite model', concat(Uint8Array.of(0x1c, 0, 0, 0), text('TFL3')), 'TensorFlow Lite'],
    ['an .ort model', concat(Uint8Array.of(0x1c, 0, 0, 0), text('ORTM')), '.ort'],
    ['safetensors', concat(Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0), text('{"a":{"dtype":')), 'safetensors'],
    ['a TensorFlow.js model', text('{"format":"layers-model","modelTopology":{}}'), 'TensorFlow.js'],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0), 'compressed'],
    ['a Keras HDF5 file', concat(Uint8Array.of(0x89), text('HDF\r\n')), 'HDF5'],
    ['textual ONNX', text('<ir_version: 8>\nmain (float x) => (float y) {}'), 'textual'],
    ['a sentence', text('This is not the model that you are looking for.'), 'not the protobuf message'],
  ])('%s', (_, bytes, word) => {
    const diagnostic = reading(bytes);
    expect(diagnostic.code).toBe('NOT_ONNX');
    expect(diagnostic.message).toContain(word);
    expect(diagnostic.hint).toBeTruthy();
  });

  it('an empty file', () => {
    const { code, message } = reading(new Uint8Array());
    expect(code).toBe('EMPTY_FILE');
    // Nothing says what it should have been.
    expect(message).not.toContain('ONNX');
  });

  it('a file that was cut off says so, wherever the cut is', () => {
    const bytes = modelBytes({ initializer: [floatTensor('w', [1, 2, 3])] });
    // The last six bytes are the opset import; without exactly these the file is whole but for that field.
    const graphEnd = bytes.length - 6;
    expect(reading(bytes.subarray(0, graphEnd)).code).toBe('ONNX_NO_OPSET');
    for (let length = 12; length < graphEnd; length++)
      expect(reading(bytes.subarray(0, length)).code).toBe('ONNX_TRUNCATED');
  });
});

describe('models that do not hang together', () => {
  /** What is not read isn't looked into. */
  const readsW = [node('Add', ['x', 'w'], ['y'])];
  const cases: [string, string, onnx.IGraphProto, string][] = [
    [
      'DANGLING_INPUT',
      'an input that nothing produces',
      { node: [node('Add', ['x', 'lost'], ['y'])] },
      '"lost"',
    ],
    ['DANGLING_INPUT', 'an output that nothing produces', { node: [] }, '"y"'],
    [
      'GRAPH_CYCLIC',
      'a node that reads its own output',
      { node: [node('Add', ['x', 'y'], ['y'])] },
      'Add "y"',
    ],
    [
      'GRAPH_CYCLIC',
      'two nodes that feed each other',
      {
        node: [
          node('Add', ['x', 'b'], ['a'], { name: 'first' }),
          node('Neg', ['a'], ['b']),
          node('Abs', ['b'], ['y']),
        ],
      },
      'Neg "b"',
    ],
    [
      'DUPLICATE_NAME',
      'two nodes with the same output',
      { node: [node('Neg', ['x'], ['y']), node('Abs', ['x'], ['y'], { name: 'again' })] },
      'Abs "again"',
    ],
    [
      'DUPLICATE_NAME',
      'two initializers of one name and other sizes',
      { initializer: [floatTensor('w', [1]), floatTensor('w', [2, 3])] },
      '"w"',
    ],
    ['DUPLICATE_NAME', 'an output called like an input', { node: [node('Neg', ['x'], ['x'])] }, 'Neg "x"'],
    [
      'TENSOR_BYTES',
      'a tensor that is too short',
      { initializer: [{ ...floatTensor('w', [1, 2]), dims: [3] }], node: readsW },
      '"w"',
    ],
    [
      'TENSOR_BYTES',
      'a tensor without content',
      { initializer: [{ name: 'w', dims: [3], dataType: 1 }], node: readsW },
      '"w"',
    ],
    [
      'TENSOR_DIMS',
      'a negative dimension',
      { initializer: [{ name: 'w', dims: [-3], dataType: 1 }], node: readsW },
      '-3',
    ],
    [
      'TENSOR_DIMS',
      'more elements than can be counted',
      { initializer: [{ name: 'w', dims: [1e6, 1e6, 1e6], dataType: 1 }], node: readsW },
      '"w"',
    ],
    [
      'UNKNOWN_DTYPE',
      'an element type of the future',
      { initializer: [{ name: 'w', dims: [1], dataType: 99 }] },
      '99',
    ],
    [
      'ONNX_MALFORMED',
      'an attribute that is given twice',
      {
        node: [
          node('Relu', ['x'], ['y'], {
            attribute: [
              { name: 'k', type: 2 },
              { name: 'k', type: 2 },
            ],
          }),
        ],
      },
      '"k"',
    ],
  ];

  it.each(cases)('%s: %s', (code, _, graph, word) => {
    const diagnostic = reading(modelBytes(graph));
    expect(diagnostic.code).toBe(code);
    expect(diagnostic.message).toContain(word);
  });

  it('no graph and no opset import', () => {
    expect(reading(concat(varintField(1, 8), field(8, varintField(2, 17)))).code).toBe('ONNX_NO_GRAPH');
    expect(reading(modelBytes({}, { opsetImport: [] })).code).toBe('ONNX_NO_OPSET');
  });

  it('external data without access to files is refused when it is read, not before', () => {
    const externalData = [{ key: 'location', value: 'w.bin' }];
    const model = decodeModel(
      modelBytes({ initializer: [{ name: 'w', dims: [1], dataType: 1, dataLocation: 1, externalData }] }),
    );
    const [w] = model.graph.initializers;
    expect(w!.constant!.external).toEqual({ location: 'w.bin', offset: 0, length: 4 });
    expect(diagnosticOf(() => encodeModel(model)).code).toBe('EXTERNAL_DATA_UNAVAILABLE');
  });
});

describe('hostile bytes', () => {
  const wrap = (depth: number, inner: (content: Uint8Array) => Uint8Array) => {
    let content: Uint8Array = new Uint8Array();
    for (let i = 0; i < depth; i++) content = inner(content);
    return concat(varintField(1, 8), field(8, varintField(2, 17)), field(7, content));
  };

  it('nested graphs beyond the limit of protobuf give a diagnostic', () => {
    const bytes = wrap(3000, (g) => field(1, field(5, field(6, g))));
    expect(reading(bytes).code).toBe('ONNX_TOO_DEEP');
  });

  it('nested types beyond the limit give a diagnostic', () => {
    const type = wrap(3000, (t) => field(4, field(1, t)));
    expect(reading(concat(type, field(7, field(11, field(2, type))))).code).toMatch(/^ONNX_/);
  });

  it('nested unknown groups give a diagnostic', () => {
    const groups = Uint8Array.from({ length: 100_000 }, () => (15 << 3) | 3);
    const bytes = concat(varintField(1, 8), field(8, varintField(2, 17)), field(7, groups));
    expect(reading(bytes).code).toBe('ONNX_TOO_DEEP');
  });

  /** A model with a bit of everything. */
  const seedModel = modelBytes(
    {
      input: [info('x', ['N', 2]), info('c', [], 9)],
      initializer: [
        floatTensor('w', [1, 2, 3]),
        { name: 'i', dims: [2], dataType: 7, int64Data: [1, -1] },
        { name: 's', dims: [1], dataType: 8, stringData: [text('a')] },
        {
          name: 'e',
          dims: [1],
          dataType: 1,
          dataLocation: 1,
          externalData: [{ key: 'location', value: 'f' }],
        },
      ],
      sparseInitializer: [
        { dims: [4], values: floatTensor('sp', [1]), indices: { dims: [1], dataType: 7, int64Data: [2] } },
      ],
      node: [
        node('If', ['c'], ['m'], {
          attribute: ['then_branch', 'else_branch'].map((name) => ({
            name,
            type: 5,
            g: { name, node: [node('Neg', ['x'], [`${name}_out`])], output: [info(`${name}_out`)] },
          })),
        }),
        node('Conv', ['m', 'w'], ['y'], { attribute: [{ name: 'pads', type: 7, ints: [1, 1] }] }),
      ],
      valueInfo: [info('m', ['N', 2])],
    },
    {
      functions: [{ name: 'F', domain: 'd', input: ['a'], output: ['b'], node: [node('Neg', ['a'], ['b'])] }],
    },
  );

  const survives = (bytes: Uint8Array) => {
    let model: Model;
    try {
      model = decodeModel(bytes);
    } catch (error) {
      if (error instanceof Diagnostic && error.kind !== 'internal') return;
      throw error;
    }
    verifyModel(model);
    try {
      verifyModel(decodeModel(encodeModel(model, { place: (tensor) => tensor.external })));
    } catch (error) {
      if (!(error instanceof Diagnostic) || error.kind === 'internal') throw error;
    }
  };

  it('that are random give a model or a diagnostic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(bytes)),
      { seed: 1, numRuns: 2000 },
    );
  });

  it('that are a model with some bytes changed, removed or doubled give a sound model or a diagnostic', () => {
    const edit = fc.record({
      at: fc.nat(seedModel.length - 1),
      remove: fc.nat(3),
      insert: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bytes = seedModel;
        for (const { at, remove, insert } of edits)
          bytes = concat(bytes.subarray(0, at), insert, bytes.subarray(at + remove));
        survives(bytes);
      }),
      { seed: 2, numRuns: 5000 },
    );
  });

  it('in every single place of a model give a sound model or a diagnostic', () => {
    for (let at = 0; at < seedModel.length; at++)
      for (const flip of [1, 2, 8, 16, 128, 255]) {
        const bytes = seedModel.slice();
        bytes[at] = bytes[at]! ^ flip;
        survives(bytes);
      }
  });

  it('as a tensor file give a tensor or a diagnostic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeTensorProto(bytes);
        } catch (error) {
          if (!(error instanceof Diagnostic)) throw error;
        }
      }),
      { seed: 3, numRuns: 3000 },
    );
  });
});
