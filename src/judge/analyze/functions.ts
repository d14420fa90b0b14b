/** What a model's own functions are: who calls them, and what they hold. */

import { constantNodeTensor } from '../../model/ir/constant-node.ts';
import { expandedNodes, functionLabel, functionTable } from '../../model/ir/functions.ts';
import type { Graph, Model, ModelFunction, Node } from '../../model/ir/model.ts';
import { sizeBytes } from '../../model/ir/tensor.ts';
import { withSubgraphs } from '../../model/ir/walk.ts';
import { constantBehind } from '../../model/ops/constant-behind.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { formatBytes } from '../../support/units.ts';

export interface FunctionFacts {
  readonly name: string;
  /** Places that call it, in the graph and in other functions. */
  readonly calls: number;
  /** Of its body, subgraphs included. */
  readonly nodes: number;
  /** Bytes of the constants that its body holds. */
  readonly heldBytes: number;
  /** Bytes of the constants that calls give it. */
  readonly givenBytes: number;
}

/** One row a function, those with the largest weights first. */
export function functionFacts(model: Model): FunctionFacts[] {
  const callers = callsByFunction(model);
  const rows = model.functions.map((f) => {
    const calls = callers.get(f) ?? [];
    const given = calls.flatMap((n) => n.inputs.map((v) => constantBehind(v)?.tensor));
    return {
      name: functionLabel(f),
      calls: calls.length,
      nodes: nodesIn(f.graph).length,
      heldBytes: heldBytes(f.graph),
      givenBytes: [...new Set(given)].reduce((sum, t) => sum + (t ? sizeBytes(t) : 0), 0),
    };
  });
  return rows.sort((a, b) => b.heldBytes + b.givenBytes - a.heldBytes - a.givenBytes);
}

const nodesIn = (graph: Graph): Node[] => [...withSubgraphs(graph)].flatMap((g) => g.nodes);

function callsByFunction(model: Model): Map<ModelFunction, Node[]> {
  const table = functionTable(model.functions);
  const found = new Map<ModelFunction, Node[]>();
  for (const graph of [model.graph, ...model.functions.map((f) => f.graph)])
    for (const node of nodesIn(graph)) {
      const called = table(node);
      if (called) found.set(called, [...(found.get(called) ?? []), node]);
    }
  return found;
}

function heldBytes(graph: Graph): number {
  const tensors = [...withSubgraphs(graph)].flatMap((g) => [
    ...[...g.initializers].map((v) => v.constant),
    ...g.nodes.map(constantNodeTensor),
  ]);
  return tensors.reduce((sum, t) => sum + (t ? sizeBytes(t) : 0), 0);
}

/** More rows than this are summed up. */
const shown = 8;

/** The functions as lines for the terminal; none where the model has none. */
export function functionLines(model: Model): string[] {
  const facts = functionFacts(model);
  const more = facts.length > shown ? [`and ${facts.length - shown} more`] : [];
  return [...facts.slice(0, shown).map(lineOf), ...more, ...obstacles(model)];
}

function lineOf(f: FunctionFacts): string {
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const weights = [
    f.heldBytes > 0 ? `holds ${formatBytes(f.heldBytes)}` : '',
    f.givenBytes > 0 ? `is given ${formatBytes(f.givenBytes)}` : '',
  ].filter((s) => s !== '');
  return [
    `${f.name}  ${count(f.nodes, 'node')}`,
    `called in ${count(f.calls, 'place')}`,
    weights.length > 0 ? weights.join(', ') : 'no weights',
  ].join(' · ');
}

/** Why functions can't be written out, if they can't. */
function obstacles(model: Model): string[] {
  try {
    expandedNodes(model);
    return [];
  } catch (error) {
    if (error instanceof Diagnostic) return [error.message];
    throw error;
  }
}
