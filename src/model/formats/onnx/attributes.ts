/** AttributeProto ↔ Attribute. */

import { onnxMalformed } from '../../../support/diagnostics/model-files.ts';
import type { Attribute, AttributeKind } from '../../ir/attribute.ts';
import type { Graph } from '../../ir/model.ts';
import type { ValueType } from '../../ir/type.ts';
import type { AttributeNotes } from './notes.ts';
import { decodeSparse, decodeTensor, encodeSparse, encodeTensor, type TensorSource } from './tensors.ts';
import { decodeType, encodeType, holdsMore } from './types.ts';
import { bigintOf, type onnx, unknownOf, wireInt, wireInts, withUnknown } from './wire.ts';

/** AttributeProto.AttributeType by number. */
const kinds: readonly (AttributeKind | undefined)[] = [
  undefined,
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
  'sparse',
  'sparses',
  'type',
  'types',
];

interface AttributeReader {
  readonly source: TensorSource;
  readonly graph: (graph: onnx.IGraphProto) => Graph;
}

/** @param of  how messages name the node or function that has them
 *  @throws ONNX_MALFORMED and what tensors, types and graphs can throw */
export function decodeAttributes(
  messages: readonly onnx.IAttributeProto[],
  of: string,
  reader: AttributeReader,
): { attributes: Map<string, Attribute>; notes: Map<string, AttributeNotes> } {
  const attributes = new Map<string, Attribute>();
  const notes = new Map<string, AttributeNotes>();
  for (const message of messages) {
    const name = message.name ?? '';
    const where = `Attribute "${name}" of ${of}`;
    if (attributes.has(name)) throw onnxMalformed(where, 'it is given twice');
    attributes.set(name, decodeAttribute(message, where, reader));
    const more = attributeNotes(message);
    if (more) notes.set(name, more);
  }
  return { attributes, notes };
}

function decodeAttribute(message: onnx.IAttributeProto, where: string, reader: AttributeReader): Attribute {
  const of = kinds[message.type ?? 0] ?? guessKind(message);
  if (!of) throw onnxMalformed(where, `it has no known type (${message.type ?? 0})`);
  if (message.refAttrName) return { type: 'reference', name: message.refAttrName, of };
  return decodeKind(of, message, where, reader);
}

/** Files before IR version 2 don't say the type; then one field is set. */
function guessKind(m: onnx.IAttributeProto): AttributeKind | undefined {
  if (m.type) return undefined;
  if (Object.hasOwn(m, 'f')) return 'float';
  if (Object.hasOwn(m, 'i')) return 'int';
  if (Object.hasOwn(m, 's')) return 'string';
  if (m.t) return 'tensor';
  if (m.g) return 'graph';
  if (m.sparseTensor) return 'sparse';
  if (m.tp) return 'type';
  if (m.floats?.length) return 'floats';
  if (m.ints?.length) return 'ints';
  if (m.strings?.length) return 'strings';
  if (m.tensors?.length) return 'tensors';
  return m.graphs?.length ? 'graphs' : undefined;
}

function decodeKind(
  kind: AttributeKind,
  m: onnx.IAttributeProto,
  where: string,
  { source, graph }: AttributeReader,
): Attribute {
  const need = <T>(content: T | null | undefined): T => {
    if (content == null) throw onnxMalformed(where, `it says it is a ${kind} and holds none`);
    return content;
  };
  const type = (t: onnx.ITypeProto): ValueType => need(decodeType(t, where));
  switch (kind) {
    case 'float':
      return { type: 'float', value: m.f ?? 0 };
    case 'int':
      return { type: 'int', value: bigintOf(m.i) };
    case 'string':
      return { type: 'string', value: m.s ?? new Uint8Array() };
    case 'tensor': {
      const value = decodeTensor(need(m.t), where, source);
      return { type: 'tensor', value, name: m.t?.name || undefined };
    }
    case 'graph':
      return { type: 'graph', value: graph(need(m.g)) };
    case 'sparse':
      return { type: 'sparse', value: decodeSparse(need(m.sparseTensor), where, source) };
    case 'type':
      return { type: 'type', value: type(need(m.tp)) };
    case 'floats':
      return { type: 'floats', value: m.floats ?? [] };
    case 'ints':
      return { type: 'ints', value: (m.ints ?? []).map(bigintOf) };
    case 'strings':
      return { type: 'strings', value: m.strings ?? [] };
    case 'tensors':
      return { type: 'tensors', value: (m.tensors ?? []).map((t) => decodeTensor(t, where, source)) };
    case 'graphs':
      return { type: 'graphs', value: (m.graphs ?? []).map(graph) };
    case 'sparses':
      return { type: 'sparses', value: (m.sparseTensors ?? []).map((t) => decodeSparse(t, where, source)) };
    case 'types':
      return { type: 'types', value: (m.typeProtos ?? []).map(type) };
  }
}

/** What Attribute has no place for; undefined when nothing. */
function attributeNotes(message: onnx.IAttributeProto): AttributeNotes | undefined {
  const unknown = unknownOf(message);
  const doc = message.docString ?? '';
  const types = message.tp ? [message.tp] : (message.typeProtos ?? []);
  const keepTypes = types.some(holdsMore);
  if (unknown.length === 0 && !doc && !keepTypes) return undefined;
  return { unknown, doc, types: keepTypes ? types : undefined };
}

export function encodeAttribute(
  name: string,
  attribute: Attribute,
  notes: AttributeNotes | undefined,
  graph: (graph: Graph) => onnx.IGraphProto,
): onnx.IAttributeProto {
  const kind = attribute.type === 'reference' ? attribute.of : attribute.type;
  const message: onnx.IAttributeProto = {
    name,
    type: kinds.indexOf(kind),
    ...encodeContent(attribute, notes?.types ?? [], graph),
  };
  if (notes?.doc) message.docString = notes.doc;
  return withUnknown(message, notes?.unknown);
}

function encodeContent(
  a: Attribute,
  types: readonly onnx.ITypeProto[],
  graph: (graph: Graph) => onnx.IGraphProto,
): onnx.IAttributeProto {
  switch (a.type) {
    case 'float':
      return { f: a.value };
    case 'int':
      return { i: wireInt(a.value) };
    case 'string':
      return { s: a.value };
    case 'tensor':
      return { t: encodeTensor(a.value, a.name) };
    case 'graph':
      return { g: graph(a.value) };
    case 'sparse':
      return { sparseTensor: encodeSparse(a.value) };
    case 'type':
      return { tp: encodeType(a.value, types[0]) ?? {} };
    case 'floats':
      return { floats: [...a.value] };
    case 'ints':
      return { ints: wireInts(a.value) };
    case 'strings':
      return { strings: [...a.value] };
    case 'tensors':
      return { tensors: a.value.map((t) => encodeTensor(t)) };
    case 'graphs':
      return { graphs: a.value.map(graph) };
    case 'sparses':
      return { sparseTensors: a.value.map((t) => encodeSparse(t)) };
    case 'types':
      return { typeProtos: a.value.map((t, i) => encodeType(t, types[i]) ?? {}) };
    case 'reference':
      return { refAttrName: a.name };
  }
}
