/** Public names, and what is left once everything is written. */
import { addOutput, discardInitializer, removeNode } from '../../ir/edit.ts';
import { type Graph, isGraphInput, isGraphOutput, type Value } from '../../ir/model.ts';
import { releaseName, takeName } from '../../ir/names.ts';
import type { Dim } from '../../ir/type.ts';
import type { Emitter } from './emitter.ts';

/** The size of an input's axis: a number, or where it is open (negative) a name for it. */
export const openSize = (input: string, size: number, axis: number): Dim =>
  size >= 0 ? size : axis === 0 ? 'batch' : `${input.replace(/\W+/g, '_')}_${axis}`;

/** The value becomes an output under a name that is taken already; where it is public under another name, a copy of it. An output that
 *  is called like an input is that input where it has its value, and keeps another name where it hasn't. */
export function addNamedOutput(e: Emitter, name: string, value: Value): void {
  const namesake = e.graph.inputs.find((input) => input.name === name);
  const isNamesake = namesake !== undefined && copied(value) === namesake;
  const free = value.producer && !isGraphOutput(value) && !isGraphInput(e.graph, value);
  const output = isNamesake ? namesake : free ? value : e.emit('Identity', [value]);
  if (!namesake) {
    releaseName(e.graph.names, output.name);
    output.name = name;
    takeName(e.graph.names, name);
  }
  addOutput(e.graph, output);
}

/** What a chain of Identity hands on. */
function copied(value: Value): Value {
  let source = value;
  while (source.producer?.opType === 'Identity' && source.producer.inputs[0])
    source = source.producer.inputs[0];
  return source;
}

/** What was written on the way and nobody reads: transposes that were joined, constants that were moved. */
export function dropUnread(graph: Graph): void {
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.every((v) => !v || v.uses.length === 0)) removeNode(node);
  for (const value of [...graph.initializers]) if (value.uses.length === 0) discardInitializer(graph, value);
}
