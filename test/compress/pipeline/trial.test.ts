import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definePass, type Pass } from '../../../src/compress/pipeline/pass.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../../src/compress/pipeline/run.ts';
import type { MeasureNearness } from '../../../src/compute/calibrate/nearness.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { floatAttribute } from '../../../src/model/ir/attribute.ts';
import { setAttribute } from '../../../src/model/ir/edit.ts';
import { alphaOf, network } from './bent-network.ts';

const options = z.strictObject({ alpha: z.number().default(0.1), any: z.boolean().default(true) });

/** A lossy pass that sets alpha; one of three ways where it may choose. */
const bend = definePass<z.infer<typeof options>>({
  name: 'bend',
  summary: '',
  effect: 'lossy',
  options,
  ways: (o) =>
    o.any
      ? Object.fromEntries([0.1, 0.4, 0.3].map((alpha) => [`to ${alpha}`, { ...o, alpha }]))
      : { given: o },
  apply(model, { alpha }) {
    setAttribute(model.graph.nodes[0]!, 'alpha', { type: 'float', value: alpha });
    return { changed: 1, skipped: [] };
  },
});

const mend = (by: number): Pass =>
  definePass({
    name: 'mend',
    summary: '',
    effect: 'lossy',
    repairs: true,
    options: z.strictObject({}),
    apply(model) {
      const node = model.graph.nodes[0]!;
      setAttribute(node, 'alpha', { type: 'float', value: floatAttribute(node, 'alpha', 0) + by });
      return { changed: 1, skipped: [] };
    },
  });

/** Decibels in a model of them: 10 where alpha is half a unit off, 50 where it is right. */
const nearness: MeasureNearness = async (model, reference) => ({
  sqnrDb: 50 - 80 * Math.abs(alphaOf(model) - alphaOf(reference)),
  samples: 7,
});

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

function run(passes: readonly Pass[], given: object = {}, measured = true) {
  const recipe = parseRecipe({
    edgepress: 1,
    name: 'test',
    stages: [
      {
        name: 'one',
        passes: passes.map(({ name }) => ({ pass: name, options: name === 'bend' ? given : {} })),
      },
    ],
  });
  const known = new Map(passes.map((p) => [p.name, p]));
  return runRecipe(network(), recipe, { passes: known, engine, nearness: measured ? nearness : undefined });
}

describe('a pass that may work in several ways', () => {
  it('takes the one that keeps outputs nearest, and says what was tried', async () => {
    const { model, journal } = await run([bend as Pass]);
    expect(alphaOf(model)).toBeCloseTo(0.4, 6);
    const [trial] = journal.stages[0]!.trials;
    expect(trial).toMatchObject({ pass: 'bend', taken: 'to 0.4', samples: 7 });
    expect(trial!.candidates.map((c) => [c.name, Math.round(c.sqnrDb!)])).toEqual([
      ['to 0.1', 18],
      ['to 0.4', 42],
      ['to 0.3', 34],
    ]);
  });

  it('takes the usual one where nothing can be tried, and the one that was asked for', async () => {
    const untried = await run([bend as Pass], {}, false);
    expect(alphaOf(untried.model)).toBeCloseTo(0.1, 6);
    expect(untried.journal.stages[0]!.trials).toEqual([]);
    const asked = await run([bend as Pass], { any: false, alpha: 0.2 });
    expect(alphaOf(asked.model)).toBeCloseTo(0.2, 6);
    expect(asked.journal.stages[0]!.trials).toEqual([]);
  });
});

describe('a repair', () => {
  it('stays where outputs get nearer', async () => {
    const { model, journal } = await run([bend as Pass, mend(0.05)]);
    expect(alphaOf(model)).toBeCloseTo(0.45, 6);
    expect(journal.stages[0]!.trials[1]).toMatchObject({ pass: 'mend', taken: 'repaired' });
  });

  it('is taken back where they do not, with the reason', async () => {
    const { model, journal } = await run([bend as Pass, mend(0.5)]);
    expect(alphaOf(model)).toBeCloseTo(0.4, 6);
    expect(journal.stages[0]!.trials[1]).toMatchObject({ pass: 'mend', taken: 'without' });
    expect(journal.skips).toEqual([{ pass: 'mend', at: 'mend', reason: 'outputs-get-no-nearer' }]);
  });

  it('is not made where it can not be tried', async () => {
    const { model, journal } = await run([bend as Pass, mend(0.05)], {}, false);
    expect(alphaOf(model)).toBeCloseTo(0.1, 6);
    expect(journal.skips).toEqual([{ pass: 'mend', at: 'mend', reason: 'nothing-to-try-it-on' }]);
  });
});
