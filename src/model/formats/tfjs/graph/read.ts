/** Reads a graph-model: the outputs of its signature, and what they need, become an ONNX graph. */
import { tfjsOperatorForm } from '../../../../support/diagnostics/tfjs.ts';
import { version } from '../../../../support/version.ts';
import type { DType } from '../../../ir/dtype.ts';
import { addInput, createModel, createValue } from '../../../ir/edit.ts';
import type { Model, Value } from '../../../ir/model.ts';
import { takeName } from '../../../ir/names.ts';
import { tensorType } from '../../../ir/type.ts';
import { addNamedOutput, cast, createEmitter, dropUnread, type Emitter, openSize } from '../../emit/index.ts';
import type { ReadSource } from '../../format.ts';
import { keepNodeNames } from '../about.ts';
import type { Weights } from '../manifest.ts';
import type { ModelJson } from '../model-json.ts';
import { complexOperators, isComplex } from '../operators/complex.ts';
import { operators, structures } from '../operators/index.ts';
import { computedType } from './attributes.ts';
import { type GraphDef, parseGraphDef } from './graph-def.ts';
import { evaluateReal, openScope, type Program } from './scope.ts';
import { chosenOutputs, type PublicInput, placeholderInput, readSignature } from './signature.ts';
import { readTables } from './tables.ts';

/** @throws TFJS_MALFORMED, TFJS_CYCLIC, TFJS_OPERATOR_UNKNOWN, TFJS_OPERATOR_FORM, TFJS_WEIGHT_MISSING, TFJS_NO_OUTPUTS */
export function readGraphModel(
  json: ModelJson,
  weights: Weights,
  { name: file, outputs: chosen }: Pick<ReadSource, 'name' | 'outputs'>,
): Model {
  const graph = parseGraphDef(json.topology, file);
  const signature = readSignature(json.signature, graph, file);
  const tables = readTables(json, { graph, captured: signature.captured, weights: weights.tensors, file });
  const model = createModel({
    graphName: 'graph',
    opsets: new Map([['', 17]]),
    producer: { name: 'edgepress', version },
  });
  const inputs = inputsOf(graph, signature.inputs, tables);
  const wanted = chosen ? chosenOutputs(chosen, signature, graph) : signature.outputs;
  for (const { name } of [...inputs, ...wanted]) takeName(model.names, name);
  const e = createEmitter(model, tfjsOperatorForm);
  const program: Program = {
    file,
    weights: weights.tensors,
    functions: graph.functions,
    operators,
    complexOperators,
    isComplex,
    structures,
    tables,
    budget: { depth: 0, scopes: 0 },
  };
  const values = inputs.map((input) => [input.node, [addPublicInput(e, input)]] as const);
  const scope = openScope({ program, e, nodes: graph.nodes }, values);
  const outputs = wanted.map((output) => ({
    output,
    value: evaluateReal(scope, output.source, graph.nodes.get(output.source.node)!),
  }));
  for (const { output, value } of outputs)
    addNamedOutput(e.at('Identity', output.source.node), output.name, value);
  dropUnread(model.graph);
  keepNodeNames(model, [
    ...inputs.map(({ name, node }): [string, string] => [name, node]),
    ...wanted.flatMap(({ name, source }): [string, string][] =>
      source.port === 0 ? [[name, source.node]] : [],
    ),
  ]);
  return model;
}

/** Those of the signature, then every other placeholder that stands for no table. */
function inputsOf(
  graph: GraphDef,
  named: readonly PublicInput[],
  tables: ReadonlyMap<string, unknown>,
): readonly PublicInput[] {
  const taken = new Set([...named.map((input) => input.node), ...tables.keys()]);
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
