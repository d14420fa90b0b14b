/** A model's own functions: looking them up, and refusing those that never end. */
import { functionRecursive, functionsTooDeep, functionsTooLarge } from '../../support/diagnostics/graph.ts';
import type { Graph, Model, ModelFunction, Node } from './model.ts';
import { withSubgraphs } from './walk.ts';

/** The function that a node calls, if any. */
export type FunctionTable = (node: Node) => ModelFunction | undefined;

const keyOf = (domain: string, name: string, overload: string) => `${domain}\n${name}\n${overload}`;

export function functionTable(functions: readonly ModelFunction[]): FunctionTable {
  if (functions.length === 0) return () => undefined;
  const table = new Map(functions.map((f) => [keyOf(f.domain, f.name, f.overload), f]));
  return (node) => table.get(keyOf(node.domain, node.opType, node.overload));
}

/** Writing calls out never adds more nodes than this. Large exported networks have some ten thousand. */
export const maxExpandedNodes = 250_000;

/** Nor are calls followed deeper than this. */
const maxDepth = 500;

export const functionLabel = (f: ModelFunction) => (f.domain ? `${f.domain}.${f.name}` : f.name);

/** Refuses functions that can't be followed. Called before anything walks into bodies.
 *  @returns nodes of the main graph with every call written out
 *  @throws FUNCTION_RECURSIVE, FUNCTIONS_TOO_LARGE, FUNCTIONS_TOO_DEEP */
export function expandedNodes(model: Pick<Model, 'graph' | 'functions'>): number {
  const table = functionTable(model.functions);
  const sizes = new Map<ModelFunction, number>();
  const path: ModelFunction[] = [];
  const sizeOf = (f: ModelFunction): number => {
    const known = sizes.get(f);
    if (known !== undefined) return known;
    if (path.includes(f)) throw functionRecursive([...path.slice(path.indexOf(f)), f].map(functionLabel));
    if (path.length >= maxDepth) throw functionsTooDeep(maxDepth);
    path.push(f);
    const size = count(f.graph);
    path.pop();
    sizes.set(f, size);
    return size;
  };
  const count = (graph: Graph): number => {
    let total = 0;
    for (const inner of withSubgraphs(graph))
      for (const node of inner.nodes) {
        const called = table(node);
        total += called ? sizeOf(called) : 1;
      }
    return total;
  };
  const total = count(model.graph);
  const own = [...withSubgraphs(model.graph)].reduce((n, g) => n + g.nodes.length, 0);
  if (total - own > maxExpandedNodes) throw functionsTooLarge(total, maxExpandedNodes);
  return total;
}

/** Functions that the main graph calls, directly or through others. */
export function calledFunctions(model: Pick<Model, 'graph' | 'functions'>): Set<ModelFunction> {
  const table = functionTable(model.functions);
  const called = new Set<ModelFunction>();
  const visit = (graph: Graph): void => {
    for (const inner of withSubgraphs(graph))
      for (const node of inner.nodes) {
        const f = table(node);
        if (!f || called.has(f)) continue;
        called.add(f);
        visit(f.graph);
      }
  };
  visit(model.graph);
  return called;
}
