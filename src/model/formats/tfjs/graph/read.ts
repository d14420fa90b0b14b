/** Reads a graph-model: the outputs of its signature, and what they need, become an ONNX graph. */
import { version } from '../../../../support/version.ts';
import type { DType } from '../../../ir/dtype.ts';
import {
  addInput,
  addOutput,
  createModel,
  createValue,
  discardInitializer,
  removeNode,
} from '../../../ir/edit.ts';
import { type Graph, isGraphInput, isGraphOutput, type Model, type Value } from '../../../ir/model.ts';
import { releaseName, takeName } from '../../../ir/names.ts';
import { type Shape, tensorType } from '../../../ir/type.ts';
import type { ReadSource } from '../../format.ts';
import { cast, createEmitter, type Emitter } from '../emit/index.ts';
import type { Weights } from '../manifest.ts';
import type { ModelJson } from '../model-json.ts';
import { operators, structures } from '../operators/index.ts';
import { computedType } from './attributes.ts';
import { type GraphDef, parseGraphDef } from './graph-def.ts';
import { evaluate, openScope, type Program } from './scope.ts';
import {
  chosenOutputs,
  type PublicInput,
  type PublicOutput,
  placeholderInput,
  readSignature,
} from './signature.ts';

/** @throws TFJS_MALFORMED, TFJS_CYCLIC, TFJS_OPERATOR_UNKNOWN, TFJS_OPERATOR_FORM, TFJS_WEIGHT_MISSING, TFJS_NO_OUTPUTS */
export function readGraphModel(
  json: ModelJson,
  weights: Weights,
  { name: file, outputs: chosen }: Pick<ReadSource, 'name' | 'outputs'>,
): Model {
  const graph = parseGraphDef(json.topology, file);
  const signature = readSignature(json.signature, graph, file);
  const model = createModel({
    graphName: 'graph',
    opsets: new Map([['', 17]]),
    producer: { name: 'edgepress', version },
  });
  const inputs = inputsOf(graph, signature.inputs);
  const wanted = chosen ? chosenOutputs(chosen, signature, graph) : signature.outputs;
  for (const { name } of [...inputs, ...wanted]) takeName(model.names, name);
  const e = createEmitter(model);
  const program: Program = {
    file,
    weights: weights.tensors,
    functions: graph.functions,
    operators,
    structures,
    budget: { depth: 0, scopes: 0 },
  };
  const values = inputs.map((input) => [input.node, [addPublicInput(e, input)]] as const);
  const scope = openScope({ program, e, nodes: graph.nodes }, values);
  const outputs = wanted.map((output) => ({ output, value: evaluate(scope, output.source) }));
  for (const { output, value } of outputs) addPublicOutput(e, output, value);
  dropUnread(model.graph);
  return model;
}

/** What was written on the way and nobody reads: transposes that were joined, constants that were moved. */
function dropUnread(graph: Graph): void {
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.every((v) => !v || v.uses.length === 0)) removeNode(node);
  for (const value of [...graph.initializers]) if (value.uses.length === 0) discardInitializer(graph, value);
}

/** Those of the signature, then every other placeholder. */
function inputsOf(graph: GraphDef, named: readonly PublicInput[]): readonly PublicInput[] {
  const taken = new Set(named.map((input) => input.node));
  const others = [...graph.nodes.values()].filter(
    (node) => node.op === 'Placeholder' && !taken.has(node.name),
  );
  return [...named, ...others.map((node) => placeholderInput(graph, node.name))];
}

/** Bytes stay bytes for whoever calls; everything else comes in the type that it is computed in. */
const inputType = (typeName: string | null): DType =>
  typeName === 'DT_UINT8' ? 'uint8' : (computedType(typeName) ?? 'float32');

/** @returns the value that the graph computes with */
function addPublicInput(e: Emitter, { name, typeName, shape, node }: PublicInput): Value {
  const type = tensorType(inputType(typeName), shape?.map((d, axis) => openSize(name, d, axis)) ?? null);
  const input = addInput(e.graph, createValue(e.graph.names, name, type, true));
  return cast(e.at('Placeholder', node), input, computedType(typeName) ?? 'float32');
}

const openSize = (name: string, size: number, axis: number): Shape[number] =>
  size >= 0 ? size : axis === 0 ? 'batch' : `${name.replace(/\W+/g, '_')}_${axis}`;

/** The value gets the name, or where it has a part of its own already, a copy of it. */
function addPublicOutput(e: Emitter, { name, source }: PublicOutput, value: Value): void {
  const free = value.producer && !isGraphOutput(value) && !isGraphInput(e.graph, value);
  const output = free ? value : e.at('Identity', source.node).emit('Identity', [value]);
  releaseName(e.graph.names, output.name);
  output.name = name;
  takeName(e.graph.names, name);
  addOutput(e.graph, output);
}
