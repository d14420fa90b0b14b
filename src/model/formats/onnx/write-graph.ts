/** Graph → GraphProto. */
import type { SparseTensor } from '../../ir/attribute.ts';
import { listedOutputs } from '../../ir/edit.ts';
import type { Graph, Node, Value } from '../../ir/model.ts';
import type { ValueType } from '../../ir/type.ts';
import { encodeAttribute } from './attributes.ts';
import { withHidingNames } from './hiding-names.ts';
import { type GraphNotes, graphNotes, nodeNotes, valueNotes } from './notes.ts';
import { encodeSparse, encodeTensor, type PlaceExternal } from './tensors.ts';
import { encodeType } from './types.ts';
import { encodeText, lengthDelimited, NODE_OVERLOAD, type onnx, withUnknown } from './wire.ts';

interface GraphOptions {
  /** Where initializers go that are not to be part of the message. */
  readonly place?: PlaceExternal | undefined;
  /** Leave inputs out that are constants. */
  readonly inputsOnly?: boolean;
  /** Names that values have in the file, where these aren't those in memory. */
  readonly names?: ReadonlyMap<Value, string>;
}

export function encodeGraph(graph: Graph, options: GraphOptions = {}): onnx.IGraphProto {
  const { place, inputsOnly = false } = options;
  const nameOf = (v: Value) => options.names?.get(v) ?? v.name;
  const infoOf = (v: Value, type = v.type) => encodeValueInfo(v, nameOf(v), type);
  const notes = graphNotes.get(graph) ?? {};
  const stored = [...graph.initializers].map((v) => ({ value: v, sparse: sparseInitializer(v) }));
  const message: onnx.IGraphProto = {
    name: graph.name,
    input: graph.inputs.filter((v) => !(inputsOnly && v.constant)).map((v) => infoOf(v, inputType(v))),
    output: graph.outputs.map((v) => infoOf(v)),
    node: graph.nodes.map((node) => encodeNode(node, options)),
    initializer: stored.flatMap((s) =>
      s.sparse ? [] : [encodeTensor(s.value.constant!, nameOf(s.value), place)],
    ),
    sparseInitializer: stored.flatMap((s) => (s.sparse ? [encodeSparse(s.sparse, nameOf(s.value))] : [])),
    valueInfo: [...describedValues(graph, notes).map((v) => infoOf(v)), ...(notes.dangling ?? [])],
    quantizationAnnotation: [...(notes.quantization ?? [])],
  };
  if (graph.doc) message.docString = graph.doc;
  return withUnknown(message, notes.unknown);
}

/** The form that an initializer is written in where the file had it sparse; undefined: dense. */
export function sparseInitializer(v: Value): SparseTensor | undefined {
  const { sparse } = valueNotes.get(v) ?? {};
  return sparse && sparse.tensor === v.constant ? sparse.stored : undefined;
}

/** An input with a default keeps the type that was declared for it (its batch may be symbolic) while that fits. */
function inputType(v: Value): ValueType | null {
  const { declared } = valueNotes.get(v) ?? {};
  if (!v.constant || declared?.kind !== 'tensor') return v.type;
  const { dtype, dims } = v.constant;
  const { shape } = declared;
  const fits = shape?.length === dims.length && shape.every((d, i) => typeof d !== 'number' || d === dims[i]);
  return declared.dtype === dtype && (shape === null || fits) ? declared : v.type;
}

/** value_info as the file had it, then the values between nodes that have been given a type since. */
function describedValues(graph: Graph, notes: Partial<GraphNotes>): Value[] {
  const outputs = new Set(graph.outputs);
  const inner = graph.nodes.flatMap((n) => listedOutputs(n).filter((v): v is Value => v !== null));
  const local = new Map([...graph.inputs, ...graph.initializers, ...inner].map((v) => [v.name, v]));
  const described = new Set((notes.described ?? []).flatMap((name) => local.get(name) ?? []));
  for (const v of inner) {
    const says = v.type || v.doc || valueNotes.has(v);
    if (says && !outputs.has(v)) described.add(v);
  }
  return [...described];
}

function encodeValueInfo(value: Value, name: string, type: ValueType | null): onnx.IValueInfoProto {
  const notes = valueNotes.get(value) ?? {};
  const message: onnx.IValueInfoProto = { name };
  const encoded = encodeType(type, notes.type);
  if (encoded) message.type = encoded;
  if (value.doc) message.docString = value.doc;
  return withUnknown(message, notes.unknown);
}

function encodeNode(node: Node, options: GraphOptions): onnx.INodeProto {
  const notes = nodeNotes.get(node) ?? {};
  const nameOf = (v: Value | null) => (v ? (options.names?.get(v) ?? v.name) : '');
  const message: onnx.INodeProto = {
    input: node.inputs.map(nameOf),
    output: listedOutputs(node).map(nameOf),
    opType: node.opType,
    attribute: [...node.attributes].map(([name, a]) =>
      encodeAttribute(name, a, notes.attributes?.get(name), (g) =>
        encodeGraph(g, { ...options, names: withHidingNames(g, options.names) }),
      ),
    ),
  };
  if (node.name) message.name = node.name;
  if (node.domain) message.domain = node.domain;
  if (node.doc) message.docString = node.doc;
  const overload = node.overload ? [lengthDelimited(NODE_OVERLOAD, encodeText(node.overload))] : [];
  return withUnknown(message, [...overload, ...(notes.unknown ?? [])]);
}
