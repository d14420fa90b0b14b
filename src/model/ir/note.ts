/** Notes: what a format or a pass leaves on a model, graph, node or value for those that come later, each with its type.
 *  What a note holds is never changed in place, so that copies can share it. Who carries notes along:
 *  - a copy of a model or a graph carries all of them (clone.ts);
 *  - a node that goes on as the same operation under another form does too (opset upgrades, recomputing): `copyNotes`;
 *  - a value that a rewrite puts in the place of another one takes over those that it doesn't have: `inheritNotes`;
 *  - a pass that puts several nodes in the place of one says itself which of them goes on as the layer.
 *  A note that refers to nodes or values lives within one pass: a copy would refer to the original's. */

/** Notes by their definition. */
export type Notes = Map<object, unknown>;

interface Holder {
  notes: Notes;
}

export interface Note<H extends Holder, T> {
  get(holder: H): T | undefined;
  has(holder: H): boolean;
  set(holder: H, content: T): void;
  delete(holder: H): void;
}

/** A kind of note for holders of one kind. Each call makes another kind; the name is for debugging. */
export function defineNote<H extends Holder, T>(name: string): Note<H, T> {
  const key = { name };
  return {
    get: (holder) => holder.notes.get(key) as T | undefined,
    has: (holder) => holder.notes.has(key),
    set: (holder, content) => void holder.notes.set(key, content),
    delete: (holder) => void holder.notes.delete(key),
  };
}

/** All notes of `from`, instead of those that `to` had. */
export function copyNotes(from: Holder, to: Holder): void {
  to.notes = new Map(from.notes);
}

/** Those notes of `from` that `to` doesn't have. */
export function inheritNotes(from: Holder, to: Holder): void {
  to.notes = new Map([...from.notes, ...to.notes]);
}
