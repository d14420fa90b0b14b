/** Graphs: signature, initializers and types, nodes. Names are resolved while reading: a node may read what stands
 *  before it, or anything visible in the graphs around (the same Value objects). */
import type { Attribute } from '../../ir/attribute.ts';
import { addInitializer, addInput, addNode, addOutput, createGraph, createValue } from '../../ir/edit.ts';
import type { Graph, NameScope, Value } from '../../ir/model.ts';
import { freshName } from '../../ir/names.ts';
import type { ValueType } from '../../ir/type.ts';
import { addNotes, valueNotes } from '../onnx/notes.ts';
import { parseAttributes } from './parse-attribute.ts';
import { parseTensorContent } from './parse-tensor.ts';
import { nextIsType, parseType } from './parse-type.ts';
import {
  expect,
  failure,
  list,
  matches,
  nameFailure,
  nested,
  peek,
  peekIdentifier,
  quotable,
  type Scanner,
  skipSpace,
} from './scanner.ts';

/** What is known while a graph is read. */
interface Frame {
  readonly graph: Graph;
  readonly names: NameScope;
  readonly outer: Frame | null;
  readonly values: Map<string, Value>;
  /** Values of subgraphs read so far, by their names; a value that comes later in this graph may be hidden by them. */
  readonly inner: Map<string, Value[]>;
  /** Types announced for names that come later. */
  readonly types: Map<string, ValueType>;
  /** Defaults of the attributes of the function around, if any. */
  readonly defaults: ReadonlyMap<string, Attribute>;
}

interface Declaration {
  readonly at: number;
  readonly type: ValueType | null;
  readonly name: string;
}

export const createFrame = (
  names: NameScope,
  name: string,
  outer: Frame | null,
  defaults: ReadonlyMap<string, Attribute> = new Map(),
): Frame => ({
  graph: createGraph(names, name),
  names,
  outer,
  values: new Map(),
  inner: new Map(),
  types: new Map(),
  defaults: outer?.defaults ?? defaults,
});

/** A whole graph, its name first. @throws TEXT_SYNTAX, TEXT_NAME */
export function parseGraph(s: Scanner, names: NameScope, outer: Frame | null): Graph {
  const frame = createFrame(names, quotable(s, 'the name of a graph'), outer);
  nested(s, () => {
    if (peek(s) === '(') list(s, '(', ')', 'an input', () => parseInput(s, frame));
    expect(s, '=>', 'after the inputs of a graph');
    const outputs = list(s, '(', ')', 'an output', () => parseDeclaration(s));
    announce(frame, outputs);
    if (peek(s) === '<') list(s, '<', '>', 'an initializer or type', () => parseInitializer(s, frame));
    parseNodes(s, frame);
    connectOutputs(s, frame, outputs);
  });
  if (outer) leave(frame, outer);
  return frame.graph;
}

function leave(frame: Frame, outer: Frame): void {
  const entries = [...Array.from(frame.values, ([name, v]) => [name, [v]] as const), ...frame.inner];
  for (const [name, values] of entries) outer.inner.set(name, [...(outer.inner.get(name) ?? []), ...values]);
}

/** `float[N] x`; the type may be left out. */
export function parseDeclaration(s: Scanner): Declaration {
  skipSpace(s);
  const at = s.at;
  const type = nextIsType(s) ? parseType(s) : null;
  return { at, type, name: quotable(s, 'the name of a value') };
}

export function announce(frame: Frame, declarations: readonly Declaration[]): void {
  for (const { name, type } of declarations) if (type) frame.types.set(name, type);
}

export function define(s: Scanner, frame: Frame, name: string, type: ValueType | null, at: number): Value {
  if (name === '') throw failure(s, 'a name that is not empty', at);
  if (frame.values.has(name))
    throw nameFailure(s, `"${name}" is defined twice in graph "${frame.graph.name}"`, at);
  const hides = isVisible(frame.outer, name);
  const value = createValue(frame.names, name, type, !hides);
  if (hides) addNotes(valueNotes, value, { hiding: name });
  for (const hiding of frame.inner.get(name) ?? []) {
    if (hiding.name !== name) continue;
    hiding.name = freshName(frame.names, name);
    addNotes(valueNotes, hiding, { hiding: name });
  }
  frame.values.set(name, value);
  return value;
}

const isVisible = (frame: Frame | null, name: string): boolean =>
  frame !== null && (frame.values.has(name) || isVisible(frame.outer, name));

function parseInput(s: Scanner, frame: Frame): void {
  const { at, type, name } = parseDeclaration(s);
  const input = addInput(frame.graph, define(s, frame, name, type, at));
  if (matches(s, '=')) addInitializer(frame.graph, input, parseTensorContent(s, type, name, at));
}

function parseInitializer(s: Scanner, frame: Frame): void {
  const { at, type, name } = parseDeclaration(s);
  if (!matches(s, '=')) {
    if (type) frame.types.set(name, type);
    return;
  }
  const tensor = parseTensorContent(s, type, name, at);
  const known = frame.values.get(name);
  const input = known && !known.constant ? known : null;
  addInitializer(frame.graph, input ?? define(s, frame, name, null, at), tensor);
}

export function parseNodes(s: Scanner, frame: Frame): void {
  expect(s, '{', 'before the nodes of a graph');
  while (!matches(s, '}')) parseNode(s, frame);
}

function parseNode(s: Scanner, frame: Frame): void {
  let name = '';
  if (matches(s, '[')) {
    if (peek(s) !== ']') name = quotable(s, 'the name of a node');
    expect(s, ']', 'after the name of a node');
  }
  const outputs = parseNames(s);
  expect(s, '=', 'after the outputs of a node (or "}" after the last node)');
  const op = parseOperator(s);
  let attributes = peek(s) === '<' ? parseNodeAttributes(s, frame) : null;
  expect(s, '(', `before the inputs of ${op.opType}`);
  const inputs = parseNames(s);
  expect(s, ')', `or "," after an input of ${op.opType}`);
  const reads = inputs.map((i) => (i.name === '' ? null : find(s, frame, i.name, op.opType, i.at)));
  if (!attributes && peek(s) === '<') attributes = parseNodeAttributes(s, frame);
  // Last, since neither the inputs nor the subgraphs of a node may read its outputs.
  const writes = outputs.map((o) =>
    o.name === '' ? null : define(s, frame, o.name, frame.types.get(o.name) ?? null, o.at),
  );
  const init = { ...op, name, inputs: reads, outputs: writes, attributes: attributes ?? new Map() };
  addNode(frame.graph, init);
}

const parseNodeAttributes = (s: Scanner, frame: Frame) =>
  parseAttributes(s, { graph: () => parseGraph(s, frame.names, frame), defaults: frame.defaults });

/** Names of inputs or outputs; "" is an absent one, and so is nothing in front of a comma. */
function parseNames(s: Scanner): { name: string; at: number }[] {
  const names: { name: string; at: number }[] = [];
  for (;;) {
    const c = peek(s);
    const at = s.at;
    if (c === '"' || peekIdentifier(s) !== '') names.push({ name: quotable(s, 'a name'), at });
    else if (c === ',') names.push({ name: '', at });
    if (!matches(s, ',')) return names;
  }
}

function parseOperator(s: Scanner): { domain: string; opType: string; overload: string } {
  const parts = [quotable(s, 'an operator such as Add or com.microsoft.Gelu')];
  while (matches(s, '.')) parts.push(quotable(s, 'an operator after the domain'));
  const overload = matches(s, ':') ? quotable(s, 'the name of an overload') : '';
  return { domain: parts.slice(0, -1).join('.'), opType: parts[parts.length - 1]!, overload };
}

function find(s: Scanner, frame: Frame, name: string, reader: string, at: number): Value {
  for (let f: Frame | null = frame; f; f = f.outer) {
    const value = f.values.get(name);
    if (value) return value;
  }
  throw nameFailure(s, `${reader} reads "${name}", which nothing before it defines`, at);
}

export function connectOutputs(s: Scanner, frame: Frame, outputs: readonly Declaration[]): void {
  for (const { name, type, at } of outputs) {
    const value = find(s, frame, name, `The output list of graph "${frame.graph.name}"`, at);
    if (frame.values.has(name)) value.type ??= type;
    addOutput(frame.graph, value);
  }
}
