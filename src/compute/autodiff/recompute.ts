/** Trades arithmetic for memory (Chen et al. 2016): the forward pass is cut into segments; on the way back a segment is
 *  computed again from the values at its border instead of being kept. */

import { addNode, createValue, setInput, sortNodes } from '../../model/ir/edit.ts';
import { type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { copyNotes } from '../../model/ir/note.ts';
import type { Emitter } from './emitter.ts';

/** Rewires the backward nodes of a differentiated graph to values computed again. The last segment stays: its values are
 *  needed at once. @param loss  the value that divides forward from backward @param segments  2 or more
 *  @returns how many nodes are computed twice */
export function recomputeForward(e: Emitter, loss: Value, segments: number): number {
  const nodes = [...e.graph.nodes];
  const end = nodes.findIndex((n) => n.outputs.includes(loss)) + 1;
  const forward = nodes.slice(0, end);
  const backward = nodes.slice(end);
  const readers = new Set(backward);
  let again = 0;
  for (const segment of cut(forward, segments).slice(0, -1))
    again += recomputeSegment(e, segment, backward, readers);
  if (again > 0) sortNodes(e.graph);
  return again;
}

/** Stretches of about equal activation bytes. */
function cut(nodes: readonly Node[], segments: number): Node[][] {
  const size = (n: Node) => n.outputs.reduce((sum, v) => sum + elements(v), 0);
  const share = nodes.reduce((sum, n) => sum + size(n), 0) / segments;
  const parts: Node[][] = [[]];
  let filled = 0;
  for (const node of nodes) {
    if (filled >= share * parts.length && parts.length < segments) parts.push([]);
    parts[parts.length - 1]?.push(node);
    filled += size(node);
  }
  return parts;
}

const elements = (v: Value | null) =>
  (shapeOf(v) ?? []).reduce<number>((a, d) => a * (typeof d === 'number' ? d : 1), v ? 1 : 0);

function recomputeSegment(
  e: Emitter,
  segment: readonly Node[],
  backward: readonly Node[],
  readers: ReadonlySet<Node>,
): number {
  const inside = new Set(segment);
  const at = backward.findIndex((n) => n.inputs.some((v) => v?.producer && inside.has(v.producer)));
  const first = backward[at];
  // A loop over time first prepares its factors from forward values alone: then what was made just before will do.
  const arriving =
    first?.inputs.find((v) => v?.producer && readers.has(v.producer)) ??
    backward
      .slice(0, Math.max(0, at))
      .flatMap((n) => n.outputs)
      .findLast((v) => v?.type?.kind === 'tensor' && v.type.dtype === 'float32');
  if (!first || !arriving) return 0;
  // A zero that depends on the gradient reaching the segment: without it the runtime would merge both computations, or
  // do the second one early and keep it.
  const one = e.op('Slice', [
    e.reshape(arriving, [elements(arriving)]),
    e.ints([0]),
    e.ints([1]),
    e.ints([0]),
  ]);
  const zero = e.op('Mul', [e.reshape(one, []), 0]);
  const copies = new Map<Value, Value>();
  let count = 0;
  const copyOf = (v: Value): Value => {
    const known = copies.get(v);
    if (known) return known;
    const node = v.producer;
    if (!node || !inside.has(node)) {
      const float = v.type?.kind === 'tensor' && v.type.dtype === 'float32';
      const held = float && node ? e.op('Add', [v, zero]) : v;
      copies.set(v, held);
      return held;
    }
    const again = addNode(e.graph, {
      opType: node.opType,
      domain: node.domain,
      inputs: node.inputs.map((x) => x && copyOf(x)),
      outputs: node.outputs.map((o) => o && createValue(e.model.names, `${o.name}.again`, o.type)),
      attributes: node.attributes,
    });
    node.outputs.forEach((o, i) => {
      const made = again.outputs[i];
      if (o && made) copies.set(o, made);
    });
    copyNotes(node, again);
    count++;
    return copies.get(v) as Value;
  };
  for (const node of backward)
    node.inputs.forEach((v, i) => {
      if (v?.producer && inside.has(v.producer)) setInput(node, i, copyOf(v));
    });
  return count;
}
