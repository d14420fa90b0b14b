/** Converts nodes when their values are asked for, each once, those that they read first. A scope is a graph that is being
 *  written: the model's, or the body of a loop or branch, which may read the values of the scopes around it. */
import { tfjsCyclic, tfjsMalformed, tfjsOperatorUnknown } from '../../../../support/diagnostics/tfjs.ts';
import { nearest } from '../../../../support/diagnostics.ts';
import type { Value } from '../../../ir/model.ts';
import type { Tensor } from '../../../ir/tensor.ts';
import type { Emitter } from '../../emit/index.ts';
import type { Operator } from '../operators/operator.ts';
import type { GraphFunction, GraphNode, Source } from './graph-def.ts';
import type { LookupTable } from './tables.ts';

/** What holds for the whole model. */
export interface Program {
  readonly file: string;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly functions: ReadonlyMap<string, GraphFunction>;
  readonly operators: Readonly<Record<string, Operator>>;
  /** Operators in place of those, where an input is complex. */
  readonly complexOperators: Readonly<Record<string, Operator>>;
  readonly isComplex: (value: Value) => boolean;
  readonly structures: Readonly<Record<string, Structure>>;
  /** Hash tables by the node that stands for them. */
  readonly tables: ReadonlyMap<string, LookupTable>;
  /** What is written now and may still be: functions that call one another grow without end. */
  readonly budget: { depth: number; scopes: number };
}

export interface Scope {
  readonly program: Program;
  readonly e: Emitter;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  /** Outputs of the nodes that are converted, by node. */
  readonly values: Map<string, readonly Value[]>;
  /** Nodes that wait for others, or for what their bodies read of this scope. */
  readonly open: Set<string>;
  /** The scope around, which has all nodes that aren't `inside`. */
  readonly outer?: { readonly scope: Scope; readonly inside: ReadonlySet<string> };
}

/** An operator that is more than a function of its inputs: it has branches, bodies, or is part of a loop. */
export interface Structure {
  /** What must be there before it; its inputs, if absent. */
  sources?(scope: Scope, node: GraphNode): readonly Source[];
  convert(scope: Scope, node: GraphNode): readonly Value[];
}

/** Loops and branches that stand in one another, or wait for one another; nobody nests so deep. */
const deepest = 64;
/** Bodies of loops and branches in one model. */
const mostScopes = 10_000;

/** A scope where only `values` are there yet. @throws TFJS_MALFORMED when the model has too many */
export function openScope(
  scope: Omit<Scope, 'open' | 'values'>,
  values: Iterable<readonly [string, readonly Value[]]>,
): Scope {
  const { budget, file } = scope.program;
  if (budget.scopes++ > mostScopes)
    throw tfjsMalformed(file, `its loops and branches have more than ${mostScopes} bodies`);
  return { ...scope, values: new Map(values), open: new Set() };
}

/** An input that a node can't do without. @throws TFJS_MALFORMED */
export function sourceOf({ program }: Scope, node: GraphNode, index: number): Source {
  const source = node.inputs[index];
  if (source) return source;
  const { op, name, inputs } = node;
  throw tfjsMalformed(program.file, `${op} "${name}" has ${inputs.length} inputs, and none at ${index}`);
}

/** The value of a source, converted now unless it was before.
 *  @throws TFJS_CYCLIC, TFJS_OPERATOR_UNKNOWN, TFJS_OPERATOR_FORM, TFJS_MALFORMED */
export function evaluate(scope: Scope, source: Source): Value {
  const home = homeOf(scope, source.node);
  if (!home.values.has(source.node)) convertDeeper(home, source.node);
  const value = home.values.get(source.node)![source.port];
  if (value) return value;
  const node = home.nodes.get(source.node);
  throw tfjsMalformed(
    scope.program.file,
    `output ${source.port} of ${node?.op ?? 'input'} "${source.node}" is read, which has ${home.values.get(source.node)!.length}`,
  );
}

/** The same of what a loop, a branch or a function hands on, which is no place for complex numbers.
 *  @throws what evaluate throws */
export function evaluateReal(scope: Scope, source: Source, node: GraphNode): Value {
  const value = evaluate(scope, source);
  return scope.program.isComplex(value) ? scope.e.at(node.op, node.name).refuse('complex numbers') : value;
}

/** The scope that a node is converted in. */
function homeOf(scope: Scope, node: string): Scope {
  let home = scope;
  while (home.outer && !home.values.has(node) && !home.outer.inside.has(node)) home = home.outer.scope;
  return home;
}

function convertDeeper(scope: Scope, first: string): void {
  const { budget, file } = scope.program;
  if (scope.open.has(first)) throw tfjsCyclic(file, cycleOf([...scope.open], scope.open, first));
  if (budget.depth >= deepest)
    throw tfjsMalformed(file, `more than ${deepest} loops and branches stand in one another at "${first}"`);
  budget.depth++;
  convertNode(scope, first);
  budget.depth--;
}

/** Depth first, without recursion: graphs are thousands of nodes deep. */
function convertNode(scope: Scope, first: string): void {
  const { open } = scope;
  const stack = [first];
  while (stack.length > 0) {
    const name = stack[stack.length - 1]!;
    if (scope.values.has(name)) {
      stack.pop();
      continue;
    }
    const node = scope.nodes.get(name);
    if (!node) throw tfjsMalformed(scope.program.file, `nothing is called "${name}"`);
    const missing = open.has(name) ? [] : missingOf(scope, node);
    if (missing.length === 0) {
      scope.values.set(name, convertOne(scope, node));
      open.delete(name);
      stack.pop();
      continue;
    }
    open.add(name);
    for (const next of missing)
      if (open.has(next)) throw tfjsCyclic(scope.program.file, cycleOf(stack, open, next));
    stack.push(...missing);
  }
}

/** Nodes of this scope that come before; those of other scopes are converted there at once. */
function missingOf(scope: Scope, node: GraphNode): string[] {
  const sources = structureOf(scope, node)?.sources?.(scope, node) ?? node.inputs;
  const missing: string[] = [];
  for (const source of sources) {
    const home = homeOf(scope, source.node);
    if (home !== scope) evaluate(home, source);
    else if (!scope.values.has(source.node)) missing.push(source.node);
  }
  return missing.reverse();
}

const structureOf = (scope: Scope, node: GraphNode): Structure | undefined =>
  Object.hasOwn(scope.program.structures, node.op) ? scope.program.structures[node.op] : undefined;

const cycleOf = (stack: readonly string[], open: ReadonlySet<string>, from: string) => {
  const chain = stack.filter((name) => open.has(name));
  return [...chain.slice(chain.indexOf(from)), from];
};

/** What the node reads and `chosenOutputs` would find; nothing inside a function or a loop, whose values have no such names. */
function earlierThan({ outer, nodes, program }: Scope, node: GraphNode): string[] {
  if (outer || [...program.functions.values()].some((f) => f.nodes === nodes)) return [];
  const names = node.inputs
    .filter((source) => !fixed.has(nodes.get(source.node)?.op ?? 'Const'))
    .map(({ node, port }) => (port === 0 ? node : `${node}:${port}`));
  return [...new Set(names)];
}

/** What is no output of its own: given, or constant. */
const fixed = new Set(['Placeholder', 'PlaceholderWithDefault', 'Const']);

function convertOne(scope: Scope, node: GraphNode): readonly Value[] {
  const { operators, structures } = scope.program;
  const structure = structureOf(scope, node);
  if (structure) return structure.convert(scope, node);
  const inputs = node.inputs.map((source) => evaluate(scope, source));
  const e = scope.e.at(node.op, node.name, earlierThan(scope, node));
  const table = inputs.some(scope.program.isComplex) ? scope.program.complexOperators : operators;
  const operator = Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  if (!operator && table !== operators && Object.hasOwn(operators, node.op)) e.refuse('complex numbers');
  if (!operator)
    throw tfjsOperatorUnknown(
      node.op,
      node.name,
      nearest(node.op, [...Object.keys(operators), ...Object.keys(structures)]),
      earlierThan(scope, node),
    );
  const made = operator({ e, inputs, attributes: node.attributes });
  return 'name' in made ? [made] : made;
}
