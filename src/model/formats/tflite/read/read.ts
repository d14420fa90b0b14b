/** Reads a .tflite file: the graph of its signature, under the names of that, as ONNX. */
import { outputUnknown } from '../../../../support/diagnostics/graph.ts';
import {
  tfliteMalformed,
  tfliteOperatorForm,
  tfliteSeveralModels,
} from '../../../../support/diagnostics/tflite.ts';
import { addInput, createModel, createValue } from '../../../ir/edit.ts';
import type { Model, NameScope } from '../../../ir/model.ts';
import { freshName, takeName } from '../../../ir/names.ts';
import { tensorType } from '../../../ir/type.ts';
import { propagateTransposes } from '../../../layout/propagate.ts';
import { addNamedOutput, createEmitter, dropUnread, openSize } from '../../emit/index.ts';
import type { ReadSource } from '../../format.ts';
import { parseTflite, type Subgraph, type TfliteFile } from './file.ts';
import { addMetadata } from './metadata.ts';
import { operators } from './operators/index.ts';
import { convert, openScope, type Program, realOf, storedOf } from './scope.ts';
import { createStates } from './states.ts';
import { dtypeOfTensor, type TfliteTensor } from './tensor.ts';

/** @throws TFLITE_MALFORMED, TFLITE_UNSUPPORTED, TFLITE_OPERATOR_UNKNOWN, TFLITE_OPERATOR_FORM, OUTPUT_UNKNOWN */
export function readTflite(bytes: Uint8Array, { name, outputs: chosen }: ReadSource): Model {
  const file = parseTflite(bytes, name);
  const graph = chooseGraph(file, chosen);
  const model = createModel({
    graphName: 'graph',
    opsets: new Map([['', 17]]),
    producer: { name: file.description, version: '' },
  });
  const inputs = publicTensors(file, graph, 'inputs', model.names);
  const named = publicTensors(file, graph, 'outputs', model.names);
  const outputs = chosen ? chosenOutputs(chosen, named, graph) : named;
  if (outputs.length === 0) throw tfliteMalformed(name, 'it has no outputs');
  for (const port of outputs) takeName(model.names, port.name);
  const e = createEmitter(model, tfliteOperatorForm);
  const states = createStates(model);
  const program: Program = { file, main: graph, operators, states, budget: { depth: 0, operators: 0 } };
  const given = inputs.map(({ name: port, tensor }) => {
    const dtype = dtypeOfTensor(tensor) ?? e.at('input', port).refuse(`the type ${tensor.type}`);
    const shape = tensor.shape.map((d, axis) => openSize(port, d, axis));
    const value = createValue(model.names, port, tensorType(dtype, shape), true);
    return [tensor.index, addInput(model.graph, value)] as const;
  });
  const scope = openScope(program, e, graph, given);
  convert(
    scope,
    outputs.map(({ tensor }) => tensor.index),
  );
  for (const { name: port, tensor, isReal } of outputs)
    addNamedOutput(e.at('output', port), port, (isReal ? realOf : storedOf)(scope, tensor));
  states.finish(e);
  dropUnread(model.graph);
  propagateTransposes(model);
  addMetadata(model, file, graph, bytes);
  return model;
}

/** The first graph; of a file with several signatures, which are models of their own, that which has all the outputs that
 *  are asked for. @throws TFLITE_SEVERAL_MODELS */
function chooseGraph(file: TfliteFile, chosen: readonly string[] | undefined): Subgraph {
  const graphs = [...new Set(file.signatures.map((signature) => file.subgraphs[signature.subgraph]!))];
  if (graphs.length < 2) return graphs[0] ?? file.subgraphs[0]!;
  const outputsOf = (graph: Subgraph) =>
    file.signatures.filter((s) => s.subgraph === graph.index).flatMap((s) => [...s.outputs.keys()]);
  const found = graphs.find((graph) => {
    const known = new Set([...outputsOf(graph), ...graph.tensors.map((tensor) => tensor.name)]);
    return chosen?.every((name) => known.has(name));
  });
  if (found) return found;
  const models = file.signatures.map(({ key, outputs }) => ({ key, outputs: [...outputs.keys()] }));
  throw tfliteSeveralModels(file.name, models);
}

interface Port {
  readonly name: string;
  readonly tensor: TfliteTensor;
  /** Handed out in real numbers though it is quantised. */
  readonly isReal: boolean;
}

/** Under the names of the graph's signature, where it has one, or else of the tensors; each name is given once. */
function publicTensors(
  file: TfliteFile,
  graph: Subgraph,
  side: 'inputs' | 'outputs',
  names: NameScope,
): Port[] {
  const signature = file.signatures.find(({ subgraph }) => subgraph === graph.index);
  const named = new Map([...(signature?.[side] ?? [])].map(([name, tensor]) => [tensor, name]));
  return [...new Set(graph[side])].map((at) => {
    const tensor = graph.tensors[at]!;
    const name = freshName(names, named.get(at) || tensor.name);
    return { name, tensor, isReal: false };
  });
}

/** What a caller wants as outputs instead, by public names or those of tensors: inside of a graph, in real numbers.
 *  @throws OUTPUT_UNKNOWN */
function chosenOutputs(names: readonly string[], known: readonly Port[], graph: Subgraph): Port[] {
  const computed = new Set(graph.operators.flatMap((operator) => operator.outputs));
  const inner = graph.tensors.filter((t) => computed.has(t.index));
  return [...new Set(names)].map((name) => {
    const port = known.find((output) => output.name === name);
    const tensor = inner.find((t) => t.name === name);
    if (port) return port;
    if (tensor) return { name, tensor, isReal: true };
    throw outputUnknown(
      name,
      inner.map((t) => t.name),
    );
  });
}
