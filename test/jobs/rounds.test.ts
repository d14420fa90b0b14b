/** Compressing in rounds stops where the accuracy that may be lost is used up. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findWeightLayers } from '../../src/compress/prune/unstructured-layers.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { trainingSettingsSchema } from '../../src/compute/train/settings.ts';
import { isBeyond } from '../../src/jobs/accuracy-budget.ts';
import type { StepContext } from '../../src/jobs/model-steps.ts';
import { inRounds, type RoundsOptions } from '../../src/jobs/steps/rounds.ts';
import { trainStep } from '../../src/jobs/steps/train-step.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../src/model/ir/clone.ts';
import { setConstant } from '../../src/model/ir/edit.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { pictures, student } from '../compute/train/run.ts';

let context: StepContext;
beforeAll(async () => {
  const engine: Engine = await openEngine();
  const source = pictures(200);
  const training = Array.from({ length: source.length }, (_, i) => i);
  const prepared = { source, calibration: [], training: [], held: { source, indices: [] } };
  context = { engine, original: student(), prepared, training, events: {} };
  const settings = trainingSettingsSchema.parse({ epochs: 6, batch: 8, learningRate: 0.01 });
  const trained = await trainStep({ name: 'finetune', settings, gpu: false }, null).apply(student(), context);
  context = { ...context, original: trained.model };
});

/** Rates so small that training mends nothing. */
const settings = trainingSettingsSchema.parse({ epochs: 2, batch: 8, learningRate: 1e-12 });
const options: RoundsOptions = { name: 'spoil', rounds: 3, settings, maxDrop: 5 };

/** Says the same of every picture. */
function spoilt(model: Model): Model {
  const copy = cloneModel(model);
  for (const { value } of findWeightLayers(copy).slice(-1)) {
    const { dims } = value.constant!;
    setConstant(value, tensorOf('float32', dims, Array(dims.reduce((a, b) => a * b, 1)).fill(0)));
  }
  return copy;
}

/** Leaves the model as it is up to a round. */
const spoilIn =
  (bad: number, seen: number[] = []) =>
  async (before: { model: Model; round: number } | null, round: number) => {
    seen.push(round);
    const model = before?.model ?? context.original;
    return { model: round < bad ? cloneModel(model) : spoilt(model), round };
  };

describe('rounds with a budget', () => {
  it('keep the last one within it, and none follows', async () => {
    const seen: number[] = [];
    const { kept, stopped, training } = await inRounds(options, context, spoilIn(2, seen));
    expect(kept.round).toBe(1);
    expect(seen).toEqual([1, 2]);
    expect(stopped).toBe('ended early: round 2 of 3 lost 50.00 points of accuracy, where 5 may go');
    expect(training.map((t) => t.name)).toEqual(['spoil, round 1', 'spoil, round 2']);
  });

  it('are all kept where none loses too much, and each is trained after', async () => {
    const { kept, stopped, training } = await inRounds(options, context, spoilIn(4));
    expect([kept.round, stopped, training.length]).toEqual([3, null, 3]);
  });

  it('are refused when not even the first is within it', async () => {
    await expect(inRounds(options, context, spoilIn(1))).rejects.toMatchObject({ code: 'ACCURACY_BUDGET' });
  });
});

describe('rounds of a model without classes', () => {
  const values = Array.from({ length: 64 * 128 }, (_, i) => ((i * 37) % 101) / 101 - 0.5).join();
  const embedder = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,1,8,8] image) => (float[N,128] embedding) <float[64,128] w = {${values}}> {
      f = Flatten (image)
      embedding = MatMul (f, w)
    }`);
  const embedding = () => {
    const { label: _, ...source } = { ...context.prepared!.source, labelled: false };
    const outputs = [{ name: 'embedding', role: 'embedding' as const }];
    const task = { name: 'embedding', by: 'outputs', evidence: '', outputs } as const;
    return {
      ...context,
      task: { ...task, outputs },
      original: embedder,
      prepared: { ...context.prepared!, source },
    };
  };

  it('are judged by what their task is measured by', async () => {
    const compress = async (_: { model: Model; round: number } | null, round: number) => ({
      model: round < 2 ? cloneModel(embedder) : spoilt(embedder),
      round,
    });
    const { kept, stopped } = await inRounds(options, embedding(), compress);
    expect(kept.round).toBe(1);
    expect(stopped).toContain('cosine');
  });
});

describe('rounds without a budget', () => {
  it('are all kept, with training between them', async () => {
    const { kept, stopped, training } = await inRounds({ ...options, maxDrop: null }, context, spoilIn(2));
    expect([kept.round, stopped, training.length]).toEqual([3, null, 2]);
  });
});

it('a drop of just what is allowed is allowed', () => {
  expect(isBeyond(1, 0.987, 0.977)).toBe(false);
  expect(isBeyond(1, 0.987, 0.976)).toBe(true);
});
