/** ONNX bytes → Model. Runs in a page: external data is read through the callbacks that it is given. */

import { onnxNoGraph, onnxNoOpset } from '../../../support/diagnostics/model-files.ts';
import type { Model, ModelFunction, NameScope } from '../../ir/model.ts';
import { createNameScope, takeName } from '../../ir/names.ts';
import { initializersOf } from '../../ir/walk.ts';
import { decodeAttributes } from './attributes.ts';
import { withoutHidden } from './defined-again.ts';
import { impliedImport } from './implied-import.ts';
import { addNotes, functionNotes, modelNotes } from './notes.ts';
import { decodeGraph } from './read-graph.ts';
import { requireOnnx } from './recognise.ts';
import type { TensorSource } from './tensors.ts';
import { withoutUnreadable } from './unread.ts';
import {
  bigintOf,
  decodeText,
  FUNCTION,
  type onnx,
  parseMessage,
  proto,
  takeFields,
  unknownOf,
} from './wire.ts';

export interface DecodeOptions extends TensorSource {
  /** How messages call the model; a file name, as a rule. */
  readonly name?: string;
}

/** Reads a model. Weights in raw_data are views of `bytes`, which must not change from then on.
 *  @example
 *  const model = decodeModel(new Uint8Array(await file.arrayBuffer()));
 *  @throws EMPTY_FILE, NOT_ONNX, ONNX_TRUNCATED, ONNX_MALFORMED, ONNX_TOO_DEEP, ONNX_NO_GRAPH, ONNX_NO_OPSET,
 *    DUPLICATE_NAME, DANGLING_INPUT, GRAPH_CYCLIC, TENSOR_BYTES, TENSOR_DIMS, UNKNOWN_DTYPE, EXTERNAL_DATA_… */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  const file = options.name ?? 'The model';
  requireOnnx(bytes, file);
  return modelOf(parseMessage(proto.ModelProto, bytes, file), options);
}

/** A model from its message, wherever that is from. @throws as decodeModel, but for what the bytes alone can have wrong */
export function modelOf(message: onnx.ModelProto, options: DecodeOptions = {}): Model {
  const file = options.name ?? 'The model';
  if (!message.graph) throw onnxNoGraph(file);
  if (message.opsetImport.length === 0) throw onnxNoOpset(file);
  const names = createNameScope();
  // All at once, so that a name that is made up while reading is none that comes later.
  for (const graph of [message.graph, ...message.functions]) takeNames(graph, names);
  const model: Model = {
    graph: decodeGraph(withoutUnreadable(withoutHidden(message.graph)), names, options),
    functions: message.functions.map((f) => decodeFunction(f, names, options)),
    opsets: decodeOpsets(message.opsetImport),
    irVersion: Number(bigintOf(message.irVersion)),
    producer: { name: message.producerName, version: message.producerVersion },
    domain: message.domain,
    modelVersion: bigintOf(message.modelVersion),
    doc: message.docString,
    metadata: new Map(message.metadataProps.map((p) => [p.key ?? '', p.value ?? ''])),
    names,
    notes: new Map(),
  };
  const implied = impliedImport(message);
  if (implied !== null) model.opsets.set('', implied);
  // Before IR version 4 every initializer had to be listed as an input; nobody overrides them (nor does onnxruntime).
  if (model.irVersion < 4) for (const { value } of initializersOf(model)) value.overridable = false;
  addNotes(modelNotes, model, {
    unknown: unknownOf(message),
    trainingInfo: message.trainingInfo,
    spelledOut: message.opsetImport.some((o) => o.domain === 'ai.onnx') || undefined,
  });
  return model;
}

function takeNames(graph: onnx.IGraphProto | onnx.IFunctionProto, names: NameScope): void {
  const described = 'initializer' in graph ? [...(graph.input ?? []), ...(graph.initializer ?? [])] : [];
  for (const { name } of described) takeName(names, (name as string | undefined) ?? '');
  for (const node of graph.node ?? []) {
    for (const name of node.output ?? []) takeName(names, name);
    for (const a of node.attribute ?? [])
      for (const g of [a.g, ...(a.graphs ?? [])]) if (g) takeNames(g, names);
  }
}

const decodeOpsets = (imports: readonly onnx.IOperatorSetIdProto[]) =>
  new Map(imports.map((o) => [o.domain === 'ai.onnx' ? '' : (o.domain ?? ''), Number(bigintOf(o.version))]));

function decodeFunction(message: onnx.IFunctionProto, names: NameScope, source: TensorSource): ModelFunction {
  const { taken, rest } = takeFields(unknownOf(message), Object.values(FUNCTION));
  const payloads = (number: number) => taken.filter((t) => t.number === number).map((t) => t.payload);
  const overload = payloads(FUNCTION.overload)[0];
  const name = message.name ?? '';
  const defaults = decodeAttributes(
    payloads(FUNCTION.attributeProto).map((bytes) =>
      parseMessage(proto.AttributeProto, bytes, `Function "${name}"`),
    ),
    `function "${name}"`,
    { source, graph: (g) => decodeGraph(g, names, source) },
  );
  const made: ModelFunction = {
    name,
    domain: message.domain ?? '',
    overload: overload ? decodeText(overload) : '',
    doc: message.docString ?? '',
    opsets: decodeOpsets(message.opsetImport ?? []),
    attributes: [...(message.attribute ?? [])],
    attributeDefaults: defaults.attributes,
    graph: decodeGraph(
      {
        name,
        input: (message.input ?? []).map((input) => ({ name: input })),
        output: (message.output ?? []).map((output) => ({ name: output })),
        node: message.node ?? [],
        valueInfo: payloads(FUNCTION.valueInfo).map((bytes) =>
          parseMessage(proto.ValueInfoProto, bytes, `Function "${name}"`),
        ),
      },
      names,
      source,
    ),
    notes: new Map(),
  };
  addNotes(functionNotes, made, { unknown: rest, attributes: defaults.notes });
  return made;
}
