/** Takes out of a model what exporters wrote into it about the machine and the program that made it: stack traces, source
 *  lines, absolute paths, scopes of modules. They stand in documentation strings and metadata of nodes, values, graphs, functions,
 *  tensors and attributes (onnx.proto: doc_string, metadata_props). What the model says of itself stays: description, licence,
 *  author, labels, preprocessing, with paths in them cut to their last part. */
import { withoutLocalPaths } from '../../../support/local-paths.ts';
import type { Attribute } from '../../ir/attribute.ts';
import { setAttribute, setConstant } from '../../ir/edit.ts';
import type { Graph, Model, Node, Value } from '../../ir/model.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { graphsOf, withSubgraphs } from '../../ir/walk.ts';
import { type AttributeNotes, functionNotes, graphNotes, nodeNotes, valueNotes } from './notes.ts';
import { withTensorTexts } from './tensors.ts';
import { encodeText, lengthDelimited, parseMessage, proto, serializeMessage, takeFields } from './wire.ts';

/** What was taken out. */
export interface StrippedTexts {
  /** Texts that went, or lost a part. */
  texts: number;
  bytes: number;
}

/** Field numbers of metadata_props, which are newer than the schema of onnx-proto. */
const METADATA = { node: 9, value: 4, graph: 16, function: 14 } as const;

/** What the exporters of PyTorch and ONNX Script keep for their own use. */
const bookkeeping = /^(?:pkg\.(?:torch|onnxscript)\.|namespace$)/;

/** Edits `model`; tensors that it shares with others stay as they are.
 *  @example
 *  stripTraces(model); // { texts: 157, bytes: 48213 } */
export function stripTraces(model: Model): StrippedTexts {
  const found: StrippedTexts = { texts: 0, bytes: 0 };
  const clean = cleaner(found);
  for (const graph of graphsOf(model)) stripGraph(graph, clean);
  for (const f of model.functions) {
    f.doc = clean.text(f.doc);
    for (const graph of withSubgraphs(f.graph)) stripGraph(graph, clean);
    edited(functionNotes, f, (notes) => ({
      ...notes,
      unknown: clean.fields(notes.unknown, METADATA.function),
      ...(notes.attributes && { attributes: clean.attributes(notes.attributes) }),
    }));
  }
  model.doc = clean.text(model.doc);
  model.producer = { name: clean.text(model.producer.name), version: clean.text(model.producer.version) };
  for (const [key, value] of [...model.metadata]) {
    const kept = clean.entry(key, value);
    if (kept === null) model.metadata.delete(key);
    else model.metadata.set(key, kept);
  }
  return found;
}

function stripGraph(graph: Graph, clean: Cleaner): void {
  graph.doc = clean.text(graph.doc);
  edited(graphNotes, graph, (notes) => ({
    ...notes,
    unknown: clean.fields(notes.unknown, METADATA.graph),
  }));
  for (const value of valuesOf(graph)) stripValue(value, clean);
  for (const node of graph.nodes) {
    node.doc = clean.text(node.doc);
    edited(nodeNotes, node, (notes) => ({
      ...notes,
      unknown: clean.fields(notes.unknown, METADATA.node),
      ...(notes.attributes && { attributes: clean.attributes(notes.attributes) }),
    }));
    stripTensors(node, clean);
  }
}

const valuesOf = ({ inputs, initializers, nodes }: Graph): Set<Value> =>
  new Set([...inputs, ...initializers, ...nodes.flatMap((n) => n.outputs).filter((v) => v !== null)]);

function stripValue(value: Value, clean: Cleaner): void {
  value.doc = clean.text(value.doc);
  edited(valueNotes, value, (notes) => ({
    ...notes,
    unknown: clean.fields(notes.unknown, METADATA.value),
  }));
  const { constant } = value;
  if (!constant || valueNotes.get(value)?.sparse) return;
  const kept = clean.tensor(constant);
  if (kept !== constant) setConstant(value, kept);
}

function stripTensors(node: Node, clean: Cleaner): void {
  for (const [name, attribute] of [...node.attributes]) {
    const kept = cleanTensors(attribute, clean);
    if (kept !== attribute) setAttribute(node, name, kept);
  }
}

function cleanTensors(attribute: Attribute, clean: Cleaner): Attribute {
  if (attribute.type !== 'tensor') return attribute;
  const value = clean.tensor(attribute.value);
  return value === attribute.value ? attribute : { ...attribute, value };
}

interface Cleaner {
  text(text: string): string;
  /** null: nothing of it stays. */
  entry(key: string, value: string): string | null;
  /** Fields of a message, one number of which holds entries of metadata. */
  fields(fields: readonly Uint8Array[] | undefined, number: number): readonly Uint8Array[] | undefined;
  attributes(notes: ReadonlyMap<string, AttributeNotes>): ReadonlyMap<string, AttributeNotes>;
  tensor(tensor: Tensor): Tensor;
}

/** @param found  counts what is taken out */
function cleaner(found: StrippedTexts): Cleaner {
  const tensors = new Map<Tensor, Tensor>();
  const count = (before: string, after: string) => {
    if (before === after) return;
    found.texts++;
    found.bytes += encodeText(before).length - encodeText(after).length;
  };
  const text = (before: string) => {
    const after = withoutLocalPaths(before);
    count(before, after);
    return after;
  };
  const entry = (key: string, value: string) => {
    if (!bookkeeping.test(key)) return text(value) || (value === '' ? '' : null);
    count(key + value, '');
    return null;
  };
  const fields: Cleaner['fields'] = (given, number) => {
    if (!given) return given;
    const { taken, rest } = takeFields(given, [number]);
    const kept = taken.flatMap(({ payload }) => {
      const { key, value } = parseMessage(
        proto.StringStringEntryProto,
        payload,
        'An entry of metadata_props',
      );
      const after = entry(key ?? '', value ?? '');
      if (after === null) return [];
      return [lengthDelimited(number, serializeMessage(proto.StringStringEntryProto, { key, value: after }))];
    });
    return [...rest, ...kept];
  };
  return {
    ...{ text, entry, fields },
    attributes: (notes) =>
      new Map([...notes].map(([name, n]) => [name, n.doc ? { ...n, doc: text(n.doc) } : n])),
    tensor(tensor) {
      const kept = tensors.get(tensor) ?? withTensorTexts(tensor, { text, fields });
      tensors.set(tensor, kept);
      return kept;
    },
  };
}

/** Notes are never changed in place: copies of a model share them. */
function edited<H, N>(
  note: { get(holder: H): N | undefined; set(holder: H, content: N): void },
  holder: H,
  change: (notes: N) => N,
): void {
  const notes = note.get(holder);
  if (notes) note.set(holder, change(notes));
}
