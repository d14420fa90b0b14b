import { describe, expect, it } from 'vitest';
import { createNetwork, sink, source } from '../../../src/model/layout/min-cut.ts';
import { createRandom } from '../../../src/support/random.ts';

interface Arc {
  readonly from: number;
  readonly to: number;
  readonly capacity: number;
}

/** Cost of the cut that has these vertices beside the source. */
const costOf = (arcs: readonly Arc[], isSource: (vertex: number) => boolean) =>
  arcs.reduce((sum, { from, to, capacity }) => sum + (isSource(from) && !isSource(to) ? capacity : 0), 0);

/** Smallest over all divisions of the vertices. */
function smallest(arcs: readonly Arc[], inner: number): number {
  const divisions = Array.from(
    { length: 2 ** inner },
    (_, bits) => (vertex: number) =>
      vertex === source || (vertex !== sink && ((bits >> (vertex - 2)) & 1) === 1),
  );
  return Math.min(...divisions.map((isSource) => costOf(arcs, isSource)));
}

describe('the smallest cut', () => {
  it('costs as little as any division of the vertices, and is the one that it says', () => {
    const random = createRandom(4);
    for (let run = 0; run < 60; run++) {
      const inner = 1 + random.integer(6);
      const arcs = Array.from({ length: 4 * inner }, () => ({
        from: random.integer(inner + 2),
        to: random.integer(inner + 2),
        capacity: random.integer(9),
      })).filter(({ from, to }) => from !== to);
      const network = createNetwork();
      for (let i = 0; i < inner; i++) network.addVertex();
      for (const { from, to, capacity } of arcs) network.addArc(from, to, capacity);
      const cost = network.solve();
      expect(cost).toBe(smallest(arcs, inner));
      expect(costOf(arcs, network.isSourceSide)).toBe(cost);
    }
  });

  it('leaves vertices with the sink where it makes no difference', () => {
    const network = createNetwork();
    const [a, b] = [network.addVertex(), network.addVertex()];
    network.addArc(source, a, 3);
    network.addArc(a, b, 3);
    network.addArc(b, sink, 3);
    expect([network.solve(), network.isSourceSide(a), network.isSourceSide(b)]).toEqual([3, false, false]);
  });
});
