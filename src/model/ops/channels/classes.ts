/** Elements that go together, as classes (union–find). A class can be pinned, with a reason, and be of a kind. */

export interface Classes<Kind> {
  /** Adds so many elements, each in a class of its own. @returns the id of the first; the others follow */
  add(count: number): number;
  /** The class of an element: the id of one of its members. */
  find(id: number): number;
  /** Makes two classes one, with the pin and the kind of the first, or of the second where it has none. */
  join(a: number, b: number): void;
  /** The first reason counts. */
  pin(id: number, reason: string): void;
  pinOf(id: number): string | null;
  setKind(id: number, kind: Kind): void;
  kindOf(id: number): Kind | null;
}

export function createClasses<Kind>(): Classes<Kind> {
  const parent: number[] = [];
  const pins = new Map<number, string>();
  const kinds = new Map<number, Kind>();
  const find = (id: number): number => {
    let root = id;
    while (parent[root] !== root) root = parent[root]!;
    for (let at = id; at !== root; ) [at, parent[at]] = [parent[at]!, root];
    return root;
  };
  return {
    add(count) {
      const first = parent.length;
      for (let k = 0; k < count; k++) parent.push(first + k);
      return first;
    },
    find,
    join(a, b) {
      const [x, y] = [find(a), find(b)];
      if (x === y) return;
      parent[y] = x;
      inherit(pins, x, y);
      inherit(kinds, x, y);
    },
    pin(id, reason) {
      const root = find(id);
      if (!pins.has(root)) pins.set(root, reason);
    },
    pinOf: (id) => pins.get(find(id)) ?? null,
    setKind: (id, kind) => void kinds.set(find(id), kind),
    kindOf: (id) => kinds.get(find(id)) ?? null,
  };
}

function inherit<T>(labels: Map<number, T>, heir: number, from: number): void {
  const label = labels.get(heir) ?? labels.get(from);
  if (label !== undefined) labels.set(heir, label);
}
