/** Names of subgraphs' values as files have them. */
import { allReads } from '../../ir/edit.ts';
import type { Graph, Value } from '../../ir/model.ts';
import { valueNotes } from './notes.ts';

/** A subgraph may call a value as one around it is called, which is part of its contract with operators such as BeamSearch.
 *  In memory names are unique; in the file the value has its own again where nothing inside reads the one that it hides. */
export function withHidingNames(
  graph: Graph,
  outer: ReadonlyMap<Value, string> = new Map(),
): ReadonlyMap<Value, string> {
  const inner = graph.nodes.flatMap((n) => n.outputs.filter((v) => v !== null));
  const local = new Set([...graph.inputs, ...graph.initializers, ...inner]);
  const hiding = [...local].filter((v) => valueNotes.get(v)?.hiding !== undefined);
  if (hiding.length === 0) return outer;
  const used = new Set([...local, ...graph.nodes.flatMap(allReads), ...graph.outputs]);
  const taken = new Set(Array.from(used, (v) => outer.get(v) ?? v.name));
  const names = new Map(outer);
  for (const v of hiding) {
    const name = valueNotes.get(v)!.hiding!;
    if (!taken.has(name)) names.set(v, name);
    taken.add(name);
  }
  return names;
}
