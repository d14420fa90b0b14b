/** What is asked for and what is done, as a table: steps before the recipe, its stages, the result's name. */
import { describe, expect, it } from 'vitest';
import { checkCompress, checkDistill, checkFinetune } from '../../src/compress/check-request.ts';
import { planCompression, planDistillation, planFinetuning } from '../../src/compress/plan.ts';
import { type PlanFacts, planFacts } from '../../src/compress/plan-facts.ts';
import type { CompressRequestInit } from '../../src/compress/request.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';

const classifier: PlanFacts = { name: 'net.onnx', isTrainable: true, mayScore: true };
const planOf = async (asked: CompressRequestInit, facts: Partial<PlanFacts> = {}) =>
  planCompression(checkCompress(asked), { ...classifier, ...facts });

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
  [{ int8: true, data }, [], 'int8-static', [...before, 'quantise', 'repair', ...after], '.int8'],
  [
    { int8: true, perTensor: true, data },
    [],
    'int8-per-tensor',
    [...before, 'equalise', 'quantise', 'repair', ...after],
    '.int8',
  ],
  [{ int8: 'dynamic', data }, [], 'int8-dynamic', [...before, 'quantise', ...after], '.int8'],
  [{ int8: 'weights' }, [], 'int8-weights', [...before, 'quantise', ...after], '.int8'],
  [
    { int8: true, data, output: 'web/a.json' },
    [],
    'int8-weights',
    [...before, 'quantise', ...after],
    '.int8',
  ],
  [{ int8: true, data, format: 'tfjs' }, [], 'int8-weights', [...before, 'quantise', ...after], '.int8'],
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
    [...before, 'quantise', 'repair', ...after, 'pack'],
    '.pruned.trained.int8',
  ],
];

describe('a request to compress', () => {
  it.each(plans)('%j', async (asked, steps, name, stages, ending) => {
    const plan = await planOf(asked);
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

  it.each([
    [{ output: 'm.tflite' }, 'litert'],
    [{ format: 'tflite' }, 'litert'],
    [{ output: 'm.tflite', target: 'mobile' }, 'mobile'],
    [{}, 'wasm'],
  ] as const)('%j is for %s', async (asked, target) => {
    expect((await planOf({ int8: true, data, ...asked })).recipe.target).toBe(target);
  });

  it('is for LiteRT where the result stays a .tflite file', async () => {
    const plan = await planOf({ int8: true, data }, { format: 'tflite' });
    expect(plan.recipe.target).toBe('litert');
    expect(plan.request.format).toBe('tflite');
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
    const { recipe } = await planOf({ ...asked, calibrate: 20, seed: 3, target: 'node' });
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
    const { steps } = await planOf({
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
    const plan = await planOf({ recipe });
    expect(plan).toMatchObject({ steps: [], ending: '.mine', recipe: { name: 'mine', target: 'node' } });
  });
});

const samples: [CompressRequestInit, calibration: number, evaluation: number][] = [
  [{ int8: true, data }, 100, 200],
  [{ int8: true, data, calibrate: 20, evaluate: 50 }, 20, 50],
  [{ int8: true, data, testData: 'test/' }, 100, Number.POSITIVE_INFINITY],
  [{ int8: true, data, compare: false }, 100, 0],
  [{ int8: true, data, compare: false, evaluate: 50 }, 100, 50],
  // Nothing finds ranges: all that isn't compared on is left for other things.
  [{ data }, 0, 200],
  [{ int8: 'weights', data }, 0, 200],
];

describe('samples', () => {
  it.each(samples)('%j', async (asked, calibration, evaluation) => {
    expect((await planOf(asked)).data?.split).toMatchObject({ calibration, evaluation });
  });

  it('are left to learn from where something does, unless it was said how many compare', async () => {
    const split = async (asked: CompressRequestInit) => (await planOf(asked)).data?.split;
    const learns = async (asked: CompressRequestInit) => (await split(asked))?.learns;
    const halfAtMost = async (asked: CompressRequestInit) => (await split(asked))?.halfAtMost;
    expect(await learns({ prune: 30, data })).toBe(true);
    expect(await learns({ int8: true, qat: true, data })).toBe(true);
    expect(await learns({ prune: 30, data, evaluate: 100 })).toBe(true);
    expect(await halfAtMost({ prune: 30, data })).toBe(true);
    expect(await halfAtMost({ prune: 30, data, evaluate: 100 })).toBe(false);
    expect(await learns({ int8: true, data })).toBe(false);
  });

  it('are none where there is no data, and pruning takes what there is to choose by', async () => {
    const plan = await planOf({ prune: 50 });
    expect([plan.data, plan.steps[0]]).toMatchObject([null, { importance: null, reconstruct: true }]);
    const guided = await planOf({ prune: 50, data });
    expect(guided.steps[0]).toMatchObject({ importance: null, reconstruct: true });
  });

  it('let zeros come in rounds only where there is a share to come near to', async () => {
    const trained = { distill: true, data, rounds: 3 };
    expect((await planOf({ ...trained, sparsity: 50 })).steps[0]).toMatchObject({ rounds: 3 });
    const { steps } = await planOf({ ...trained, prune: 50, nm: '2:4' });
    expect(steps).toMatchObject([{ rounds: 3 }, { kind: 'sparsify', rounds: 1 }, { kind: 'train' }]);
  });
});

const unserved: [CompressRequestInit, Partial<PlanFacts>, string | null][] = [
  [{ distill: true, data }, { isTrainable: false }, 'NOTHING_TO_TRAIN'],
  [{ int8: true, data, qat: true }, { isTrainable: false }, 'NOTHING_TO_TRAIN'],
  [{ int8: true, data }, { isTrainable: false }, null],
  [{ int8: true, data, maxDrop: 1 }, { mayScore: false }, 'BUDGET_NOT_MEASURED'],
  [{ int8: true, data }, { mayScore: false }, null],
  [{ q4: true, format: 'tfjs' }, {}, 'CONFLICTING_OPTION'],
  [{ cluster: 16, format: 'tflite' }, {}, 'CONFLICTING_OPTION'],
  [{ sparsity: 0.5, format: 'tfjs' }, {}, 'CONFLICTING_OPTION'],
  [{ nm: '2:4', format: 'tflite' }, {}, 'CONFLICTING_OPTION'],
  [{ int8: true, data, weightBits: 4, output: 'm.tflite' }, {}, 'CONFLICTING_OPTION'],
  [{ int8: true, data, target: 'wasm', format: 'tflite' }, {}, 'CONFLICTING_OPTION'],
  [{ int8: true, data, target: 'node', output: 'm.tflite' }, {}, 'CONFLICTING_OPTION'],
  [{ distill: true, data, temperature: 2 }, { mayScore: false }, 'OPTION_WITHOUT_EFFECT'],
  [{ finetune: true, data, smoothing: 0.1 }, { mayScore: false }, 'OPTION_WITHOUT_EFFECT'],
  [{ int8: true, data, qat: true, smoothing: 0.1 }, { mayScore: false }, 'OPTION_WITHOUT_EFFECT'],
  [{ int8: true, data, qat: true, smoothing: 0.1 }, {}, null],
];

it.each(unserved)('%j of a model with %j: %s', async (asked, facts, code) => {
  const planned = planOf(asked, facts);
  if (code === null) await expect(planned).resolves.toMatchObject({ recipe: { name: 'int8-static' } });
  else await expect(planned).rejects.toMatchObject({ code });
});

const factsOf = (output: string, body: string, weights = '') =>
  planFacts(
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
      g (float[N,2] x) => (${output}) ${weights} { ${body} }`),
    'net.onnx',
  );

it.each([
  ['class scores', 'float[N,2] y', true],
  ['one number', 'float[N,1] y', false],
  ['one number that is called a score', 'float[N,1] score', true],
  ['an output of unknown shape', 'float[] y', true],
  ['a scalar', 'float y', false],
  ['indices', 'int64[N,2] y', false],
])('%s: whether a model may score classes is %s', (_, output, mayScore) => {
  expect(factsOf(output, `${output.split(' ').at(-1)} = Identity(x)`).mayScore).toBe(mayScore);
});

it.each([
  ['an initializer', 'y = Add(x, w)', '<float[2] w = {1, 2}>', true],
  ['an attribute of a Constant', 'w = Constant<value_floats = [1.0, 2.0]>() y = Add(x, w)', '', true],
  ['integers only', 'y = Reshape(x, w)', '<int64[2] w = {-1, 2}>', false],
])('%s: what there is to train', (_, body, weights, isTrainable) => {
  expect(factsOf('float[N,2] y', body, weights).isTrainable).toBe(isTrainable);
});

describe('training by itself', () => {
  it('makes the student first, and leaves the result in float unless int8 is asked for', async () => {
    const plan = await planDistillation(checkDistill({ width: 0.5, data }), classifier);
    expect(plan.steps).toMatchObject([
      { kind: 'student', width: 0.5 },
      { kind: 'train', name: 'distil', settings: { epochs: 20, learningRate: 1e-3 } },
    ]);
    expect([plan.recipe.stages, plan.ending]).toEqual([[], '.distilled']);
    const tuned = await planFinetuning(checkFinetune({ data, int8: true }), classifier);
    expect(tuned.steps).toMatchObject([{ name: 'finetune', settings: { epochs: 5, learningRate: 1e-4 } }]);
    expect([tuned.recipe.name, tuned.ending]).toEqual(['int8-static', '.finetuned.int8']);
    const forTfjs = await planFinetuning(checkFinetune({ data, int8: true, format: 'tfjs' }), classifier);
    expect(forTfjs.recipe.name).toBe('int8-weights');
  });

  it('is refused when the student would be the teacher', () =>
    expect(() => checkDistill({ data })).toThrow(expect.objectContaining({ code: 'STUDENT_MISSING' })));
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
    expect(() => checkCompress(asked)).toThrow(expect.objectContaining({ code: 'OPTION_WITHOUT_EFFECT' })),
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
  expect(() => checkCompress(asked)).toThrow(expect.objectContaining({ code, kind: 'user' })),
);
