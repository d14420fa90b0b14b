/** Whether two models are the same, and if not, the first thing in which they differ. Values correspond by their
 *  place (input, node output …) and must then be the same object wherever they are read; initializers go by name. */
import type { Attribute, SparseTensor } from '../../src/model/ir/attribute.ts';
import type { Graph, Model, ModelFunction, Node, Value } from '../../src/model/ir/model.ts';
import { elementCount, type Tensor } from '../../src/model/ir/tensor.ts';
import { formatShape, formatType, type Shape, type ValueType } from '../../src/model/ir/type.ts';

export interface StructureOptions {
  /** Whether doc strings count. Default: yes. */
  docs?: boolean;
}

/** null when the models are equal, else their first difference in words ("node 3 (Conv): …").
 *  Tensors are equal when dtype, dims and bytes are; external ones when they lie in the same place. */
export function sameStructure(a: Model, b: Model, options: StructureOptions = {}): string | null {
  const c: Comparison = { docs: options.docs ?? true, pairs: new Map() };
  return (
    differs('irVersion', a.irVersion, b.irVersion) ??
    sameMap('opset', a.opsets, b.opsets) ??
    differs('producer', a.producer.name, b.producer.name) ??
    differs('producer version', a.producer.version, b.producer.version) ??
    differs('domain', a.domain, b.domain) ??
    differs('modelVersion', a.modelVersion, b.modelVersion) ??
    sameMap('metadata', a.metadata, b.metadata) ??
    (c.docs ? differs('doc', a.doc, b.doc) : null) ??
    sameGraph(c, a.graph, b.graph) ??
    sameList('functions', a.functions, b.functions, (f, g) => sameFunction(c, f, g))
  );
}

interface Comparison {
  readonly docs: boolean;
  /** Values of `a` and what they correspond to in `b`. */
  readonly pairs: Map<Value, Value>;
}

const differs = (what: string, a: unknown, b: unknown): string | null =>
  Object.is(a, b) ? null : `${what}: ${String(a)} is not ${String(b)}`;

function within(where: string, difference: string | null): string | null {
  return difference === null ? null : `${where}: ${difference}`;
}

function sameList<T>(
  what: string,
  a: readonly T[],
  b: readonly T[],
  same: (x: T, y: T, i: number) => string | null,
): string | null {
  if (a.length !== b.length) return `${what}: ${a.length} are not ${b.length}`;
  for (let i = 0; i < a.length; i++) {
    const difference = same(a[i]!, b[i]!, i);
    if (difference !== null) return difference;
  }
  return null;
}

function sameMap<T>(
  what: string,
  a: ReadonlyMap<string, T>,
  b: ReadonlyMap<string, T>,
  same: (x: T, y: T) => string | null = (x, y) => differs('value', x, y),
): string | null {
  for (const key of b.keys()) if (!a.has(key)) return `${what} "${key}" is only in the second`;
  for (const [key, value] of a) {
    if (!b.has(key)) return `${what} "${key}" is only in the first`;
    const difference = same(value, b.get(key)!);
    if (difference !== null) return `${what} "${key}": ${difference}`;
  }
  return null;
}

function sameFunction(c: Comparison, a: ModelFunction, b: ModelFunction): string | null {
  const difference =
    differs('name', a.name, b.name) ??
    differs('domain', a.domain, b.domain) ??
    differs('overload', a.overload, b.overload) ??
    (c.docs ? differs('doc', a.doc, b.doc) : null) ??
    sameMap('opset', a.opsets, b.opsets) ??
    sameList('attributes', a.attributes, b.attributes, (x, y) => differs('attribute', x, y)) ??
    sameMap('default', a.attributeDefaults, b.attributeDefaults, (x, y) => sameAttribute(c, x, y)) ??
    sameGraph(c, a.graph, b.graph);
  return within(`function "${a.name}"`, difference);
}

function sameGraph(c: Comparison, a: Graph, b: Graph): string | null {
  const difference =
    differs('name', a.name, b.name) ??
    (c.docs ? differs('doc', a.doc, b.doc) : null) ??
    sameList('inputs', a.inputs, b.inputs, (x, y) => pair(c, 'input', x, y)) ??
    sameInitializers(c, a, b) ??
    sameList('nodes', a.nodes, b.nodes, (x, y, i) =>
      within(`node ${i} (${x.opType} "${x.name}")`, sameNode(c, x, y)),
    ) ??
    sameList('outputs', a.outputs, b.outputs, (x, y) => corresponds(c, 'output', x, y));
  return within(`graph "${a.name}"`, difference);
}

/** Declares that `a` corresponds to `b`. */
function pair(c: Comparison, what: string, a: Value, b: Value): string | null {
  c.pairs.set(a, b);
  const difference =
    differs('name', a.name, b.name) ??
    sameType(a.type, b.type) ??
    (c.docs ? differs('doc', a.doc, b.doc) : null) ??
    differs('overridable', a.overridable, b.overridable) ??
    sameConstant(a.constant, b.constant);
  return within(`${what} "${a.name}"`, difference);
}

function sameInitializers(c: Comparison, a: Graph, b: Graph): string | null {
  const byName = (g: Graph) => new Map(Array.from(g.initializers, (v) => [v.name, v]));
  return sameMap('initializer', byName(a), byName(b), (x, y) =>
    c.pairs.has(x) ? corresponds(c, 'initializer', x, y) : pair(c, 'initializer', x, y),
  );
}

function corresponds(c: Comparison, what: string, a: Value | null, b: Value | null): string | null {
  const partner = a === null ? null : c.pairs.get(a);
  return partner === b ? null : `${what}: "${a?.name ?? ''}" is not "${b?.name ?? ''}"`;
}

function sameNode(c: Comparison, a: Node, b: Node): string | null {
  return (
    differs('opType', a.opType, b.opType) ??
    differs('domain', a.domain, b.domain) ??
    differs('overload', a.overload, b.overload) ??
    differs('name', a.name, b.name) ??
    (c.docs ? differs('doc', a.doc, b.doc) : null) ??
    sameList('inputs', a.inputs, b.inputs, (x, y, i) => corresponds(c, `input ${i}`, x, y)) ??
    sameMap('attribute', a.attributes, b.attributes, (x, y) => sameAttribute(c, x, y)) ??
    sameList('outputs', a.outputs, b.outputs, (x, y, i) =>
      x && y ? pair(c, `output ${i}`, x, y) : differs(`output ${i}`, x, y),
    )
  );
}

function sameAttribute(c: Comparison, a: Attribute, b: Attribute): string | null {
  if (a.type !== b.type) return differs('type', a.type, b.type);
  if (a.type === 'reference')
    return b.type === 'reference'
      ? (differs('reference', a.name, b.name) ?? differs('type', a.of, b.of))
      : null;
  if (a.type === 'tensor' && b.type === 'tensor' && (a.name ?? '') !== (b.name ?? ''))
    return differs('tensor name', a.name, b.name);
  const items = (x: Attribute) => {
    const value = x.type === 'reference' ? null : x.value;
    return Array.isArray(value) ? (value as unknown[]) : [value];
  };
  return sameList('elements', items(a), items(b), (x, y, i) =>
    within(`element ${i}`, sameAttributeValue(c, a.type, x, y)),
  );
}

function sameAttributeValue(c: Comparison, type: Attribute['type'], a: unknown, b: unknown): string | null {
  switch (type) {
    case 'string':
    case 'strings':
      return sameBytes(a as Uint8Array, b as Uint8Array);
    case 'tensor':
    case 'tensors':
      return sameTensor(a as Tensor, b as Tensor);
    case 'graph':
    case 'graphs':
      return sameGraph(c, a as Graph, b as Graph);
    case 'type':
    case 'types':
      return sameType(a as ValueType, b as ValueType);
    case 'sparse':
    case 'sparses':
      return sameSparse(a as SparseTensor, b as SparseTensor);
    default:
      return differs('value', a, b);
  }
}

const sameSparse = (a: SparseTensor, b: SparseTensor): string | null =>
  differs('name', a.name ?? '', b.name ?? '') ??
  differs('dims', String(a.dims), String(b.dims)) ??
  sameTensor(a.values, b.values) ??
  sameTensor(a.indices, b.indices);

function sameConstant(a: Tensor | null, b: Tensor | null): string | null {
  return a && b ? sameTensor(a, b) : differs('constant', a !== null, b !== null);
}

function sameTensor(a: Tensor, b: Tensor): string | null {
  const kind = differs('dtype', a.dtype, b.dtype) ?? differs('dims', String(a.dims), String(b.dims));
  if (kind !== null) return kind;
  if (a.strings || b.strings) return sameList('strings', a.strings ?? [], b.strings ?? [], sameBytes);
  if (a.external && b.external)
    return (
      differs('location', a.external.location, b.external.location) ??
      differs('offset', a.external.offset, b.external.offset) ??
      differs('length', a.external.length, b.external.length)
    );
  return sameBytes(a.bytes(), b.bytes(), elementCount(a.dims));
}

function sameBytes(a: Uint8Array, b: Uint8Array, elements: number = a.length): string | null {
  if (a.length !== b.length) return `${a.length} bytes are not ${b.length}`;
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? null : `element ${Math.floor((at * elements) / a.length)} differs`;
}

function sameType(a: ValueType | null, b: ValueType | null): string | null {
  return equalTypes(a, b) ? null : `type ${formatType(a)} is not ${formatType(b)}`;
}

function equalTypes(a: ValueType | null, b: ValueType | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === 'tensor' || a.kind === 'sparse')
    return a.kind === b.kind && a.dtype === b.dtype && equalShapes(a.shape, b.shape);
  if (a.kind === 'map') return b.kind === 'map' && a.key === b.key && equalTypes(a.value, b.value);
  return a.kind === b.kind && equalTypes(a.element, b.element);
}

const equalShapes = (a: Shape | null, b: Shape | null): boolean =>
  formatShape(a) === formatShape(b) && (a?.every((d, i) => d === b?.[i]) ?? b === null);
