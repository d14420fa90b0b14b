/** What is asked for and what is done, as a table: steps before the recipe, its stages, the result's name. */
import { describe, expect, it } from 'vitest';
import { planCompression, planDistillation, planFinetuning } from '../../src/compress/plan.ts';
import type { CompressRequestInit } from '../../src/compress/request.ts';

const data = 'photos/';
const before = ['clean up'];
const after = ['tidy'];

const plans: [
  asked: CompressRequestInit,
  steps: string[],
  recipe: string,
  stages: string[],
  ending: string,
][] = [
  [{}, [], 'clean', before, '.clean'],
  [{ int8: true }, [], 'int8-dynamic', [...before, 'quantise', ...after], '.int8'],
  [{ int8: true, data }, [], 'int8-static', [...before, 'quantise', ...after], '.int8'],
  [{ int8: 'dynamic', data }, [], 'int8-dynamic', [...before, 'quantise', ...after], '.int8'],
  [{ int8: 'weights' }, [], 'int8-weights', [...before, 'quantise', ...after], '.int8'],
  [{ fp16: true }, [], 'float16', [...before, 'convert', ...after], '.fp16'],
  [{ q4: true }, [], 'q4', [...before, 'quantise', ...after], '.q4'],
  [{ q4: true, fp16: true }, [], 'q4f16', [...before, 'quantise', 'convert', ...after], '.q4f16'],
  [{ cluster: 16 }, [], 'clustered', [...before, 'cluster'], '.clustered'],
  [{ prune: 50 }, ['prune'], 'clean', before, '.pruned'],
  [{ lowRank: 0.5 }, ['factorise'], 'clean', before, '.pruned'],
  [{ sparsity: 70 }, ['sparsify'], 'clean', [...before, 'pack'], '.pruned'],
  [{ nm: '2:4' }, ['sparsify'], 'clean', [...before, 'pack'], '.pruned'],
  [{ finetune: true, data }, ['train'], 'clean', before, '.trained'],
  [
    { macs: 0.5, sparsity: 50, lowRank: 0.7, distill: true, int8: true, data },
    ['prune', 'factorise', 'sparsify', 'train'],
    'int8-static',
    [...before, 'quantise', ...after, 'pack'],
    '.pruned.trained.int8',
  ],
];

describe('a request to compress', () => {
  it.each(plans)('%j', async (asked, steps, name, stages, ending) => {
    const plan = await planCompression(asked);
    const stageNames = plan.recipe.stages
      .map((s) => s.name)
      .filter((s) => !['prepare', 'decompose'].includes(s));
    expect({
      steps: plan.steps.map((s) => s.kind),
      name: plan.recipe.name,
      stages: stageNames,
      ending: plan.ending,
    }).toEqual({ steps, name, stages, ending });
  });

  it('writes what it says about a pass into the options of that pass', async () => {
    const asked: CompressRequestInit = {
      int8: 'static',
      data,
      ranges: 'minmax',
      weightBits: 4,
      perTensor: true,
      exclude: ['Gemm'],
    };
    const { recipe } = await planCompression({ ...asked, calibrate: 20, seed: 3, target: 'node' });
    const options = Object.fromEntries(
      recipe.stages.flatMap((s) => s.passes).map((p) => [p.pass, p.options]),
    );
    expect(options['quantize-static']).toMatchObject({
      ...{ ranges: 'minmax', weightBits: 4, perChannel: false },
      exclude: ['Gemm'],
    });
    // The first version of the operator set that has int4.
    expect(options['upgrade-opset']).toMatchObject({ target: 21 });
    expect(recipe).toMatchObject({ target: 'node', calibration: { samples: 20, seed: 3 } });
  });

  it('trains between the rounds of pruning with the settings of the training after it', async () => {
    const { steps } = await planCompression({
      prune: 50,
      rounds: 3,
      distill: true,
      epochs: 4,
      maxDrop: 1,
      data,
    });
    expect(steps[0]).toMatchObject({ kind: 'prune', rounds: 3, maxDrop: 1, settings: { epochs: 4 } });
    expect(steps[1]).toMatchObject({ kind: 'train', name: 'distil', settings: { epochs: 4 } });
  });

  it('takes a recipe as it is, with its own target', async () => {
    const recipe = {
      edgepress: 1,
      name: 'mine',
      target: 'node',
      stages: [{ name: 'a', passes: [{ pass: 'fold-constants' }] }],
    } as const;
    const plan = await planCompression({ recipe });
    expect(plan).toMatchObject({ steps: [], ending: '.mine', recipe: { name: 'mine', target: 'node' } });
  });
});

describe('training by itself', () => {
  it('makes the student first, and leaves the result in float unless int8 is asked for', async () => {
    const plan = await planDistillation({ width: 0.5, data });
    expect(plan.steps).toMatchObject([
      { kind: 'student', width: 0.5 },
      { kind: 'train', name: 'distil', settings: { epochs: 20, learningRate: 1e-3 } },
    ]);
    expect([plan.recipe.stages, plan.ending]).toEqual([[], '.distilled']);
    const tuned = await planFinetuning({ data, int8: true });
    expect(tuned.steps).toMatchObject([{ name: 'finetune', settings: { epochs: 5, learningRate: 1e-4 } }]);
    expect([tuned.recipe.name, tuned.ending]).toEqual(['int8-static', '.finetuned.int8']);
  });

  it('is refused when the student would be the teacher', () =>
    expect(planDistillation({ data })).rejects.toMatchObject({ code: 'STUDENT_MISSING' }));
});

const idle: CompressRequestInit[] = [
  { labels: 'l.csv' },
  { preprocess: 'tf' },
  { skipBad: true },
  { evaluate: 10 },
  { testData: 'test/' },
  { int8: true, data: 'synthetic', testData: 'test/' },
  { int8: true, data, testLabels: 'l.csv' },
  { int8: true, maxDrop: 1 },
  { int8: true, data, maxDrop: 1, compare: false },
  { int8: true, data, maxDrop: 1, evaluate: 0 },
  { include: ['Conv'] },
  { exclude: ['Conv'] },
  { perTensor: true },
  { int8: 'weights', symmetric: true },
  { int8: true, ranges: 'minmax' },
  { int8: true, everywhere: true },
  { fp16: true, weightBits: 4 },
  { int8: true, qat: true },
  { int8: true, data, epochs: 3 },
  { int8: true, data, labelWeight: 0.5 },
  { int8: true, data, freeze: ['conv*'] },
  { int8: true, data, importance: 'l1' },
  { int8: true, data, reconstruct: false },
  { prune: 50, rounds: 2 },
  { data, distill: true, rounds: 2 },
];

describe('an option that would change nothing', () => {
  it.each(idle)('is refused: %j', (asked) =>
    expect(planCompression(asked)).rejects.toMatchObject({ code: 'OPTION_WITHOUT_EFFECT' }),
  );
});

const refused: [CompressRequestInit, string][] = [
  [{ int8: 'static' }, 'CALIBRATION_REQUIRED'],
  [{ distill: true }, 'TRAINING_NEEDS_DATA'],
  [{ int8: true, fp16: true }, 'CONFLICTING_OPTION'],
  [{ sparsity: 50, nm: '2:4' }, 'CONFLICTING_OPTION'],
  [{ int9: true } as CompressRequestInit, 'UNKNOWN_OPTION'],
  [{ int8: 'dynamc' } as unknown as CompressRequestInit, 'INVALID_ARGUMENT'],
  [{ nm: '4:2' }, 'INVALID_ARGUMENT'],
  [{ prune: 120 }, 'INVALID_ARGUMENT'],
];

it.each(refused)('%j is refused with %s', (asked, code) =>
  expect(planCompression(asked)).rejects.toMatchObject({ code, kind: 'user' }),
);
