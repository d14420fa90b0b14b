/** Model → ONNX bytes. */

import { operatorInternal } from '../../../support/diagnostics/layout.ts';
import { onnxTooLarge } from '../../../support/diagnostics/model-files.ts';
import { internalOperator } from '../../ir/internal-domain.ts';
import { isGraphInput, type Model, type ModelFunction, type Value } from '../../ir/model.ts';
import { initializersOf } from '../../ir/walk.ts';
import { encodeAttribute } from './attributes.ts';
import { functionNotes, modelNotes } from './notes.ts';
import type { PlaceExternal } from './tensors.ts';
import {
  encodeText,
  FUNCTION,
  lengthDelimited,
  type onnx,
  proto,
  serializeMessage,
  wireInt,
  withUnknown,
} from './wire.ts';
import { encodeGraph } from './write-graph.ts';

/** Protobuf's limit for one message. */
export const MESSAGE_LIMIT = 2 ** 31 - 1;

export interface EncodeOptions {
  /** Where initializers go that are not to be part of the bytes; by default all are. */
  readonly place?: PlaceExternal | undefined;
}

/** Leaves tensors that are in external data where they are. */
export const keepExternal: PlaceExternal = (tensor) => tensor.external;

/** The model as the bytes of an ONNX file.
 *  Weights are copied once, into the result.
 *  @example
 *  const bytes = encodeModel(model);
 *  @throws INTERNAL_OPERATOR for operators that exist only in memory, ONNX_TOO_LARGE beyond 2 GiB, TENSOR_BYTES, EXTERNAL_DATA_… when external tensors can't be read */
export function encodeModel(model: Model, options: EncodeOptions = {}): Uint8Array {
  const unwritable = internalOperator(model);
  if (unwritable) throw operatorInternal(unwritable, 'ONNX');
  const notes = modelNotes.get(model) ?? {};
  // Below IR version 4 initializers must be inputs too. A pass that adds one lifts the model above that rule.
  const lifted =
    model.irVersion < 4 && [...initializersOf(model)].some((i) => !isGraphInput(i.graph, i.value));
  const message: onnx.IModelProto = {
    irVersion: wireInt(lifted ? 4 : model.irVersion),
    opsetImport: encodeOpsets(model.opsets, notes.spelledOut),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    trainingInfo: [...(notes.trainingInfo ?? [])],
    functions: model.functions.map(encodeFunction),
    graph: encodeGraph(model.graph, { place: options.place, inputsOnly: lifted }),
  };
  if (model.producer.name) message.producerName = model.producer.name;
  if (model.producer.version) message.producerVersion = model.producer.version;
  if (model.domain) message.domain = model.domain;
  if (model.modelVersion !== 0n) message.modelVersion = wireInt(model.modelVersion);
  if (model.doc) message.docString = model.doc;
  const bytes = serializeMessage(proto.ModelProto, withUnknown(message, notes.unknown));
  if (bytes.length > MESSAGE_LIMIT) throw onnxTooLarge('The model', bytes.length, MESSAGE_LIMIT);
  return bytes;
}

const encodeOpsets = (opsets: ReadonlyMap<string, number>, spelledOut = false): onnx.IOperatorSetIdProto[] =>
  [...opsets].map(([domain, version]) => ({
    domain: domain === '' && spelledOut ? 'ai.onnx' : domain,
    version: wireInt(version),
  }));

function encodeFunction(f: ModelFunction): onnx.IFunctionProto {
  const graph = encodeGraph(f.graph);
  const notes = functionNotes.get(f) ?? {};
  const message: onnx.IFunctionProto = {
    name: f.name,
    domain: f.domain,
    input: f.graph.inputs.map((v) => v.name),
    output: f.graph.outputs.map((v) => v.name),
    attribute: [...f.attributes],
    // Functions have no initializers in ONNX; what passes have added becomes Constant nodes.
    node: [...[...f.graph.initializers].map(constantNode), ...(graph.node ?? [])],
    opsetImport: encodeOpsets(f.opsets),
  };
  if (f.doc) message.docString = f.doc;
  const newer = [
    ...[...f.attributeDefaults].map(([name, a]) =>
      lengthDelimited(
        FUNCTION.attributeProto,
        serializeMessage(
          proto.AttributeProto,
          encodeAttribute(name, a, notes.attributes?.get(name), (g) => encodeGraph(g)),
        ),
      ),
    ),
    ...(graph.valueInfo ?? []).map((info) =>
      lengthDelimited(FUNCTION.valueInfo, serializeMessage(proto.ValueInfoProto, info)),
    ),
    ...(f.overload ? [lengthDelimited(FUNCTION.overload, encodeText(f.overload))] : []),
  ];
  return withUnknown(message, [...newer, ...(notes.unknown ?? [])]);
}

const constantNode = (v: Value): onnx.INodeProto => ({
  opType: 'Constant',
  output: [v.name],
  attribute: [
    encodeAttribute('value', { type: 'tensor', value: v.constant! }, undefined, (g) => encodeGraph(g)),
  ],
});
