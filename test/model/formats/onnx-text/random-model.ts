/** fast-check arbitrary: models with every kind of type, tensor and attribute, subgraphs and functions, built through
 *  edit.ts. They hang together (verifyModel passes) but compute nothing sensible. */
import fc from 'fast-check';
import type { Attribute } from '../../../../src/model/ir/attribute.ts';
import { byteLength, type DType, dtypes } from '../../../../src/model/ir/dtype.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createGraph,
  createModel,
  createValue,
} from '../../../../src/model/ir/edit.ts';
import type { Graph, Model, NameScope, Value } from '../../../../src/model/ir/model.ts';
import {
  denseTensor,
  elementCount,
  externalTensor,
  stringTensor,
  type Tensor,
} from '../../../../src/model/ir/tensor.ts';
import type { Dim, ValueType } from '../../../../src/model/ir/type.ts';

const dtype = fc.constantFrom(...(Object.keys(dtypes) as DType[]));
const label = fc.oneof(
  fc.constantFrom(
    'x',
    'conv1/out',
    'float',
    'seq',
    'inf',
    'nan',
    '_',
    'a.b',
    '"',
    '\\',
    ' ',
    '#',
    'Größe',
    '1x',
  ),
  fc.string({ minLength: 1, unit: 'binary' }),
);

const dim: fc.Arbitrary<Dim> = fc.oneof(fc.nat(9), fc.constantFrom('N', 'a b', '?'), fc.constant(null));
const shape = fc.option(fc.array(dim, { maxLength: 4 }));

/** Bytes outside UTF-8 included. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  label.map((s) => new TextEncoder().encode(s)),
);

/** Only NaNs of the standard bit pattern, either sign: the text has no payloads. */
function canonical(type: DType, raw: Uint8Array): Uint8Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  if (type === 'float32' || type === 'complex64')
    for (let i = 0; i + 4 <= raw.length; i += 4)
      if (Number.isNaN(view.getFloat32(i, true)))
        view.setUint32(i, raw[i + 3]! & 0x80 ? 0xffc00000 : 0x7fc00000, true);
  if (type === 'float64' || type === 'complex128')
    for (let i = 0; i + 8 <= raw.length; i += 8)
      if (Number.isNaN(view.getFloat64(i, true)))
        view.setBigUint64(i, raw[i + 7]! & 0x80 ? 0xfff8000000000000n : 0x7ff8000000000000n, true);
  const { bits } = dtypes[type];
  return raw.length > 0 && bits < 8 ? raw.map((b, i) => (i === raw.length - 1 ? 0 : b)) : raw;
}

const tensor: fc.Arbitrary<Tensor> = fc
  .tuple(dtype, fc.array(fc.nat(3), { maxLength: 3 }), fc.boolean())
  .chain(([type, dims, external]) => {
    const count = elementCount(dims);
    if (type === 'string')
      return fc.array(bytes, { minLength: count, maxLength: count }).map((s) => stringTensor(dims, s));
    const length = byteLength(type, count);
    if (external && count > 1)
      return label.map((location) =>
        externalTensor(type, dims, { location, offset: 64, length }, () => bytesOf(length)),
      );
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((raw) => denseTensor(type, dims, canonical(type, raw)));
  });

const bytesOf = (length: number) => new Uint8Array(length);

const { valueType } = fc.letrec<{ valueType: ValueType }>((tie) => ({
  valueType: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: fc.constant('tensor' as const), dtype, shape }),
    fc.record({ kind: fc.constant('sparse' as const), dtype, shape }),
    fc.record({
      kind: fc.constantFrom('sequence' as const, 'optional' as const),
      element: fc.option(tie('valueType')),
    }),
    fc.record({ kind: fc.constant('map' as const), key: dtype, value: fc.option(tie('valueType')) }),
  ),
}));

const float32 = fc.float().map(Math.fround);
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const sparse = fc.tuple(tensor, tensor).map(([values, indices]) => ({ dims: [3, 4], values, indices }));
const kinds = ['int', 'floats', 'tensor', 'strings', 'graph', 'type', 'sparses', 'graphs'] as const;

const single = {
  float: float32,
  int: int64,
  string: bytes,
  tensor,
  type: valueType,
  sparse,
  floats: fc.array(float32, { maxLength: 3 }),
  ints: fc.array(int64, { maxLength: 3 }),
  strings: fc.array(bytes, { maxLength: 3 }),
  tensors: fc.array(tensor, { maxLength: 2 }),
  types: fc.array(valueType, { maxLength: 2 }),
  sparses: fc.array(sparse, { maxLength: 2 }),
};

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  ...Object.entries(single).map(([type, value]) =>
    (value as fc.Arbitrary<unknown>).map((v) => ({ type, value: v }) as Attribute),
  ),
  fc.record({ type: fc.constant('reference' as const), name: label, of: fc.constantFrom(...kinds) }),
);

interface NodePlan {
  opType: string;
  domain: string;
  overload: string;
  name: string;
  reads: number[];
  outputs: (ValueType | null)[];
  attributes: [string, Attribute][];
  body: GraphPlan | null;
}

interface GraphPlan {
  name: string;
  inputs: (ValueType | null)[];
  initializers: { tensor: Tensor; overridable: boolean }[];
  nodes: NodePlan[];
  outputs: number[];
}

const { graphPlan } = fc.letrec<{ graphPlan: GraphPlan; nodePlan: NodePlan }>((tie) => ({
  graphPlan: fc.record({
    name: fc.oneof(label, fc.constant('')),
    inputs: fc.array(fc.option(valueType), { maxLength: 3 }),
    initializers: fc.array(fc.record({ tensor, overridable: fc.boolean() }), { maxLength: 3 }),
    nodes: fc.array(tie('nodePlan'), { maxLength: 3, depthIdentifier: 'graph' }),
    outputs: fc.array(fc.nat(), { maxLength: 3 }),
  }),
  nodePlan: fc.record({
    opType: fc.constantFrom('Add', 'Conv', 'float', 'My Op'),
    domain: fc.constantFrom('', 'ai.onnx', 'com.microsoft', 'a-b', '.'),
    overload: fc.constantFrom('', 'fast', 'x y'),
    name: fc.oneof(fc.constant(''), label),
    reads: fc.array(fc.nat(), { maxLength: 4 }),
    outputs: fc.array(fc.option(valueType), { maxLength: 3 }),
    attributes: fc.array(fc.tuple(label, attribute), { maxLength: 3 }),
    body: fc.option(tie('graphPlan'), { maxDepth: 2, depthIdentifier: 'graph' }),
  }),
}));

/** Fills a graph by plan. A read of 0 is an absent input; others choose among the visible values. */
function build(names: NameScope, plan: GraphPlan, fresh: () => string, outer: readonly Value[]): Graph {
  const graph = createGraph(names, plan.name);
  const made = (type: ValueType | null) => createValue(names, fresh(), type, true);
  const visible = [...outer];
  const add = (v: Value) => {
    visible.push(v);
    return v;
  };
  for (const { tensor: t, overridable } of plan.initializers)
    if (overridable) addInitializer(graph, addInput(graph, add(made(null))), t);
  for (const type of plan.inputs) addInput(graph, add(made(type)));
  for (const { tensor: t, overridable } of plan.initializers)
    if (!overridable) addInitializer(graph, add(made(null)), t);
  for (const node of plan.nodes) {
    const attributes = new Map(node.attributes);
    if (node.body) attributes.set('body', { type: 'graph', value: build(names, node.body, fresh, visible) });
    const inputs = node.reads.map((r) => (r === 0 ? null : (visible[r % visible.length] ?? null)));
    const outputs = node.outputs.map((type, i) => (i === 1 && type === null ? null : made(type)));
    addNode(graph, { ...node, inputs, outputs, attributes });
    for (const v of outputs) if (v) add(v);
  }
  const local = visible.slice(outer.length);
  if (local.length > 0) for (const o of plan.outputs) addOutput(graph, local[o % local.length]!);
  return graph;
}

const opsets = fc
  .dictionary(fc.constantFrom('', 'com.microsoft', 'a b'), fc.nat(30))
  .map((d) => new Map(Object.entries(d)));

export const model: fc.Arbitrary<Model> = fc
  .record({
    graph: graphPlan,
    functions: fc.array(
      fc.record({ graph: graphPlan, name: label, overload: fc.constantFrom('', 'v2'), doc: label, opsets }),
      { maxLength: 2 },
    ),
    labels: fc.uniqueArray(label, { minLength: 8, maxLength: 8 }),
    header: fc.record({
      irVersion: fc.integer({ min: 4, max: 20 }),
      opsets,
      producer: fc.record({ name: label, version: label }),
      domain: label,
      modelVersion: int64,
      doc: label,
      metadata: fc.dictionary(label, label).map((d) => new Map(Object.entries(d))),
    }),
    fallback: float32,
  })
  .map(({ graph, functions, labels, header, fallback }) => {
    const result = createModel(header);
    let count = 0;
    const fresh = () => {
      const n = count++;
      return labels[n] ?? `${labels[n % labels.length]}.${n}`;
    };
    result.graph = build(result.names, graph, fresh, []);
    for (const { graph: plan, ...f } of functions)
      result.functions.push({
        ...f,
        domain: 'local',
        attributes: ['alpha', 'a b'],
        attributeDefaults: new Map([['beta', { type: 'float', value: fallback }]]),
        graph: build(result.names, { ...plan, name: f.name, initializers: [] }, fresh, []),
        notes: new Map(),
      });
    return result;
  });
