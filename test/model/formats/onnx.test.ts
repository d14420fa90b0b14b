import type { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { decodeModel, decodeTensorProto, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { subgraphs } from '../../../src/model/ir/attribute.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { addInitializer, addNode } from '../../../src/model/ir/edit.ts';
import { constantOf } from '../../../src/model/ir/model.ts';
import { float32Values, numbers, tensorOf, typedArray } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { floatTensor, info, modelBytes, node, parsed } from './onnx-bytes.ts';

const tensorOfModel = (tensor: onnx.ITensorProto) => {
  const model = decodeModel(modelBytes({ initializer: [{ name: 'w', ...tensor }] }));
  return findValue(model, 'w')!.constant!;
};

describe('reading a graph', () => {
  it('links inputs, nodes, initializers and outputs to the same values', () => {
    const { graph } = decodeModel(
      modelBytes({
        initializer: [floatTensor('w', [1, 2])],
        node: [node('Add', ['x', 'w'], ['s']), node('Relu', ['s'], ['y'])],
      }),
    );
    const [add, relu] = graph.nodes;
    expect(add!.inputs[0]).toBe(graph.inputs[0]);
    expect([...graph.initializers]).toEqual([add!.inputs[1]]);
    expect(relu!.inputs[0]).toBe(add!.outputs[0]);
    expect(graph.outputs[0]!.producer).toBe(relu);
    expect(graph.inputs[0]!.uses).toEqual([{ node: add, index: 0 }]);
  });

  it('reads an empty input name as an input that is left out, trailing ones too', () => {
    const bytes = modelBytes({ node: [node('Clip', ['x', '', ''], ['y'])] });
    const model = decodeModel(bytes);
    expect(model.graph.nodes[0]!.inputs.slice(1)).toEqual([null, null]);
    expect(parsed(encodeModel(model)).graph!.node![0]!.input).toEqual(['x', '', '']);
  });

  it('puts nodes of an unsorted graph in order', () => {
    const { graph } = decodeModel(
      modelBytes({ node: [node('Relu', ['s'], ['y']), node('Neg', ['x'], ['s'])] }),
    );
    expect(graph.nodes.map((n) => n.opType)).toEqual(['Neg', 'Relu']);
  });

  it('keeps the order of a sorted graph even where another is as good', () => {
    const nodes = [node('Neg', ['x'], ['a']), node('Abs', ['x'], ['b']), node('Add', ['a', 'b'], ['y'])];
    const orders = [nodes, [nodes[1]!, nodes[0]!, nodes[2]!]];
    for (const order of orders) {
      const { graph } = decodeModel(modelBytes({ node: order }));
      expect(graph.nodes.map((n) => n.opType)).toEqual(order.map((n) => n.opType));
    }
  });

  it('reads -1 as an unknown size and keeps symbols', () => {
    const { graph } = decodeModel(modelBytes({ input: [info('x', ['N', -1, 3])] }));
    expect(graph.inputs[0]!.type).toEqual({ kind: 'tensor', dtype: 'float32', shape: ['N', null, 3] });
  });

  it('keeps apart an unknown rank and a scalar', () => {
    const model = decodeModel(
      modelBytes({ input: [{ name: 'x', type: { tensorType: { elemType: 1 } } }], output: [info('y', [])] }),
    );
    expect(model.graph.inputs[0]!.type).toMatchObject({ shape: null });
    expect(model.graph.outputs[0]!.type).toMatchObject({ shape: [] });
    const again = parsed(encodeModel(model)).graph!;
    expect(again.input![0]!.type!.tensorType!.shape).toBeFalsy();
    expect(again.output![0]!.type!.tensorType!.shape).toBeTruthy();
  });

  it('takes the attribute type from its content when an old file does not say it', () => {
    const attribute = [
      { name: 'axis', i: 1 },
      { name: 'alpha', f: 0.5 },
      { name: 'pads', ints: [1, 2] },
    ];
    const { graph } = decodeModel(modelBytes({ node: [node('Relu', ['x'], ['y'], { attribute })] }));
    expect([...graph.nodes[0]!.attributes]).toEqual([
      ['axis', { type: 'int', value: 1n }],
      ['alpha', { type: 'float', value: 0.5 }],
      ['pads', { type: 'ints', value: [1n, 2n] }],
    ]);
  });

  it('keeps INT64_MAX and INT64_MIN exact', () => {
    const bytes = modelBytes();
    const model = decodeModel(bytes);
    const limits = [9223372036854775807n, -9223372036854775808n, -1n, 0n, 4294967296n];
    model.graph.nodes[0]!.attributes.set('ends', { type: 'ints', value: limits });
    const again = decodeModel(encodeModel(model));
    expect(again.graph.nodes[0]!.attributes.get('ends')).toEqual({ type: 'ints', value: limits });
  });
});

describe('subgraphs', () => {
  const branch = (name: string, body: onnx.IGraphProto): onnx.IAttributeProto => ({
    name,
    type: 5,
    g: { name, output: [info('r')], ...body },
  });
  const bytes = (inner: onnx.INodeProto) =>
    modelBytes({
      input: [info('x'), info('c', [], 9)],
      node: [
        node('If', ['c'], ['y'], {
          attribute: [
            branch('then_branch', { node: [inner] }),
            branch('else_branch', { node: [node('Abs', ['late'], ['r'])] }),
          ],
        }),
        node('Neg', ['x'], ['late']),
      ],
    });

  it('link captured outer values to the same objects, also those made later in the file', () => {
    const model = decodeModel(bytes(node('Relu', ['x'], ['r'])));
    verifyModel(model);
    const branchNodes = model.graph.nodes.at(-1)!;
    const [thenGraph, elseGraph] = subgraphs(branchNodes);
    expect(model.graph.nodes.map((n) => n.opType)).toEqual(['Neg', 'If']);
    expect(thenGraph!.nodes[0]!.inputs[0]).toBe(model.graph.inputs[0]);
    expect(elseGraph!.nodes[0]!.inputs[0]).toBe(model.graph.nodes[0]!.outputs[0]);
  });

  it('that hide an outer name get another one, so that names stay unambiguous', () => {
    const model = decodeModel(
      modelBytes({
        input: [info('x'), info('c', [], 9)],
        node: [
          node('Neg', ['x'], ['r']),
          node('If', ['c'], ['y'], {
            attribute: [
              branch('then_branch', { node: [node('Relu', ['x'], ['r'])] }),
              branch('else_branch', { output: [info('e')], node: [node('Abs', ['r'], ['e'])] }),
            ],
          }),
        ],
      }),
    );
    verifyModel(model);
    const [thenGraph, elseGraph] = subgraphs(model.graph.nodes[1]!);
    expect(thenGraph!.outputs[0]!.name).not.toBe('r');
    expect(elseGraph!.nodes[0]!.inputs[0]).toBe(model.graph.nodes[0]!.outputs[0]);
    expect(() => verifyModel(decodeModel(encodeModel(model)))).not.toThrow();
  });
});

describe('tensors', () => {
  it.each<[string, onnx.ITensorProto, number[]]>([
    ['float32 in float_data', { dims: [2], dataType: 1, floatData: [1.5, -2] }, [1.5, -2]],
    ['float64 in double_data', { dims: [2], dataType: 11, doubleData: [0.1, -2] }, [0.1, -2]],
    ['int64 in int64_data', { dims: [2], dataType: 7, int64Data: [5, -6] }, [5, -6]],
    ['int32 in int32_data', { dims: [2], dataType: 6, int32Data: [5, -6] }, [5, -6]],
    ['int8 in int32_data', { dims: [2], dataType: 3, int32Data: [5, -6] }, [5, -6]],
    ['uint8 in int32_data', { dims: [2], dataType: 2, int32Data: [5, 250] }, [5, 250]],
    ['uint16 in int32_data', { dims: [1], dataType: 4, int32Data: [65535] }, [65535]],
    ['bool in int32_data', { dims: [2], dataType: 9, int32Data: [1, 0] }, [1, 0]],
    ['uint32 in uint64_data', { dims: [1], dataType: 12, uint64Data: [4294967295] }, [4294967295]],
    ['uint64 in uint64_data', { dims: [1], dataType: 13, uint64Data: [7] }, [7]],
    ['float16 bits in int32_data', { dims: [2], dataType: 10, int32Data: [0x3c00, 0xc000] }, [1, -2]],
    ['bfloat16 bits in int32_data', { dims: [1], dataType: 16, int32Data: [0x3fc0] }, [1.5]],
    ['int4 pairs in int32_data', { dims: [3], dataType: 22, int32Data: [0x7f, 0x08] }, [-1, 7, -8]],
    ['uint4 pairs in raw_data', { dims: [3], dataType: 21, rawData: Uint8Array.of(0x21, 0x0f) }, [1, 2, 15]],
    [
      'int2 quads in raw_data',
      { dims: [4], dataType: 26, rawData: Uint8Array.of(0b11100100) },
      [0, 1, -2, -1],
    ],
    ['an empty tensor', { dims: [0], dataType: 1 }, []],
    ['a scalar', { dims: [], dataType: 1, floatData: [3] }, [3]],
  ])('read %s', (_, tensor, expected) => {
    expect(numbers(tensorOfModel(tensor))).toEqual(expected);
  });

  it('give the same numbers in either form', () => {
    const values = [0.1, -3.25, 1e30];
    const raw = new Uint8Array(Float32Array.from(values).buffer);
    const inFields = tensorOfModel({ dims: [3], dataType: 1, floatData: values });
    expect(inFields.bytes()).toEqual(
      new Uint8Array(tensorOfModel({ dims: [3], dataType: 1, rawData: raw }).bytes()),
    );
  });

  it.each([17, 18, 19, 20, 23, 24, 25, 14, 15])('of element type %i keep their bytes', (dataType) => {
    const rawData = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
    const bits = { 14: 64, 15: 128, 23: 4, 25: 2 }[dataType] ?? 8;
    const model = decodeModel(
      modelBytes({ initializer: [{ name: 'w', dims: [256 / bits], dataType, rawData }] }),
    );
    const again = parsed(encodeModel(model)).graph!.initializer![0]!;
    expect(again.dataType).toBe(dataType);
    expect(Uint8Array.from(again.rawData!)).toEqual(rawData);
  });

  it('view raw_data in the file instead of copying it', () => {
    const bytes = modelBytes({ initializer: [floatTensor('w', [1, 2, 3])] });
    const tensor = findValue(decodeModel(bytes), 'w')!.constant!;
    expect(tensor.bytes().buffer).toBe(bytes.buffer);
    expect([...(typedArray(tensor) as Float32Array)]).toEqual([1, 2, 3]);
  });

  it('of strings keep bytes that are not text', () => {
    const stringData = [Uint8Array.of(0xff, 0xfe), new TextEncoder().encode('ü'), new Uint8Array()];
    const model = decodeModel(
      modelBytes({ initializer: [{ name: 'w', dims: [3], dataType: 8, stringData }] }),
    );
    const again = parsed(encodeModel(model)).graph!.initializer![0]!;
    expect(again.stringData!.map((s) => Uint8Array.from(s))).toEqual(stringData);
  });

  it('are read from a .pb file by themselves', () => {
    const tensor = decodeTensorProto(Uint8Array.of(0x08, 2, 0x10, 2, 0x4a, 2, 7, 9));
    expect([tensor.dtype, tensor.dims, numbers(tensor)]).toEqual(['uint8', [2], [7, 9]]);
  });
});

describe('sparse initializers', () => {
  const sparse = (indices: number[], dims: number[]): onnx.ISparseTensorProto => ({
    dims: [2, 3],
    values: floatTensor('w', [5, 7]),
    indices: { dims, dataType: 7, int64Data: indices },
  });

  it.each([
    ['linear', sparse([1, 5], [2])],
    ['coordinate', sparse([0, 1, 1, 2], [2, 2])],
  ])('with %s indices are constants with the dense content', (_, stored) => {
    const model = decodeModel(
      modelBytes({ sparseInitializer: [stored], node: [node('MatMul', ['x', 'w'], ['y'])] }),
    );
    const value = model.graph.nodes[0]!.inputs[1]!;
    expect(value.constant!.dims).toEqual([2, 3]);
    expect([...float32Values(value.constant!)]).toEqual([0, 5, 0, 0, 0, 7]);
  });

  it('are written sparse again, from a copy of the model too', () => {
    const model = decodeModel(modelBytes({ sparseInitializer: [sparse([1, 5], [2])] }));
    const { sparseInitializer, initializer } = parsed(encodeModel(cloneModel(model))).graph!;
    expect(initializer).toHaveLength(0);
    expect(sparseInitializer![0]!.values!.name).toBe('w');
    expect(sparseInitializer![0]!.values!.rawData).toHaveLength(8);
  });
});

describe('initializers that are inputs too', () => {
  const graph: onnx.IGraphProto = {
    input: [info('x'), info('w', ['K'])],
    initializer: [floatTensor('w', [1, 2])],
    node: [node('Add', ['x', 'w'], ['y'])],
  };

  it('are not constants since IR version 4, where callers may override them', () => {
    const model = decodeModel(modelBytes(graph, { irVersion: 4 }));
    expect(constantOf(model.graph.inputs[1])).toBeNull();
    expect(parsed(encodeModel(model)).graph!.input![1]!.type!.tensorType!.shape!.dim![0]!.dimParam).toBe('K');
  });

  it('are constants before IR version 4, where every initializer had to be an input', () => {
    const model = cloneModel(decodeModel(modelBytes(graph, { irVersion: 3 })));
    expect(constantOf(model.graph.inputs[1])).not.toBeNull();
    const again = parsed(encodeModel(model));
    expect(Number(again.irVersion)).toBe(3);
    expect(again.graph!.input!.map((i) => i.name)).toEqual(['x', 'w']);
  });

  it('leave the inputs with IR version 4 when a pass has added a constant that is no input', () => {
    const model = decodeModel(modelBytes(graph, { irVersion: 3 }));
    const added = addInitializer(model.graph, 'scale', tensorOf('float32', [1], [2]));
    addNode(model.graph, { opType: 'Mul', inputs: [model.graph.outputs[0]!, added] });
    const again = parsed(encodeModel(model));
    expect(Number(again.irVersion)).toBe(4);
    expect(again.graph!.input!.map((i) => i.name)).toEqual(['x']);
  });
});

it('registers every name of the file as taken', () => {
  const { names } = decodeModel(modelBytes({ initializer: [floatTensor('w', [1])] }));
  expect([...names.taken].sort()).toEqual(['w', 'x', 'y']);
});
