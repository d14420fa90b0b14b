/** GraphProto → Graph: every value first, so that nodes in any order and subgraphs find what they read, then nodes. */

import { danglingInput, duplicateName, onnxMalformed } from '../../../support/diagnostics/model-files.ts';
import type { SparseTensor } from '../../ir/attribute.ts';
import { addInitializer, addInput, addNode, addOutput, createGraph, createValue } from '../../ir/edit.ts';
import type { Graph, NameScope, Node, Value } from '../../ir/model.ts';
import { takeName } from '../../ir/names.ts';
import { decodeAttributes } from './attributes.ts';
import { addNotes, graphNotes, nodeNotes, valueNotes } from './notes.ts';
import { orderNodes } from './order.ts';
import { denseFromSparse } from './sparse.ts';
import { decodeSparse, decodeTensor, type TensorSource } from './tensors.ts';
import { decodeType, holdsMore, sameType } from './types.ts';
import { decodeText, NODE_OVERLOAD, type onnx, takeFields, unknownOf } from './wire.ts';

/** Values by name, as a node sees them: of its own graph, then of the graphs around it. */
export interface Scope {
  readonly values: ReadonlyMap<string, Value>;
  readonly outer: Scope | undefined;
}

const lookUp = (scope: Scope | undefined, name: string): Value | undefined =>
  scope && (scope.values.get(name) ?? lookUp(scope.outer, name));

/** @throws DUPLICATE_NAME, DANGLING_INPUT, GRAPH_CYCLIC, ONNX_MALFORMED and what tensors and types can throw */
export function decodeGraph(
  message: onnx.IGraphProto,
  names: NameScope,
  source: TensorSource,
  outer?: Scope,
): Graph {
  const graph = createGraph(names, message.name ?? '');
  graph.doc = message.docString ?? '';
  const table = valueTable(graph, outer);
  for (const info of message.input ?? [])
    addInput(graph, describe(table.define(info.name ?? '', 'an input'), info));
  for (const tensor of message.initializer ?? []) readInitializer(graph, table, tensor, source);
  for (const tensor of message.sparseInitializer ?? []) readSparse(graph, table, tensor, source);
  const outputs = (message.node ?? []).map((node) =>
    (node.output ?? []).map((name) =>
      name === '' ? null : table.define(name, `an output of ${label(node)}`),
    ),
  );
  const scope: Scope = { values: table.values, outer };
  readValueInfo(graph, table.values, message);
  message.node?.forEach((node, i) => {
    readNode(graph, node, outputs[i]!, scope, source);
  });
  for (const info of message.output ?? []) {
    const value = lookUp(scope, info.name ?? '');
    if (!value) throw danglingInput(graph.name, 'the list of outputs', info.name ?? '');
    // An outer value, a constant or an input already has the type that counts.
    addOutput(graph, value.type ? addInfoNotes(value, info) : describe(value, info));
  }
  orderNodes(graph);
  addNotes(graphNotes, graph, {
    unknown: unknownOf(message),
    quantization: message.quantizationAnnotation ?? [],
  });
  return graph;
}

interface ValueTable {
  readonly values: Map<string, Value>;
  define(name: string, role: string): Value;
}

function valueTable(graph: Graph, outer: Scope | undefined): ValueTable {
  const values = new Map<string, Value>();
  const roles = new Map<string, string>();
  return {
    values,
    define(name, role) {
      const first = roles.get(name);
      if (first) throw duplicateName(graph.name, name, first, role);
      if (name === '') throw onnxMalformed(`Graph "${graph.name}"`, `${role} has no name`);
      roles.set(name, role);
      // A subgraph that hides an outer name (not valid, but run by onnxruntime) gets another name for its own value.
      const hides = lookUp(outer, name) !== undefined;
      const value = createValue(graph.names, name, null, !hides);
      if (hides) addNotes(valueNotes, value, { hiding: name });
      values.set(name, value);
      return value;
    },
  };
}

/** Puts what a ValueInfoProto says on its value. */
function describe(value: Value, info: onnx.IValueInfoProto): Value {
  value.type = decodeType(info.type, `"${value.name}"`);
  return addInfoNotes(value, info);
}

function addInfoNotes(value: Value, info: onnx.IValueInfoProto): Value {
  if (info.docString) value.doc = info.docString;
  const type = info.type && holdsMore(info.type) ? info.type : undefined;
  const kept = type ?? (info.type && !value.type ? info.type : undefined);
  addNotes(valueNotes, value, { unknown: unknownOf(info), type: kept });
  return value;
}

function readInitializer(graph: Graph, table: ValueTable, message: onnx.ITensorProto, source: TensorSource) {
  const name = message.name ?? '';
  const tensor = decodeTensor(message, `Initializer "${name}"`, source);
  const value = initializerValue(graph, table, name);
  const declared = value.type;
  addInitializer(graph, value, tensor);
  if (declared && !sameType(declared, value.type)) addNotes(valueNotes, value, { declared });
}

/** A value of its own, or the graph input of that name, to which it is the default. */
function initializerValue(graph: Graph, table: ValueTable, name: string): Value {
  const input = table.values.get(name);
  return input && graph.inputs.includes(input) && !input.constant
    ? input
    : table.define(name, 'an initializer');
}

/** Sparse initializers mean the same as dense ones (onnx.proto); the stored form is kept for the writer. */
function readSparse(graph: Graph, table: ValueTable, message: onnx.ISparseTensorProto, source: TensorSource) {
  const name = message.values?.name ?? '';
  const stored: SparseTensor = decodeSparse(message, `Sparse initializer "${name}"`, source);
  const tensor = denseFromSparse(stored, `Sparse initializer "${name}"`);
  const value = addInitializer(graph, initializerValue(graph, table, name), tensor);
  addNotes(valueNotes, value, { sparse: { tensor, stored } });
}

function readValueInfo(graph: Graph, values: ReadonlyMap<string, Value>, message: onnx.IGraphProto): void {
  const described: string[] = [];
  const dangling: onnx.IValueInfoProto[] = [];
  const outputs = new Map((message.output ?? []).map((info) => [info.name, info]));
  for (const info of message.valueInfo ?? []) {
    const value = values.get(info.name ?? '');
    if (!value) dangling.push(info);
    else {
      described.push(value.name);
      if (!value.type && !outputs.get(info.name)?.type) describe(value, info);
      else addInfoNotes(value, info);
    }
  }
  addNotes(graphNotes, graph, { described, dangling });
}

const label = (node: onnx.INodeProto) =>
  `${node.opType ?? ''} "${node.name || node.output?.find((o) => o !== '') || ''}"`;

function readNode(
  graph: Graph,
  message: onnx.INodeProto,
  outputs: readonly (Value | null)[],
  scope: Scope,
  source: TensorSource,
): void {
  const inputs = (message.input ?? []).map((name, i) => {
    if (name === '') return null;
    const value = lookUp(scope, name);
    if (!value) throw danglingInput(graph.name, `input ${i} of ${label(message)}`, name);
    return value;
  });
  const { attributes, notes } = decodeAttributes(message.attribute ?? [], label(message), {
    source,
    graph: (g) => decodeGraph(g, graph.names, source, scope),
  });
  const { taken, rest } = takeFields(unknownOf(message), [NODE_OVERLOAD]);
  const node: Node = addNode(graph, {
    opType: message.opType ?? '',
    domain: message.domain ?? '',
    overload: taken[0] ? decodeText(taken[0].payload) : '',
    name: message.name ?? '',
    inputs,
    outputs,
    attributes,
    doc: message.docString ?? '',
  });
  takeName(graph.names, node.name);
  addNotes(nodeNotes, node, { unknown: rest, attributes: notes });
}
