/** The exact passes on real models: same outputs in onnxruntime-node as the original, on seeded inputs. */
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanUp } from '../../passes/presets/clean-up.ts';
import { loadPasses } from '../../src/compress/compress.ts';
import { parseRecipe } from '../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../src/compress/pipeline/run.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { readModelFile } from '../../src/model/formats/file.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { opKey } from '../../src/model/ir/model.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { verifyModel } from '../../src/model/ir/verify.ts';
import { graphsOf, nodesOf } from '../../src/model/ir/walk.ts';
import { isValidModel } from '../invalid-models.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../run-model.ts';

const passes = await loadPasses();

const zoo = process.env['EDGEPRESS_ZOO'];
const folder = `${zoo}/models`;

/** Needs operators that no runtime here has; cleaning it up is tested without running it. */
const notRunnable = /pre_post_processing/;

const silero = {
  inputs: { input: [1, 576], state: [2, 1, 128], sr: [] },
  tensors: { sr: tensorOf('int64', [], [16000]) },
};

/** Shapes and values that the model needs and its inputs don't say. */
const settings: Record<string, FeedSettings> = {
  'ch_PP-OCRv3_det_infer.onnx': { inputs: { x: [1, 3, 64, 64] } },
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': { inputs: { x: [1, 3, 48, 192] } },
  'silero_vad.onnx': silero,
  'silero_vad_16k_op15.onnx': silero,
  'silero_vad_op18_ifless.onnx': silero,
};

describe.skipIf(!zoo)('the clean-up stage on real models (set EDGEPRESS_ZOO to run)', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  for (const path of zoo ? onnxFiles().filter(isValidModel) : []) {
    const file = path.split('/').at(-1)!;
    it(`${file} computes the same`, async () => {
      const original = readModelFile(path);
      const recipe = parseRecipe({ edgepress: 1, name: 'clean', stages: [cleanUp] });
      const { model, journal } = await runRecipe(original, recipe, { passes, engine });
      verifyModel(model);
      const again = await runRecipe(model, recipe, { passes, engine });
      const unsettled = again.journal.stages[0]!.passes.filter((p) => p.effect === 'exact' && p.changed > 0);
      expect(unsettled, 'passes that still change something on the second run').toEqual([]);
      report(file, original, model, journal);
      if (notRunnable.test(file)) return;
      const feeds = seededFeeds(original, 3, settings[file]);
      const before = await runModel(engine, original, feeds);
      const after = await runModel(engine, model, feeds);
      expect(Object.keys(after)).toEqual(Object.keys(before));
      for (const [name, tensor] of Object.entries(before)) {
        const { difference, magnitude } = largestDifference(tensor, after[name]!);
        // float32 sums of some thousand terms in another order; measured at most 2e-5 of the largest output.
        expect(difference, `output ${name}`).toBeLessThanOrEqual(1e-4 * Math.max(magnitude, 1e-3));
      }
    });
  }

  it.each(['resnet20', 'resnet56'])('%s keeps no BatchNormalization', async (name) => {
    const original = readModelFile(`${folder}/cifar10-resnet/${name}.onnx`);
    const recipe = parseRecipe({ edgepress: 1, name: 'clean', stages: [cleanUp] });
    const { model } = await runRecipe(original, recipe, { passes, engine });
    expect(countOf(original, 'BatchNormalization')).toBe(name === 'resnet20' ? 19 : 55);
    expect(countOf(model, 'BatchNormalization')).toBe(0);
  });
});

function onnxFiles(): string[] {
  const all = readdirSync(folder, { recursive: true }) as string[];
  return all
    .filter((f) => f.endsWith('.onnx'))
    .sort()
    .map((f) => `${folder}/${f}`);
}

const countOf = (model: Model, op: string) => [...nodesOf(model)].filter((n) => opKey(n) === op).length;

function report(
  file: string,
  original: Model,
  model: Model,
  journal: {
    stages: readonly { passes: readonly { name: string; changed: number; skipped: number; ms: number }[] }[];
  },
): void {
  if (!process.env['ZOO_REPORT']) return;
  const nodes = (m: Model) => [...graphsOf(m)].reduce((n, g) => n + g.nodes.length, 0);
  const done = journal.stages[0]!.passes.filter((p) => p.changed > 0 || p.skipped > 0);
  console.log(
    `${file}: ${nodes(original)} → ${nodes(model)} nodes; ` +
      done
        .map((p) => `${p.name} ${p.changed}${p.skipped ? `/${p.skipped}` : ''} ${p.ms.toFixed(0)}ms`)
        .join(', '),
  );
}
