/** Zeros and training together: rounds of pruning, and zeros that outlast any training after them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import { sparsityOfRound } from '../../../src/compress/prune/unstructured.ts';
import { findWeightLayers, sparsityOf } from '../../../src/compress/prune/unstructured-layers.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { trainingSettingsSchema } from '../../../src/compute/train/settings.ts';
import type { StepContext } from '../../../src/jobs/model-steps.ts';
import { sparsifyStep } from '../../../src/jobs/steps/sparsify-step.ts';
import { trainStep } from '../../../src/jobs/steps/train-step.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { float32Values } from '../../../src/model/ir/tensor.ts';
import { pictures, student } from '../../compute/train/run.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const settings = trainingSettingsSchema.parse({ epochs: 4, batch: 8, learningRate: 0.01 });

function contextOf(original: Model): StepContext {
  const source = pictures();
  const training = Array.from({ length: source.length }, (_, i) => i);
  return {
    engine,
    original,
    prepared: { source, calibration: [], training: [], held: { source, indices: [] } },
    training,
    events: {},
  };
}

const sparsified = (options: Record<string, unknown>, sparsity: number, target: 'wasm' | 'node') => ({
  kind: 'sparsify' as const,
  sparsity,
  recipe: parseRecipe({
    edgepress: 1,
    name: 'sparse',
    target,
    stages: [{ name: 'sparsify', passes: [{ pass: 'prune-weights', options: { ...options, sparsity } }] }],
  }),
});

const zerosOf = (model: Model) =>
  findWeightLayers(model).map(({ value }) => [...float32Values(value.constant!)].map((w) => w === 0));

describe('zeros in rounds', () => {
  it('take most at first and reach the share in the last round', () => {
    const shares = [1, 2, 3, 4].map((round) => sparsityOfRound(0.8, round, 4));
    const steps = shares.map((s, i) => s - (shares[i - 1] ?? 0));
    expect(shares[3]).toBe(0.8);
    expect([...steps].sort((a, b) => b - a)).toEqual(steps);
  });

  it('stay zero while the rest is trained, between the rounds and after them', async () => {
    const dense = student();
    const context = contextOf(dense);
    const step = sparsifyStep({
      ...sparsified({ minElements: 1 }, 0.6, 'wasm'),
      rounds: 2,
      settings,
      maxDrop: null,
    });
    const sparse = await step.apply(dense, context);
    expect(sparsityOf(findWeightLayers(sparse.model))).toBeCloseTo(0.6, 2);
    expect(sparse.training).toHaveLength(1);
    expect(sparse.summary).toMatch(/^60 % of the weights are zero · fewer bytes to transfer, no speed/);
    // The model given is left as it was.
    expect(sparsityOf(findWeightLayers(dense))).toBe(0);

    const tuned = await trainStep({ name: 'finetune', settings, gpu: false }, null).apply(
      sparse.model,
      context,
    );
    expect(zerosOf(tuned.model)).toEqual(zerosOf(sparse.model));
    const weights = (m: Model) => findWeightLayers(m).map((l) => [...float32Values(l.value.constant!)]);
    expect(weights(tuned.model)).not.toEqual(weights(sparse.model));
  });

  it('happen at once without settings for training, from data where the score wants it', async () => {
    const dense = student();
    const step = sparsifyStep({
      ...sparsified({ score: 'sparsegpt', minElements: 1 }, 0.5, 'node'),
      rounds: 3,
      settings: null,
      maxDrop: null,
    });
    const { model, training } = await step.apply(dense, contextOf(dense));
    expect(training).toEqual([]);
    expect(sparsityOf(findWeightLayers(model))).toBeCloseTo(0.5, 1);
  });
});
