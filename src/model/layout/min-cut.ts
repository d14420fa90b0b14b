/** Smallest cut of a flow network, by blocking flows. Source: Dinic 1970; Even 1975. */

export interface Network {
  /** @returns the number of a new vertex */
  addVertex(): number;
  /** An arc that costs `capacity` when it leads from the source's side to the sink's. Both ends may be new or old vertices. */
  addArc(from: number, to: number, capacity: number): void;
  /** Cost of the smallest cut; afterwards `isSourceSide` says how it divides the vertices. With several smallest cuts it is
   *  the one with the fewest vertices beside the source. */
  solve(): number;
  isSourceSide(vertex: number): boolean;
}

/** The two vertices that are there from the start. */
export const source = 0;
export const sink = 1;

interface Arc {
  readonly to: number;
  room: number;
  readonly back: number;
}

export function createNetwork(): Network {
  const arcs: Arc[][] = [[], []];
  let level: Int32Array = new Int32Array(0);
  return {
    addVertex: () => arcs.push([]) - 1,
    addArc(from, to, capacity) {
      if (from === to) return;
      arcs[from]!.push({ to, room: capacity, back: arcs[to]!.length });
      arcs[to]!.push({ to: from, room: 0, back: arcs[from]!.length - 1 });
    },
    solve() {
      let flow = 0;
      for (level = levels(arcs); level[sink]! >= 0; level = levels(arcs)) flow += blockingFlow(arcs, level);
      return flow;
    },
    isSourceSide: (vertex) => level[vertex]! >= 0,
  };
}

/** Distance of every vertex from the source over arcs with room; −1 where none leads. */
function levels(arcs: readonly (readonly Arc[])[]): Int32Array {
  const level = new Int32Array(arcs.length).fill(-1);
  level[source] = 0;
  const queue = [source];
  for (const vertex of queue)
    for (const { to, room } of arcs[vertex]!)
      if (room > 0 && level[to]! < 0) {
        level[to] = level[vertex]! + 1;
        queue.push(to);
      }
  return level;
}

/** Fills paths to the sink, level by level, until each is blocked. */
function blockingFlow(arcs: readonly (readonly Arc[])[], level: Int32Array): number {
  const next = new Int32Array(arcs.length);
  const path: Arc[] = [];
  let flow = 0;
  let at = source;
  for (;;) {
    if (at === sink) {
      const filled = path.reduce((least, a) => Math.min(least, a.room), Number.POSITIVE_INFINITY);
      for (const arc of path) push(arcs, arc, filled);
      flow += filled;
      path.length = 0;
      at = source;
      continue;
    }
    const open = arcs[at]!;
    while (next[at]! < open.length && !leads(open[next[at]!]!, level, at)) next[at]!++;
    const arc = open[next[at]!];
    if (arc) {
      path.push(arc);
      at = arc.to;
    } else if (at === source) return flow;
    else {
      const blocked = path.pop()!;
      at = arcs[blocked.to]![blocked.back]!.to;
      next[at]!++;
    }
  }
}

const leads = (arc: Arc, level: Int32Array, from: number) =>
  arc.room > 0 && level[arc.to] === level[from]! + 1;

function push(arcs: readonly (readonly Arc[])[], arc: Arc, amount: number): void {
  arc.room -= amount;
  arcs[arc.to]![arc.back]!.room += amount;
}
