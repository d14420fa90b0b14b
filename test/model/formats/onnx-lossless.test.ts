import type { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { addInitializer, addNode } from '../../../src/model/ir/edit.ts';
import { scalar } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import {
  concat,
  field,
  floatTensor,
  info,
  modelBytes,
  node,
  parsed,
  payloadsAt,
  textsAt,
  varintField,
} from './onnx-bytes.ts';

const rewritten = (bytes: Uint8Array) => encodeModel(cloneModel(decodeModel(bytes)));

/** Field numbers on the way down. */
const GRAPH = 7;
const NODE = 1;
const ATTRIBUTE = 5;
const ATTRIBUTE_TENSOR = 5;
const INITIALIZER = 5;
const INPUT = 11;
const METADATA = { model: 14, graph: 16, node: 9, tensor: 16, value: 4, attribute: 30 };

describe('fields newer than the schema', () => {
  const relu = concat(
    field(1, 'x'),
    field(2, 'y'),
    field(4, 'Relu'),
    field(METADATA.node, 'on node'),
    field(10, 'device'),
    field(
      ATTRIBUTE,
      concat(
        field(1, 'k'),
        varintField(20, 4),
        field(METADATA.attribute, 'on attribute'),
        field(
          ATTRIBUTE_TENSOR,
          concat(varintField(2, 1), field(9, ''), varintField(1, 0), field(METADATA.tensor, 'inner')),
        ),
      ),
    ),
  );
  const graph = concat(
    field(2, 'main'),
    field(NODE, relu),
    field(METADATA.graph, 'on graph'),
    field(
      INITIALIZER,
      concat(field(8, 'w'), varintField(1, 0), varintField(2, 1), field(METADATA.tensor, 'on tensor')),
    ),
    field(INPUT, concat(field(1, 'x'), field(METADATA.value, 'on value'))),
    field(12, field(1, 'y')),
  );
  const bytes = rewritten(
    concat(varintField(1, 11), field(26, 'configuration'), field(8, varintField(2, 24)), field(GRAPH, graph)),
  );

  it.each([
    ['model', [26], 'configuration'],
    ['graph', [GRAPH, METADATA.graph], 'on graph'],
    ['node', [GRAPH, NODE, METADATA.node], 'on node'],
    ['device of a node', [GRAPH, NODE, 10], 'device'],
    ['attribute', [GRAPH, NODE, ATTRIBUTE, METADATA.attribute], 'on attribute'],
    ['tensor in an attribute', [GRAPH, NODE, ATTRIBUTE, ATTRIBUTE_TENSOR, METADATA.tensor], 'inner'],
    ['initializer', [GRAPH, INITIALIZER, METADATA.tensor], 'on tensor'],
    ['value', [GRAPH, INPUT, METADATA.value], 'on value'],
  ])('survive on a %s', (_, path, content) => {
    expect(textsAt(bytes, path)).toEqual([content]);
  });

  it('survive in the number and order in which they came', () => {
    const twice = concat(modelBytes(), field(77, 'a'), varintField(78, 300), field(77, 'b'));
    const again = rewritten(twice);
    expect(again.subarray(-concat(field(77, 'a'), varintField(78, 300), field(77, 'b')).length)).toEqual(
      concat(field(77, 'a'), varintField(78, 300), field(77, 'b')),
    );
  });

  it('survive as groups', () => {
    const group = Uint8Array.of(
      ((79 << 3) & 0x7f) | 0x80 | 3,
      (79 << 3) >> 7,
      0x08,
      5,
      ((79 << 3) & 0x7f) | 0x80 | 4,
      (79 << 3) >> 7,
    );
    const inGraph = field(GRAPH, concat(field(2, 'g'), group));
    const again = rewritten(concat(varintField(1, 8), field(8, varintField(2, 17)), inGraph));
    expect(payloadsAt(again, [GRAPH])[0]!.subarray(-group.length)).toEqual(group);
  });
});

describe('functions', () => {
  const callee = concat(
    field(1, 'Scale'),
    field(4, 'a'),
    field(5, 'b'),
    field(6, 'free'),
    field(7, concat(field(1, 'a'), field(2, 'm'), field(4, 'Neg'))),
    field(
      7,
      concat(
        field(1, 'm'),
        field(2, 'b'),
        field(4, 'Elu'),
        field(5, concat(field(1, 'alpha'), varintField(20, 1), field(21, 'alpha'))),
      ),
    ),
    field(9, varintField(2, 17)),
    field(10, 'local'),
    field(
      11,
      concat(field(1, 'alpha'), Uint8Array.of(0x15, 0, 0, 0, 0x3f), varintField(20, 1), field(30, 'new')),
    ),
    field(12, concat(field(1, 'm'), field(2, field(1, varintField(1, 1))))),
    field(13, 'fast'),
    field(14, 'metadata'),
  );
  const call = concat(field(1, 'x'), field(2, 'y'), field(4, 'Scale'), field(7, 'local'), field(8, 'fast'));
  const bytes = concat(
    varintField(1, 10),
    field(8, varintField(2, 17)),
    field(8, concat(field(1, 'local'), varintField(2, 1))),
    field(
      GRAPH,
      concat(field(2, 'g'), field(NODE, call), field(INPUT, field(1, 'x')), field(12, field(1, 'y'))),
    ),
    field(25, callee),
  );

  it('are read with overload, attribute defaults and value types', () => {
    const model = decodeModel(bytes);
    const [f] = model.functions;
    verifyModel(model);
    expect(model.graph.nodes[0]!.overload).toBe('fast');
    expect(f).toMatchObject({ name: 'Scale', domain: 'local', overload: 'fast', attributes: ['free'] });
    expect(f!.attributeDefaults.get('alpha')).toEqual({ type: 'float', value: 0.5 });
    expect(f!.graph.nodes[1]!.attributes.get('alpha')).toEqual({
      type: 'reference',
      name: 'alpha',
      of: 'float',
    });
    expect(f!.graph.nodes[0]!.outputs[0]!.type).toMatchObject({ dtype: 'float32' });
  });

  it('keep all of it when written', () => {
    const again = rewritten(bytes);
    for (const number of [1, 4, 5, 6, 10, 11, 12, 13, 14])
      expect(payloadsAt(again, [25, number])).toEqual(payloadsAt(bytes, [25, number]));
    expect(textsAt(again, [GRAPH, NODE, 8])).toEqual(['fast']);
  });

  it('get constants that passes have added as Constant nodes', () => {
    const model = decodeModel(bytes);
    const { graph } = model.functions[0]!;
    const two = addInitializer(graph, 'two', scalar('float32', 2));
    addNode(graph, { opType: 'Mul', inputs: [graph.inputs[0]!, two] });
    const again = decodeModel(encodeModel(model)).functions[0]!;
    expect(again.graph.nodes.map((n) => n.opType)).toEqual(['Constant', 'Neg', 'Elu', 'Mul']);
  });
});

describe('what the IR has no place for', () => {
  const typed = (denotation: string): onnx.ITypeProto => ({
    denotation,
    tensorType: {
      elemType: 1,
      shape: { dim: [{ dimParam: 'N', denotation: 'DATA_BATCH' }, { dimValue: 3 }] },
    },
  });

  it('keeps denotations of types and dimensions', () => {
    const again = parsed(rewritten(modelBytes({ input: [{ name: 'x', type: typed('IMAGE') }] })));
    const type = again.graph!.input![0]!.type!;
    expect(type.denotation).toBe('IMAGE');
    expect(type.tensorType!.shape!.dim![0]!.denotation).toBe('DATA_BATCH');
  });

  it('keeps denotations when a pass learns a size', () => {
    const model = decodeModel(modelBytes({ input: [{ name: 'x', type: typed('IMAGE') }] }));
    model.graph.inputs[0]!.type = { kind: 'tensor', dtype: 'float32', shape: [1, 3] };
    const type = parsed(encodeModel(model)).graph!.input![0]!.type!;
    expect(type.denotation).toBe('IMAGE');
    expect(type.tensorType!.shape!.dim![0]).toMatchObject({ denotation: 'DATA_BATCH' });
    expect(Number(type.tensorType!.shape!.dim![0]!.dimValue)).toBe(1);
  });

  it('keeps doc strings, quantization annotations, value_info of nothing, training info and metadata', () => {
    const bytes = modelBytes(
      {
        docString: 'graph',
        node: [node('Relu', ['x'], ['m'], { docString: 'node', name: 'n' }), node('Neg', ['m'], ['y'])],
        initializer: [{ ...floatTensor('w', [1]), docString: 'tensor' }],
        valueInfo: [info('gone', [4]), { ...info('m', [2]), docString: 'value' }],
        quantizationAnnotation: [
          { tensorName: 'm', quantParameterTensorNames: [{ key: 'SCALE_TENSOR', value: 'w' }] },
        ],
      },
      {
        docString: 'model',
        domain: 'd',
        modelVersion: 3,
        producerName: 'p',
        producerVersion: '1',
        metadataProps: [
          { key: 'b', value: '2' },
          { key: 'a', value: '1' },
        ],
        trainingInfo: [{ initializationBinding: [{ key: 'w', value: 'i' }], algorithm: { name: 'alg' } }],
        opsetImport: [
          { domain: 'z', version: 2 },
          { domain: 'ai.onnx', version: 17 },
        ],
      },
    );
    const plain = (b: Uint8Array) => {
      const json = JSON.parse(JSON.stringify(parsed(b)));
      json.graph.valueInfo.sort((a: onnx.IValueInfoProto, b: onnx.IValueInfoProto) =>
        a.name! < b.name! ? -1 : 1,
      );
      return json;
    };
    expect(plain(rewritten(bytes))).toEqual(plain(bytes));
  });

  it.each<[string, onnx.ITypeProto]>([
    ['sequences', { sequenceType: { elemType: { tensorType: { elemType: 1 } } } }],
    [
      'optionals',
      { optionalType: { elemType: { sequenceType: { elemType: { tensorType: { elemType: 7 } } } } } },
    ],
    ['maps', { mapType: { keyType: 7, valueType: { tensorType: { elemType: 1, shape: {} } } } }],
    ['sparse tensors', { sparseTensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, {}] } } }],
  ])('keeps the type of %s', (_, type) => {
    const again = parsed(rewritten(modelBytes({ input: [{ name: 'x', type }] })));
    expect(JSON.parse(JSON.stringify(again.graph!.input![0]!.type))).toEqual(type);
  });

  it('keeps opaque types, which are not in the schema', () => {
    const opaque = concat(field(1, 'x'), field(2, field(7, field(2, 'Thing'))));
    const inner = concat(field(2, 'g'), field(INPUT, opaque));
    const again = rewritten(concat(varintField(1, 8), field(8, varintField(2, 17)), field(GRAPH, inner)));
    expect(textsAt(again, [GRAPH, INPUT, 2, 7, 2])).toEqual(['Thing']);
  });
});
