/** The order of a search: what is tried, given what came of what was tried before. */
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/jobs/auto/candidates.ts';
import { precisionsFor } from '../../../src/jobs/auto/candidates.ts';
import { type SearchSite, type Space, search, type Tried } from '../../../src/jobs/auto/search.ts';
import type { JobResult } from '../../../src/jobs/sweep/result.ts';
import { goal } from './open-goal.ts';

const precisions = precisionsFor({
  ...{ target: 'wasm', format: 'onnx', hasData: true, minimise: 'size', productShare: 0, sizeBytes: 1e6 },
});

/** A network that loses what `lost` says; its size follows from its recipe. */
function siteOf(lost: (candidate: Candidate) => number, limit = 100) {
  const tried: Candidate[] = [];
  const timed: Candidate[] = [];
  const site: SearchSite = {
    times: true,
    async attempt(candidates) {
      tried.push(...candidates);
      return candidates.map((candidate) => madeOf(candidate, lost(candidate)));
    },
    async time(one) {
      timed.push(one.candidate);
      const { macs = 1 } = one.candidate.recipe as { macs?: number };
      const share = macs;
      return {
        ...one,
        latency: { device: 'wasm', medianMs: share, interval: [share, share], originalMs: 1, share, on: '' },
      };
    },
    hasTimeFor: async (candidates) => tried.length + candidates.length <= limit,
    found() {},
  };
  return { site, tried, timed };
}

function madeOf(candidate: Candidate, pointsLost: number): Tried {
  const { int8, macs = 1 } = candidate.recipe as { int8?: string; macs?: number };
  const sizeBytes = (int8 ? 25 : 100) * macs;
  const quality = {
    name: 'accuracy',
    value: 0.9,
    original: 0.9,
    unit: 'fraction',
    higherIsBetter: true,
    interval: null,
  };
  return {
    ...{ name: candidate.name, candidate, visitBytes: null, latency: null, untimed: null },
    result: { ms: 1 } as JobResult,
    metrics: {
      ...{
        sizeBytes,
        brotliBytes: null,
        originalBytes: 100,
        quality,
        pointsLost,
        agreement: null,
        sqnrDb: null,
      },
      ...{ on: 'held-back', samples: 100, verdict: { level: 'good', headline: '' } },
    },
  };
}

const space: Space = { precisions, prunes: true, trains: true };
const sharesOf = (tried: readonly Candidate[]) =>
  tried.flatMap(({ recipe }) =>
    recipe['macs'] === undefined || recipe['distill'] ? [] : [recipe['macs'] as number],
  );

describe('a search', () => {
  it('finds the narrowest network that holds, to a tenth', async () => {
    const { site } = siteOf(({ recipe }) => (((recipe['macs'] as number | undefined) ?? 1) < 0.52 ? 30 : 0));
    const found = await search({ ...space, trains: false }, goal, site);
    const held = found.filter(({ metrics }) => metrics!.pointsLost === 0);
    const narrowest = Math.min(...sharesOf(held.map(({ candidate }) => candidate)));
    expect(narrowest).toBeGreaterThanOrEqual(0.52);
    expect(narrowest).toBeLessThan(0.62);
  });

  it('prunes on top of the best precision that holds, not of the smallest', async () => {
    const { site, tried } = siteOf(({ recipe }) => (recipe['int8'] === 'static' ? 5 : 0));
    await search(space, goal, site);
    const pruned = tried.filter(({ recipe }) => recipe['macs'] !== undefined);
    expect(pruned.length).toBeGreaterThan(0);
    expect(new Set(pruned.map(({ recipe }) => recipe['int8']))).toEqual(new Set(['weights']));
  });

  it('restores layers where computing in int8 loses too much, and only there', async () => {
    const repairs = (tried: readonly Candidate[]) =>
      tried.filter(({ recipe }) => recipe['maxDrop'] !== undefined);
    const bad = siteOf(({ recipe }) =>
      recipe['int8'] === 'static' && recipe['maxDrop'] === undefined ? 5 : 0,
    );
    await search(space, goal, bad.site);
    expect(repairs(bad.tried).map(({ recipe }) => recipe)).toEqual([{ int8: 'static', maxDrop: 1 }]);
    const fine = siteOf(() => 0);
    await search(space, goal, fine.site);
    expect(repairs(fine.tried)).toEqual([]);
  });

  it('trains what pruning damaged, fewer of them for longer, and nothing that is out of reach', async () => {
    const lost = ({ recipe }: Candidate) => {
      const share = (recipe['macs'] as number | undefined) ?? 1;
      return share > 0.9 ? 0 : share < 0.3 ? 60 : 4;
    };
    const { site, tried } = siteOf(lost);
    await search(space, goal, site);
    const trained = tried.filter(({ recipe }) => recipe['distill']);
    const byEpochs = new Map<unknown, number>();
    for (const { recipe } of trained)
      byEpochs.set(recipe['epochs'], (byEpochs.get(recipe['epochs']) ?? 0) + 1);
    const counts = [...byEpochs.values()];
    expect(counts.length).toBeGreaterThan(2);
    expect([...counts].sort((a, b) => b - a)).toEqual(counts);
    expect(trained.every(({ recipe }) => (recipe['macs'] as number) >= 0.3)).toBe(true);
  });

  it('tries nothing more when there is no time for it', async () => {
    const { site, tried } = siteOf(() => 0, precisions.length);
    const found = await search(space, goal, site);
    expect(tried).toEqual(precisions);
    const left = found.filter(({ result }) => result === null);
    expect(left.length).toBeGreaterThan(0);
    expect(sharesOf(left.map(({ candidate }) => candidate))).toHaveLength(left.length);
  });

  it('times everything that may be chosen', async () => {
    const { site } = siteOf(({ recipe }) => (recipe['macs'] !== undefined ? 9 : 0));
    const found = await search(space, goal, site);
    for (const { metrics, latency } of found) if (metrics!.pointsLost === 0) expect(latency).not.toBeNull();
  });
});
