/** Passes that prepare a model for what the next stage loses. */
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definePass, type Pass } from '../../../src/compress/pipeline/pass.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../../src/compress/pipeline/run.ts';
import type { MeasureNearness } from '../../../src/compute/calibrate/nearness.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { setAttribute } from '../../../src/model/ir/edit.ts';
import { alphaOf, network } from './bent-network.ts';

const bends = z.strictObject({ factor: z.number().default(1), any: z.boolean().default(true) });

/** Sets alpha to what the model was prepared for, 0.1 where it wasn't, times a factor; the nearest of two factors where it may choose. */
const bend = definePass<z.infer<typeof bends>>({
  name: 'bend',
  summary: '',
  effect: 'lossy',
  options: bends,
  ways: (o): Record<string, z.infer<typeof bends>> =>
    o.any ? { whole: { ...o, factor: 1 }, more: { ...o, factor: 1.25 } } : { given: o },
  apply(model, { factor }) {
    const alpha = Number(model.metadata.get('prepared') ?? 0.1) * factor;
    setAttribute(model.graph.nodes[0]!, 'alpha', { type: 'float', value: alpha });
    return { changed: 1, skipped: [] };
  },
});

const tuning = z.strictObject({ tried: z.boolean().default(true) });

const tune = (...alphas: number[]): Pass =>
  definePass<z.infer<typeof tuning>>({
    name: 'tune',
    summary: '',
    effect: 'exact',
    options: z.looseObject({ ...tuning.shape }),
    prepares: ({ tried }) => tried,
    ways: (o) => Object.fromEntries(alphas.map((alpha) => [`for ${alpha}`, { ...o, alpha }])),
    apply(model, o) {
      const { alpha } = o as { alpha?: number };
      if (alpha === undefined || model.metadata.has('prepared')) return { changed: 0, skipped: [] };
      model.metadata.set('prepared', `${alpha}`);
      return { changed: 1, skipped: [] };
    },
  }) as Pass;

/** 50 dB where alpha is right, 8 less for each tenth beside it. */
const nearness: MeasureNearness = async (model, reference) => ({
  sqnrDb: 50 - 80 * Math.abs(alphaOf(model) - alphaOf(reference)),
  samples: 7,
});

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

async function run(pass: Pass, options: { given?: object; measured?: boolean } = {}) {
  const recipe = parseRecipe({
    ...{ edgepress: 1, name: 'test' },
    stages: [
      { name: 'one', passes: [{ pass: 'tune', options: options.given ?? {} }] },
      { name: 'two', passes: [{ pass: 'bend' }] },
    ],
  });
  const told: string[] = [];
  const passes = new Map<string, Pass>([
    ['tune', pass],
    ['bend', bend as Pass],
  ]);
  const result = await runRecipe(network(), recipe, {
    ...{ passes, engine },
    nearness: options.measured === false ? undefined : nearness,
    onStage: ({ name }) => told.push(`begin ${name}`),
    onStageDone: ({ name }, model) => told.push(`end ${name}`, alphaOf(model).toFixed(3)),
    onPassDone: (model, { pass: name, exact }) =>
      told.push(`${name} ${exact ? 'exact' : 'lossy'} ${alphaOf(model).toFixed(3)}`),
  });
  return { ...result, told };
}

describe('a pass that prepares the next stage', () => {
  it('is kept in the way after which outputs are nearest, and the next stage is run once more for each', async () => {
    const { model, clean, journal, told } = await run(tune(0.2, 0.38, 0.3));
    // Not prepared, 0.1·1.25 was the nearest: that is settled, and 0.38·1.25 is nearer than the others.
    expect(alphaOf(model)).toBeCloseTo(0.475, 6);
    expect(clean.metadata.get('prepared')).toBe('0.38');
    const [one, two] = journal.stages;
    expect(one!.passes).toMatchObject([{ name: 'tune', changed: 1 }]);
    const [trial] = one!.trials;
    expect(trial).toMatchObject({ pass: 'tune', taken: 'for 0.38', samples: 7 });
    expect(trial!.candidates.map((c) => [c.name, Math.round(c.sqnrDb!)])).toEqual([
      ['without', 20],
      ['for 0.2', 30],
      ['for 0.38', 48],
      ['for 0.3', 40],
    ]);
    expect(two!.trials).toMatchObject([{ pass: 'bend', taken: 'more' }]);
    expect(journal.stages).toHaveLength(2);
    expect(told).toEqual([
      ...['begin one', 'tune exact 0.500', 'bend lossy 0.475', 'end one', '0.475'],
      ...['begin two', 'end two', '0.475'],
    ]);
  });

  it('is taken back where outputs are no nearer, with the reason', async () => {
    const { model, journal } = await run(tune(0.01));
    expect(alphaOf(model)).toBeCloseTo(0.125, 6);
    expect(model.metadata.has('prepared')).toBe(false);
    expect(journal.stages[0]!.trials).toMatchObject([{ taken: 'without' }]);
    expect(journal.skips).toEqual([{ pass: 'tune', at: 'tune', reason: 'outputs-get-no-nearer' }]);
  });

  it('is left where it can’t be tried, and applied where nobody wants it tried', async () => {
    const untried = await run(tune(0.4), { measured: false });
    expect(alphaOf(untried.model)).toBeCloseTo(0.1, 6);
    expect(untried.journal.skips).toEqual([{ pass: 'tune', at: 'tune', reason: 'nothing-to-try-it-on' }]);
    for (const measured of [true, false]) {
      const { model, journal } = await run(tune(0.4), { given: { tried: false }, measured });
      expect(alphaOf(model)).toBeCloseTo(measured ? 0.5 : 0.4, 6);
      expect(journal.stages[0]!.trials).toEqual([]);
    }
  });

  it('costs nothing where it finds nothing to do', async () => {
    const { journal, told } = await run(tune());
    expect(journal.stages[0]!.trials).toEqual([]);
    expect(told.filter((t) => t.startsWith('bend'))).toHaveLength(1);
  });
});
