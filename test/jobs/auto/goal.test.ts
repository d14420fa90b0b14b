/** Which of what was tried is the best, and which may not be chosen. */
import { describe, expect, it } from 'vitest';
import { type Evidence, frontOf, obstacle, ranked } from '../../../src/jobs/auto/goal.ts';
import { goal } from './open-goal.ts';

interface Numbers {
  readonly measure?: string;
  readonly value?: number;
  /** null: no labels tell. */
  readonly original?: number | null;
  readonly agreement?: number;
  readonly lost?: number | null;
  readonly share?: number;
  readonly visit?: number;
}

const made = (
  name: string,
  sizeBytes: number,
  {
    lost = 0,
    share,
    visit,
    measure = 'top-1 accuracy',
    value = 0.9,
    original = 0.9,
    agreement,
  }: Numbers = {},
): Evidence => ({
  name,
  visitBytes: visit ?? null,
  latency:
    share === undefined
      ? null
      : { device: 'wasm', medianMs: 10 * share, interval: [9, 11], originalMs: 10, share, on: 'here' },
  metrics: {
    sizeBytes,
    brotliBytes: sizeBytes,
    originalBytes: 100,
    quality: {
      name: measure,
      value,
      original,
      unit: 'fraction',
      higherIsBetter: true,
      interval: null,
    },
    pointsLost: lost,
    agreement: agreement ?? null,
    sqnrDb: null,
    on: 'held-back',
    samples: 100,
    verdict: { level: 'good', headline: 'as it is' },
  },
});

const names = (list: Iterable<Evidence>) => [...list].map(({ name }) => name);

describe('what may be chosen', () => {
  it('loses less than the budget, with something in reserve', () => {
    expect(obstacle(made('a', 10, { lost: 0.6 }), goal)).toBeNull();
    expect(obstacle(made('b', 10, { lost: 0.9 }), goal)).toContain('too near');
    expect(obstacle(made('c', 10, { lost: 1.5 }), goal)).toBe('loses 1.5 points');
    expect(obstacle({ ...made('d', 10), metrics: null }, goal)).not.toBeNull();
  });

  it('loses a point at most of what labels tell where nobody said how many, and gives no other answers by luck', () => {
    const open = { ...goal, maxDrop: null };
    expect(obstacle(made('a', 10, { lost: 0.6 }), open)).toBeNull();
    expect(obstacle(made('b', 10, { lost: 1.5 }), open)).toBe('loses 1.5 points');
    expect(obstacle(made('c', 10, { lost: 0, agreement: 0.85 }), open)).toContain('luck');
  });

  it('is called good where nobody said how many points, and no labels tell', () => {
    const open = { ...goal, maxDrop: null };
    const cosine = (value: number) =>
      made('a', 10, { lost: 100 * (1 - value), original: null, value, measure: 'cosine' });
    expect(obstacle(cosine(0.995), open)).toBeNull();
    expect(obstacle(cosine(0.98), open)).toContain('cosine');
    expect(obstacle(cosine(0.98), { ...goal, maxDrop: 5 })).toBeNull();
  });

  it('is as small and as fast as was asked for, and no slower than the original where only size was', () => {
    expect(obstacle(made('a', 30), { ...goal, maxSizeBytes: 25 })).toContain('above');
    expect(obstacle(made('b', 10, { share: 1.3 }), goal)).toContain('130 %');
    expect(obstacle(made('c', 10, { share: 1.02 }), goal)).toBeNull();
    expect(obstacle(made('d', 10, { share: 1.3 }), { ...goal, maxLatencyMs: 20 })).toBeNull();
    expect(obstacle(made('e', 10, { share: 0.9 }), { ...goal, maxLatencyShare: 0.8 })).toContain(
      'above 80 %',
    );
  });
});

describe('the order', () => {
  it('is by what is minimised; of what is as small, the faster comes first', () => {
    const tried = [
      made('large', 50, { share: 0.2 }),
      made('small and slow', 20, { share: 1 }),
      made('as small, fast', 20.8, { share: 0.5 }),
      made('lossy', 5, { lost: 3 }),
    ];
    expect(names(ranked(tried, goal))).toEqual(['as small, fast', 'small and slow', 'large']);
    expect(names(ranked(tried, { ...goal, minimise: 'latency' }))[0]).toBe('large');
  });

  it('leaves out what was not timed where times decide, and counts the runtime of a first visit', () => {
    const tried = [made('timed', 20, { share: 0.5, visit: 300 }), made('not timed', 10, { visit: 400 })];
    expect(names(ranked(tried, { ...goal, minimise: 'latency' }))).toEqual(['timed']);
    expect(names(ranked(tried, { ...goal, minimise: 'first-visit' }))).toEqual(['timed', 'not timed']);
  });

  it('has a front of what nothing beats in size, loss and time', () => {
    const tried = [
      made('small', 10, { lost: 2, share: 0.9 }),
      made('exact', 100, { lost: 0, share: 1 }),
      made('beaten', 40, { lost: 2, share: 0.95 }),
      made('fast', 50, { lost: 1, share: 0.3 }),
    ];
    expect(names(frontOf(tried))).toEqual(['small', 'exact', 'fast']);
  });
});
