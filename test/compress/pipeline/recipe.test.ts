import { describe, expect, it } from 'vitest';
import { preset, presetNames } from '../../../passes/presets/index.ts';
import { loadPasses } from '../../../src/compress/compress.ts';
import type { Pass } from '../../../src/compress/pipeline/pass.ts';
import {
  completeRecipe,
  dividedAt,
  parseRecipe,
  passOptions,
  resolveRecipe,
  withPassOptions,
} from '../../../src/compress/pipeline/recipe.ts';

const passes = await loadPasses();

const known = passes as ReadonlyMap<string, Pass>;
const minimal = (extra: object = {}) => ({
  edgepress: 1,
  name: 'mine',
  stages: [{ name: 'only', passes: [{ pass: 'quantize-weights' }] }],
  ...extra,
});
const step = (pass: string, options: object = {}) =>
  parseRecipe(minimal({ stages: [{ name: 's', passes: [{ pass, options }] }] }));
const failure = (code: string, ...parts: string[]) =>
  expect.objectContaining({
    code,
    ...(parts[0] ? { message: expect.stringContaining(parts[0]) } : {}),
  });

describe('a recipe', () => {
  it('gets what it leaves out', () => {
    const recipe = parseRecipe(minimal());
    expect(recipe.target).toBe('wasm');
    expect(recipe.calibration).toEqual({ samples: 100, mseSamples: 16, seed: 0 });
    expect(recipe.stages[0]!.passes[0]).toEqual({ pass: 'quantize-weights', options: {} });
  });

  it.each([
    ['no object', 'int8', 'mine.json'],
    ['another format', minimal({ edgepress: 2 }), '"edgepress"'],
    ['an unknown target', minimal({ target: 'wams' }), '"target"'],
    ['no stages', minimal({ stages: [] }), '"stages"'],
    ['a stage without passes', minimal({ stages: [{ name: 'x', passes: [] }] }), '"stages.0.passes"'],
    ['no calibration samples', minimal({ calibration: { samples: 0 } }), '"calibration.samples"'],
  ])('with %s is refused, naming the place', (_, json, place) => {
    expect(() => parseRecipe(json, 'mine.json')).toThrow(failure('RECIPE_INVALID', place));
  });

  it.each([
    ['at the top', minimal({ stagse: [] }), '"stagse"', '"stages"'],
    ['in the calibration', minimal({ calibration: { smaples: 5 } }), '"calibration.smaples"', '"samples"'],
    [
      'in a step',
      minimal({ stages: [{ name: 'x', passes: [{ pass: 'quantize-weights', option: {} }] }] }),
      '"stages.0.passes.0.option"',
      '"options"',
    ],
  ])('with a misspelt field %s is told what was meant', (_, json, field, meant) => {
    expect(() => parseRecipe(json)).toThrow(failure('RECIPE_INVALID', field));
    expect(() => parseRecipe(json)).toThrow(failure('RECIPE_INVALID', meant));
  });

  it('with an unknown pass is told the nearest', () => {
    expect(() => resolveRecipe(step('quantise-static'), known)).toThrow(
      expect.objectContaining({
        code: 'PASS_UNKNOWN',
        hint: expect.stringContaining('"quantize-static"'),
      }),
    );
  });

  it('with a misspelt option is told the nearest, and without one near all of them', () => {
    const misspelt = step('quantize-weights', { perChanel: true });
    expect(() => resolveRecipe(misspelt, known)).toThrow(failure('RECIPE_INVALID', '"perChannel"'));
    const strange = step('quantize-weights', { zzzzzzzz: true });
    expect(() => resolveRecipe(strange, known)).toThrow(failure('RECIPE_INVALID', 'minElements'));
  });

  it('with an option of the wrong kind is told which', () => {
    const wrong = step('quantize-weights', { minElements: 'many' });
    expect(() => resolveRecipe(wrong, known)).toThrow(failure('RECIPE_INVALID', '"minElements"'));
  });

  it.each(presetNames)('%s of the presets is valid, and stays as it is when written out', (name) => {
    const complete = completeRecipe(preset(name), known);
    const again = parseRecipe(JSON.parse(JSON.stringify(complete)));
    expect(completeRecipe(again, known)).toEqual(complete);
  });
});

describe('parts of a recipe', () => {
  const recipe = parseRecipe(
    minimal({
      stages: [
        { name: 'first', passes: [{ pass: 'fold-constants' }] },
        {
          name: 'second',
          passes: [{ pass: 'fold-constants' }, { pass: 'quantize-weights', options: { exclude: ['a'] } }],
        },
      ],
    }),
  );

  it('are told apart by the stage that has a pass first', () => {
    const { before, rest } = dividedAt(recipe, 'quantize-weights')!;
    expect([before!.stages, rest.stages]).toEqual([recipe.stages.slice(0, 1), recipe.stages.slice(1)]);
    expect(dividedAt(recipe, 'fold-constants')).toEqual({ before: null, rest: recipe });
    expect(dividedAt(recipe, 'quantize-static')).toBeNull();
  });

  it('have the options of their passes looked up, and changed wherever the pass stands', () => {
    expect(passOptions(recipe, 'quantize-weights')).toEqual({ exclude: ['a'] });
    expect(passOptions(recipe, 'quantize-static')).toBeNull();
    const changed = withPassOptions(recipe, ['quantize-weights'], ({ exclude }) => ({
      exclude: [...(exclude as string[]), 'b'],
      include: ['c'],
    }));
    expect(passOptions(changed, 'quantize-weights')).toEqual({ exclude: ['a', 'b'], include: ['c'] });
    expect(changed.stages[0]).toEqual(recipe.stages[0]);
    expect(passOptions(recipe, 'quantize-weights')).toEqual({ exclude: ['a'] });
  });
});
