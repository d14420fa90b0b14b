/** Attributes: `alpha = 1.5`, `axes: ints = []`, `value = float[2] {1, 2}`, `body = name (x) => (y) {…}`, `k: int = @k`. */
import type { Attribute, AttributeKind, SparseTensor } from '../../ir/attribute.ts';
import type { Graph } from '../../ir/model.ts';
import { parseFloat32, parseTensorContent } from './parse-tensor.ts';
import { nextIsType, parseType } from './parse-type.ts';
import {
  expect,
  failure,
  identifier,
  integer,
  isFloatLiteral,
  list,
  matches,
  peek,
  peekIdentifier,
  peekNumber,
  quotable,
  quotedString,
  type Scanner,
  skipSpace,
} from './scanner.ts';
import { bytesFromText } from './text-bytes.ts';
import { attributeKindFromWord, attributeWords } from './vocabulary.ts';

interface AttributeScope {
  /** Reads a graph: its name comes next. */
  readonly graph: () => Graph;
  /** In a function body: defaults of the function's attributes, which tell the type of a reference. */
  readonly defaults: ReadonlyMap<string, Attribute>;
}

type Single = Extract<
  Attribute,
  { type: 'float' | 'int' | 'string' | 'tensor' | 'graph' | 'type' | 'sparse' | 'reference' }
>;
type SingleKind = Exclude<Single['type'], 'reference'>;

const listKinds = {
  float: 'floats',
  int: 'ints',
  string: 'strings',
  tensor: 'tensors',
  graph: 'graphs',
  type: 'types',
  sparse: 'sparses',
} as const;

const singleKinds = new Map<AttributeKind, SingleKind>(
  (Object.keys(listKinds) as SingleKind[]).map((kind) => [listKinds[kind], kind]),
);

/** `<name = value, …>`; the opening bracket comes next. @throws TEXT_SYNTAX */
export function parseAttributes(s: Scanner, scope: AttributeScope): Map<string, Attribute> {
  const entries = list(s, '<', '>', 'an attribute', () => {
    skipSpace(s);
    const start = s.at;
    return { start, name: quotable(s, 'an attribute name'), attribute: parseAttributeRest(s, scope) };
  });
  const attributes = new Map<string, Attribute>();
  for (const { start, name, attribute } of entries) {
    if (attributes.has(name)) throw failure(s, 'each attribute once', start);
    attributes.set(name, attribute);
  }
  return attributes;
}

/** What follows an attribute's name: `: type = value` or `= value`. @throws TEXT_SYNTAX */
export function parseAttributeRest(s: Scanner, scope: AttributeScope): Attribute {
  const kind = matches(s, ':') ? parseKind(s) : null;
  expect(s, '=', 'before the value of an attribute');
  skipSpace(s);
  const start = s.at;
  if (peek(s) === '[') return parseList(s, scope, kind, start);
  if (kind && singleKinds.has(kind) && peek(s) !== '@')
    throw failure(s, `a list in [ ] of type ${attributeWords[kind]}`, start);
  const value = parseSingle(s, scope, kind);
  if (kind && value.type !== kind && value.type !== 'reference')
    throw failure(s, `a value of type ${attributeWords[kind]}`, start);
  return value;
}

function parseKind(s: Scanner): AttributeKind {
  skipSpace(s);
  const start = s.at;
  const kind = attributeKindFromWord(identifier(s, 'an attribute type'));
  if (!kind) throw failure(s, `an attribute type (${Object.values(attributeWords).join(', ')})`, start);
  return kind;
}

function parseList(s: Scanner, scope: AttributeScope, kind: AttributeKind | null, start: number): Attribute {
  const wanted = kind ? singleKinds.get(kind) : null;
  if (wanted === undefined) throw failure(s, `one value of type ${attributeWords[kind!]}, not a list`, start);
  const items = list(s, '[', ']', 'a value', () => {
    skipSpace(s);
    const itemStart = s.at;
    const item = parseSingle(s, scope, wanted);
    if (item.type === 'reference' || (wanted && item.type !== wanted))
      throw failure(s, `an element of type ${wanted ? attributeWords[wanted] : 'one kind'}`, itemStart);
    return item;
  });
  if (items.length === 0 && !kind)
    throw failure(s, 'a type for an empty list, as in "axes: ints = []"', start);
  const common = wanted ?? (items.some((i) => i.type === 'float') ? 'float' : items[0]!.type);
  if (items.some((i) => i.type !== common && !(common === 'float' && i.type === 'int')))
    throw failure(s, 'a list with elements of one type', start);
  const values = items.map((i) => (common === 'float' ? Number(i.value) : i.value));
  return { type: listKinds[common as SingleKind], value: values } as Attribute;
}

function parseSingle(s: Scanner, scope: AttributeScope, kind: AttributeKind | null): Single {
  if (matches(s, '@')) return parseReference(s, scope, kind);
  const c = peek(s);
  if (kind === 'graph') return { type: 'graph', value: scope.graph() };
  if (c === '"') return parseStringOrGraph(s, scope);
  const number = peekNumber(s);
  if (number !== null) {
    if (kind === 'float' || isFloatLiteral(number)) return { type: 'float', value: parseFloat32(s) };
    return { type: 'int', value: integer(s, 'an int64', -(2n ** 63n), 2n ** 63n - 1n) };
  }
  if (nextIsType(s)) return parseTypeOrTensor(s);
  if (peekIdentifier(s) !== '') return { type: 'graph', value: scope.graph() };
  throw failure(s, 'an attribute value: a number, "text", a tensor, a type, a graph or @reference');
}

/** A quoted name in front of a parenthesis is a graph's. */
function parseStringOrGraph(s: Scanner, scope: AttributeScope): Single {
  const start = s.at;
  const value = quotedString(s, 'a quoted string');
  if (peek(s) !== '(') return { type: 'string', value: bytesFromText(value) };
  s.at = start;
  return { type: 'graph', value: scope.graph() };
}

function parseReference(s: Scanner, scope: AttributeScope, kind: AttributeKind | null): Single {
  skipSpace(s);
  const start = s.at;
  const name = quotable(s, 'the name of an attribute of the function');
  const fallback = scope.defaults.get(name);
  const of = kind ?? (fallback?.type === 'reference' ? fallback.of : fallback?.type);
  if (!of) throw failure(s, 'a type for a reference to an attribute, as in "axis: int = @axis"', start);
  return { type: 'reference', name, of };
}

function parseTypeOrTensor(s: Scanner): Single {
  skipSpace(s);
  const start = s.at;
  const type = parseType(s);
  const hasName = peek(s) === '"' || peekIdentifier(s) !== '';
  if (!hasName && peek(s) !== '{' && peek(s) !== '=') return { type: 'type', value: type };
  const name = hasName ? quotable(s, 'a tensor name') : '';
  matches(s, '=');
  if (type.kind !== 'sparse') {
    const value = parseTensorContent(s, type, name, start);
    return { type: 'tensor', value, name: name || undefined };
  }
  return { type: 'sparse', value: parseSparse(s, type.shape, name, start) };
}

/** `{values, indices}`, two tensors. An extension: the standard has no constants of sparse tensors. */
function parseSparse(
  s: Scanner,
  shape: readonly unknown[] | null,
  name: string,
  start: number,
): SparseTensor {
  if (!shape?.every((d): d is number => typeof d === 'number'))
    throw failure(s, 'a sparse tensor type with numbers as dimensions', start);
  const part = () => {
    skipSpace(s);
    const at = s.at;
    const type = parseType(s);
    matches(s, '=');
    return parseTensorContent(s, type, name, at);
  };
  expect(s, '{', 'before the values of a sparse tensor');
  const values = part();
  expect(s, ',', 'between values and indices');
  const indices = part();
  expect(s, '}', 'after the indices');
  return { dims: shape as number[], values, indices, name: name || undefined };
}
