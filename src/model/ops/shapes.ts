/** Shape inference: fills the type of every value of a model, symbolic dimensions included.
 *  One rule an operator (shapes/*.ts) says what its outputs are; beside it, the elements of small integer tensors are
 *  followed through the graph (shapes/data.ts), so that a Reshape whose target is computed from a Shape resolves.
 *  A size that no rule can express is named after its value and axis ("boxes.0"): unknown, but the same everywhere. */

import { attributeInvalid, shapeConflict } from '../../support/diagnostics/graph.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { Attribute } from '../ir/attribute.ts';
import { expandedNodes, type FunctionTable, functionTable } from '../ir/functions.ts';
import { type Graph, type Model, type ModelFunction, type Node, opKey, type Value } from '../ir/model.ts';
import { elementCount, numbers, type Tensor } from '../ir/tensor.ts';
import { type Dim, formatType, type Shape, tensorType, type ValueType } from '../ir/type.ts';
import { graphsOf } from '../ir/walk.ts';
import { attributeProblem } from './attributes.ts';
import { evaluate, isSame } from './dims.ts';
import { dataRules } from './shapes/data.ts';
import { shapeRules } from './shapes/rules.ts';
import type { Data, Facts, ShapeContext } from './types.ts';

interface MissingShape {
  /** Node name, or the name of its first output when it has none. */
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

export interface InferredShapes {
  /** How many values have a type now that is new or says more than before. */
  readonly inferred: number;
  readonly missing: readonly MissingShape[];
  /** Elements of small tensors as far as they follow from shapes, those of branches and bodies too; null where nothing is known. */
  data(value: Value): Data | null;
}

/** Elements of larger tensors are not followed. */
const followed = 4096;

/** Infers and writes `value.type` for all values of the main graph and its subgraphs; types that are there already are
 *  merged with what is inferred: a number beats an expression, an expression a lone symbol of the file, anything
 *  beats unknown. Where the two contradict each other, what follows from the inputs is kept and the node reported.
 *  Initializers that a caller may override count with their default. Graph inputs keep their types.
 *  @throws FUNCTION_RECURSIVE, FUNCTIONS_TOO_LARGE, ATTRIBUTE_INVALID */
export function inferShapes(model: Model): InferredShapes {
  expandedNodes(model);
  const run: Run = { facts: new Map(), missing: new Map(), functions: functionTable(model.functions) };
  inferGraph(model.graph, scopeOf(model, run));
  let inferred = 0;
  for (const graph of graphsOf(model)) {
    const inner = graph !== model.graph;
    const values = graph.nodes.flatMap((n) => n.outputs);
    for (const v of inner ? [...graph.inputs, ...values] : values) {
      const type = v && run.facts.get(v)?.type;
      if (!type || isSameType(v.type, type)) continue;
      v.type = type;
      inferred++;
    }
  }
  return {
    inferred,
    missing: [...run.missing.values()],
    data: (value) => run.facts.get(value)?.data ?? null,
  };
}

/** Shapes as they follow from the graph's inputs, whatever sizes the file declares further on: declared ones are no promise
 *  that runtimes keep. Values of operators without a rule have the declared shape. Writes nothing. */
export function shapesFromInputs(model: Model): (value: Value) => Shape | null {
  const run: Run = { facts: new Map(), missing: new Map(), functions: functionTable(model.functions) };
  inferGraph(model.graph, { ...scopeOf(model, run), fromInputs: true });
  return (value) => {
    const { type } = factsOf(value, run);
    return type?.kind === 'tensor' ? type.shape : null;
  };
}

/** What is known of the values of a graph under construction. */
export interface ShapeTracker {
  /** Infers and writes the types of a node's outputs; its inputs must have been made before. */
  infer(node: Node): void;
  /** Elements of a small tensor as far as they follow from constants and shapes. */
  data(value: Value): Data | null;
}

/** Follows types and small tensors while a graph grows, one node at a time. */
export function trackShapes(model: Model): ShapeTracker {
  const run: Run = { facts: new Map(), missing: new Map(), functions: functionTable(model.functions) };
  return {
    infer(node) {
      inferNode(node, scopeOf(model, run));
      for (const v of node.outputs) if (v) v.type = run.facts.get(v)?.type ?? v.type;
    },
    data: (value) => factsOf(value, run).data,
  };
}

/** Infers and writes the types of one node's outputs from the types of its inputs, for a graph under construction. */
export const inferNodeTypes = (model: Model, node: Node): void => trackShapes(model).infer(node);

/** Whether shape inference has a rule for the operator. */
export const isKnownOp = (key: string) => Object.hasOwn(shapeRules, key);

interface Run {
  readonly facts: Map<Value, Facts>;
  readonly missing: Map<Node, MissingShape>;
  readonly functions: FunctionTable;
}

interface Scope {
  readonly run: Run;
  readonly opsets: ReadonlyMap<string, number>;
  /** Attributes of the call, inside a function body. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly inFunction: boolean;
  readonly settled: Settled;
  /** In a branch or a body, which may never run: what is wrong there is reported, not refused. */
  readonly conditional?: boolean;
  /** What a rule infers counts alone. */
  readonly fromInputs?: boolean;
}

/** What loops carry, as found when an outer loop's body was followed before: each round of that goes on from there, so that
 *  the rounds of nested loops add up and don't multiply. A function's loops are those of one call. */
interface Settled {
  readonly loops: ShapeContext['settled'];
  readonly calls: Map<Node, Settled>;
}

const nothingSettled = (): Settled => ({ loops: new Map(), calls: new Map() });

const scopeOf = (model: Model, run: Run): Scope => ({
  ...{ run, opsets: model.opsets, attributes: new Map(), inFunction: false, settled: nothingSettled() },
});

function inferGraph(graph: Graph, scope: Scope, inputs: readonly (Facts | null)[] = []): Facts[] {
  const { facts } = scope.run;
  graph.inputs.forEach((v, i) => {
    const given = inputs[i];
    const type = given?.type ? (v.type ? merge(v.type, given.type).type : given.type) : v.type;
    facts.set(v, { type: named(type, v), data: given?.data ?? null });
  });
  for (const node of graph.nodes) inferNode(node, scope);
  return graph.outputs.map((v) => factsOf(v, scope.run));
}

function factsOf(v: Value, run: Run): Facts {
  const known = run.facts.get(v);
  if (known && !v.constant) return known;
  const made: Facts = v.constant
    ? { type: tensorType(v.constant.dtype, v.constant.dims), data: known?.data ?? dataOf(v.constant) }
    : { type: v.type, data: null };
  run.facts.set(v, made);
  return made;
}

/** The elements of a small numeric tensor. */
export function dataOf(t: Tensor): Data | null {
  const count = elementCount(t.dims);
  if (
    t.kind === 'string' ||
    t.dtype.startsWith('complex') ||
    t.dtype.startsWith('float8') ||
    count > followed
  )
    return null;
  if (t.dtype === 'float4e2m1' || (t.dtype.startsWith('float') && count > 64)) return null;
  return { dims: t.dims, values: numbers(t) };
}

function inferNode(node: Node, scope: Scope): void {
  const { run } = scope;
  const reasons: string[] = [];
  const outputs = outputsOf(resolved(node, scope), scope, reasons);
  node.outputs.forEach((v, i) => {
    if (!v) return;
    const found = outputs[i];
    const declared = scope.inFunction || (scope.fromInputs && found?.type) ? null : v.type;
    let type = found?.type ?? declared;
    if (declared && found?.type) {
      const merged = merge(declared, found.type);
      if (merged.conflict)
        reasons.push(`"${v.name}" is declared ${formatType(declared)}, inferred ${formatType(found.type)}`);
      type = merged.type;
    }
    if (!type || ('shape' in type && !type.shape)) reasons.push(`type of "${v.name}" is unknown`);
    run.facts.set(v, { type: named(type, v), data: fitting(found?.data ?? null) });
  });
  const [reason] = reasons;
  if (reason === undefined) run.missing.delete(node);
  else run.missing.set(node, { node: nameOf(node), op: opKey(node), reason });
}

const nameOf = (node: Node): string => node.name || (node.outputs.find((v) => v !== null)?.name ?? '');

const fitting = (data: Data | null) => (data && data.values.length <= followed ? data : null);

function outputsOf(node: Node, scope: Scope, reasons: string[]): readonly (Facts | null)[] {
  const key = opKey(node);
  const fn = scope.run.functions(node);
  const context = contextOf(node, scope);
  const problem = attributeProblem(node, context.shape);
  if (problem) {
    const error = attributeInvalid({ op: key, name: nameOf(node) }, problem);
    if (!scope.conditional) throw error;
    reasons.push(error.message);
    return [];
  }
  try {
    if (fn) return callFunction(fn, node, scope);
    const rule = Object.hasOwn(shapeRules, key) ? shapeRules[key] : undefined;
    if (!rule) {
      reasons.push('no shape rule for this operator');
      return [];
    }
    const types = rule(context);
    if (types.some((type) => type?.kind === 'tensor' && type.shape?.includes(undefined as never)))
      throw shapeConflict(`${node.opType} reads an axis that an input of it doesn't have`);
    const data = (Object.hasOwn(dataRules, key) ? dataRules[key]?.(context) : null) ?? [];
    return types.map((type, i) => ({ type: type ?? null, data: data[i] ?? null }));
  } catch (e) {
    if (!(e instanceof Diagnostic) || e.code !== 'SHAPE_CONFLICT') throw e;
    reasons.push(e.message);
    return [];
  }
}

function contextOf(node: Node, scope: Scope): ShapeContext {
  const at = (i: number): Facts | null => {
    const v = node.inputs[i];
    return v ? factsOf(v, scope.run) : null;
  };
  const type = (i: number) => at(i)?.type ?? null;
  return {
    node,
    opset: scope.opsets.get(node.domain) ?? scope.opsets.get('') ?? 1,
    type,
    dtype(i) {
      const t = type(i);
      return t && 'dtype' in t ? t.dtype : null;
    },
    shape(i) {
      const t = type(i);
      return t && 'shape' in t ? t.shape : null;
    },
    data: (i) => at(i)?.data ?? null,
    has: (i) => node.inputs[i] != null,
    settled: scope.settled.loops,
    infer: (graph, inputs, dead) => {
      const inner = { ...scope, conditional: true };
      return inferGraph(
        graph,
        dead ? { ...inner, run: { ...scope.run, missing: new Map() } } : inner,
        inputs,
      );
    },
  };
}

function callFunction(fn: ModelFunction, node: Node, scope: Scope): Facts[] {
  const attributes = new Map(fn.attributeDefaults);
  for (const [k, a] of node.attributes) attributes.set(k, a);
  const inputs = node.inputs.map((v) => v && factsOf(v, scope.run));
  const settled = scope.settled.calls.get(node) ?? nothingSettled();
  scope.settled.calls.set(node, settled);
  return inferGraph(fn.graph, { ...scope, opsets: fn.opsets, attributes, inFunction: true, settled }, inputs);
}

/** The node with references to its function's attributes replaced by what the call gave. */
function resolved(node: Node, scope: Scope): Node {
  if (![...node.attributes.values()].some((a) => a.type === 'reference')) return node;
  const attributes = new Map<string, Attribute>();
  for (const [k, a] of node.attributes) {
    const given = a.type === 'reference' ? scope.attributes.get(a.name) : a;
    if (given) attributes.set(k, given);
  }
  return { ...node, attributes };
}

/** Symbols by which exporters say that they don't know a size; equal ones mean nothing. */
const anonymous = new Set<unknown>([null, '', '?', '-1', 'None', 'none', 'unk', 'dynamic']);

/** Whether a size is a number, or says by its symbol that it is the same elsewhere. */
export const isNamed = (d: Dim): boolean => !anonymous.has(d);

/** Gives sizes that the type leaves unknown a name of their own: "boxes.0" for axis 0 of "boxes". */
export function named(type: ValueType | null, v: Value): ValueType | null {
  if (type?.kind !== 'tensor' || !type.shape?.some((d) => anonymous.has(d))) return type;
  const base = v.name.replace(/[\s*+\-(),`/]+/g, '_');
  return { ...type, shape: type.shape.map((d, i) => (anonymous.has(d) ? `${base}.${i}` : d)) };
}

function merge(declared: ValueType, inferred: ValueType): { type: ValueType; conflict: boolean } {
  const clash = { type: inferred, conflict: true };
  if (declared.kind !== inferred.kind) return clash;
  if (declared.kind === 'map') return { type: inferred, conflict: false };
  if (declared.kind === 'sequence' || declared.kind === 'optional') {
    const other = (inferred as typeof declared).element;
    if (!declared.element || !other) return { type: other ? inferred : declared, conflict: false };
    const inner = merge(declared.element, other);
    return { type: { kind: declared.kind, element: inner.type }, conflict: inner.conflict };
  }
  const other = inferred as typeof declared;
  if (declared.dtype !== other.dtype) return clash;
  if (!other.shape || !declared.shape) return { type: other.shape ? other : declared, conflict: false };
  if (other.shape.length !== declared.shape.length) return clash;
  const dims = other.shape.map((d, i) => {
    const said = declared.shape![i]!;
    return d === null || (typeof d === 'string' && typeof said === 'number') ? said : d;
  });
  const conflict = other.shape.some((d, i) => {
    const said = declared.shape![i]!;
    return typeof d === 'number' && typeof said === 'number' && d !== said;
  });
  return { type: { ...other, shape: dims }, conflict };
}

function isSameType(a: ValueType | null, b: ValueType | null): boolean {
  if (!a || !b || a.kind !== b.kind) return a === b;
  if (a.kind === 'map') return true;
  if (a.kind === 'sequence' || a.kind === 'optional') return isSameType(a.element, (b as typeof a).element);
  const other = b as typeof a;
  if (a.dtype !== other.dtype || !a.shape || !other.shape)
    return a.dtype === other.dtype && a.shape === other.shape;
  return (
    a.shape.length === other.shape.length &&
    a.shape.every((d, i) => d === other.shape![i] || isSame(d, other.shape![i]!))
  );
}

/** Sizes of a type under bindings for its symbols; null when something stays unknown. */
export function boundShape(
  type: ValueType | null,
  bindings: Readonly<Record<string, number>>,
): number[] | null {
  if (type?.kind !== 'tensor' || !type.shape) return null;
  const dims = type.shape.map((d) => evaluate(d, bindings));
  return dims.every((d) => d !== null) ? dims : null;
}
