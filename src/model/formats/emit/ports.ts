/** Public names, and what is left once everything is written. */
import { addOutput, discardInitializer, removeNode } from '../../ir/edit.ts';
import { type Graph, isGraphInput, isGraphOutput, type Value } from '../../ir/model.ts';
import { releaseName, takeName } from '../../ir/names.ts';
import type { Dim } from '../../ir/type.ts';
import type { Emitter } from './emitter.ts';

/** The size of an input's axis: a number, or where it is open (negative) a name for it. */
export const openSize = (input: string, size: number, axis: number): Dim =>
  size >= 0 ? size : axis === 0 ? 'batch' : `${input.replace(/\W+/g, '_')}_${axis}`;

/** The value becomes an output under a name that is taken already; where it is public under another name, a copy of it. */
export function addNamedOutput(e: Emitter, name: string, value: Value): void {
  const free = value.producer && !isGraphOutput(value) && !isGraphInput(e.graph, value);
  const output = free ? value : e.emit('Identity', [value]);
  releaseName(e.graph.names, output.name);
  output.name = name;
  takeName(e.graph.names, name);
  addOutput(e.graph, output);
}

/** What was written on the way and nobody reads: transposes that were joined, constants that were moved. */
export function dropUnread(graph: Graph): void {
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.every((v) => !v || v.uses.length === 0)) removeNode(node);
  for (const value of [...graph.initializers]) if (value.uses.length === 0) discardInitializer(graph, value);
}
