import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  filledBy,
  filledByLeastOpset,
  fillingFields,
  fillOptions,
  selectionOptions,
} from '../../../src/compress/pipeline/option-fields.ts';
import { definePass, type Pass } from '../../../src/compress/pipeline/pass.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';

const make = (name: string, options: Pass['options'], rest: Partial<Pass> = {}): Pass =>
  definePass({
    name,
    summary: '',
    effect: 'lossy',
    options,
    apply: () => ({ changed: 0, skipped: [] }),
    ...rest,
  });

const narrow = make(
  'narrow',
  z.strictObject({
    bits: filledBy(z.number().default(8), 'weightBits'),
    perChannel: filledBy(z.boolean().default(true), 'perTensor', (whole) => !whole),
    own: z.number().default(1),
    ...selectionOptions,
  }),
  { needs: (o) => ({ opset: (o as { bits: number }).bits < 8 ? 21 : 13 }) },
);
const upgrade = make(
  'upgrade',
  z.strictObject({
    to: filledByLeastOpset(z.number().default(17), (least) => (least > 17 ? least : undefined)),
  }),
);
const passes = new Map([narrow, upgrade].map((pass) => [pass.name, pass]));

const recipe = parseRecipe({
  edgepress: 1,
  name: 'test',
  stages: [
    { name: 'all', passes: [{ pass: 'upgrade' }, { pass: 'narrow', options: { own: 2, perChannel: true } }] },
  ],
});
const optionsWith = (fields: Record<string, unknown>) =>
  fillOptions(recipe, passes, fields).stages[0]!.passes.map((p) => p.options);

describe('options of passes', () => {
  it('are filled from the fields that the pass names, over what the recipe says', () => {
    const fields = { perTensor: true, exclude: ['head'], unknownToAll: 1 };
    expect(optionsWith(fields)[1]).toEqual({ own: 2, perChannel: false, exclude: ['head'] });
  });

  it('stay as they are where the request says nothing', () => {
    expect(optionsWith({ weightBits: undefined })).toEqual([{}, { own: 2, perChannel: true }]);
  });

  it('can follow from what the other passes of the recipe need', () => {
    expect(optionsWith({ weightBits: 4 })).toEqual([{ to: 21 }, { own: 2, perChannel: true, bits: 4 }]);
  });

  it('are told with the fields that fill them', () => {
    expect(fillingFields(narrow)).toMatchObject({ bits: 'weightBits', exclude: 'exclude' });
  });
});
