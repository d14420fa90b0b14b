/** Keeps one of several nodes that compute the same: same op, same attributes, same inputs.
 *  Constants count as the same when they are the same value; deduplicate-initializers makes them so.
 *  Left alone: random ops, ops with subgraphs, and a node whose output and its twin's are both graph outputs. */
import { z } from 'zod';
import { counted, definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import type { Attribute } from '../src/model/ir/attribute.ts';
import { subgraphs } from '../src/model/ir/attribute.ts';
import { canReplaceAllUses, removeNode, replaceAllUses } from '../src/model/ir/edit.ts';
import { type Graph, type Node, opKey, type Value } from '../src/model/ir/model.ts';
import { graphsOf } from '../src/model/ir/walk.ts';
import { labelOf } from '../src/model/rewrite/apply.ts';
import { isDeterministic } from '../src/model/rewrite/determinism.ts';

export const eliminateCommonSubexpressions = definePass({
  name: 'eliminate-common-subexpressions',
  summary: 'Keeps one of several nodes that compute the same',
  effect: 'exact',
  describe: counted('repeated node removed', 'repeated nodes removed'),
  prominence: 36,
  options: z.strictObject({}),
  apply(model) {
    const skipped: Skip[] = [];
    let changed = 0;
    for (const graph of [...graphsOf(model)]) changed += mergeTwins(graph, skipped);
    return { changed, skipped };
  },
});

function mergeTwins(graph: Graph, skipped: Skip[]): number {
  const seen = new Map<string, Node>();
  const identity = createIdentity();
  let changed = 0;
  for (const node of [...graph.nodes]) {
    if (!isDeterministic(node) || subgraphs(node).length > 0) continue;
    const key = keyOf(node, identity);
    const first = seen.get(key);
    if (!first) seen.set(key, node);
    else if (node.outputs.some((v, i) => v && !canReplaceAllUses(v, first.outputs[i]!)))
      skipped.push({ at: labelOf(node), reason: 'graph-output' });
    else {
      node.outputs.forEach((v, i) => {
        if (v) replaceAllUses(v, first.outputs[i]!);
      });
      removeNode(node);
      changed++;
    }
  }
  return changed;
}

/** A number for each object met, so that inputs and tensors can stand in a text key. */
function createIdentity(): (x: object | null) => number {
  const numbers = new Map<object | null, number>();
  return (x) => {
    const known = numbers.get(x);
    if (known !== undefined) return known;
    numbers.set(x, numbers.size);
    return numbers.size - 1;
  };
}

function keyOf(node: Node, identity: (x: object | null) => number): string {
  const attributes = [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    opKey(node),
    node.overload,
    node.inputs.map((v: Value | null) => identity(v)),
    node.outputs.map((v) => v !== null),
    attributes.map(([name, a]) => [name, attributeKey(a, identity)]),
  ]);
}

function attributeKey(a: Attribute, identity: (x: object | null) => number): unknown {
  switch (a.type) {
    case 'float':
    case 'floats':
      return [a.type, [a.value].flat().map((v) => (Object.is(v, -0) ? '-0' : String(v)))];
    case 'int':
    case 'ints':
      return [a.type, [a.value].flat().map(String)];
    case 'string':
      return [a.type, [...a.value]];
    case 'strings':
      return [a.type, a.value.map((s) => [...s])];
    case 'reference':
      return [a.type, a.name];
    default:
      return [a.type, identity(a.value)];
  }
}
