/** The int8 presets on real models. Without data: every model that the engines can run, in both runtimes, close to its
 *  float outputs. With data: MobileNetV2 as accurate as before on images that did not calibrate. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../src/compress/compress.ts';
import { observe } from '../../src/compute/calibrate/observe.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { openData } from '../../src/data/open.ts';
import { createComparer } from '../../src/judge/analyze/compare.ts';
import { readModelFile } from '../../src/model/formats/file.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { isFloat } from '../../src/model/ir/dtype.ts';
import { numbers, type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';
import { isValidModel } from '../invalid-models.ts';
import { optimisedNodes } from '../optimised-model.ts';
import { type FeedSettings, seededFeeds } from '../run-model.ts';
import { pictureOfLetters } from './letters.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

/** Needs operators that no runtime here has. */
const notRunnable = /pre_post_processing/;

const silero: FeedSettings = {
  inputs: { input: [1, 576], state: [2, 1, 128], sr: [] },
  tensors: { sr: tensorOf('int64', [], [16000]) },
};

/** Shapes and values that the model needs and its inputs don't say. */
const settings: Record<string, FeedSettings> = {
  'ch_PP-OCRv3_det_infer.onnx': { tensors: { x: pictureOfLetters('HELLOTOALL') } },
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': { inputs: { x: [1, 3, 48, 192] } },
  'silero_vad.onnx': silero,
  'silero_vad_16k_op15.onnx': silero,
  'silero_vad_op18_ifless.onnx': silero,
};

/** Cosine of the outputs, 0.99 where not said. The text detector ends in a sigmoid so steep that its answer is a mask of
 *  zeros and ones: the pixels along the edges of the letters flip. */
const leastCosine: Record<string, number> = { 'ch_PP-OCRv3_det_infer.onnx': 0.97 };

const models = zoo
  ? (readdirSync(`${zoo}/models`, { recursive: true }) as string[])
      .filter((f) => f.endsWith('.onnx') && !notRunnable.test(f) && isValidModel(f))
      .sort()
  : [];

describe.skipIf(!zoo)('int8 without data on real models (set EDGEPRESS_ZOO to run)', () => {
  let engines: Engine[];
  beforeAll(async () => {
    engines = [await openEngine('node'), await openEngine('wasm')];
  });

  describe.each(['int8-dynamic', 'int8-weights'] as const)('%s', (name) => {
    it.each(models)('%s', async (file) => {
      const source = readModelFile(join(zoo!, 'models', file));
      const base = file.split('/').at(-1)!;
      const feeds = seededFeeds(source, 3, settings[base]);
      const { model } = await compressModel(source, { recipe: preset(name), engine: engines[0]! });
      for (const engine of engines) {
        const [before, after] = [
          await outputsOf(engine, source, feeds),
          await outputsOf(engine, model, feeds),
        ];
        expect(Object.keys(after)).toEqual(Object.keys(before));
        const floats = Object.entries(before).filter(([, t]) => isFloat(t.dtype));
        const comparer = createComparer(floats.map(([n, t]) => ({ name: n, dtype: t.dtype, shape: t.dims })));
        comparer.add(before, after);
        for (const output of comparer.result().outputs) {
          const where = `${output.name} in ${engine.name}`;
          expect(output.nonFinite, where).toBe(0);
          if (output.maxAbsError > 0)
            expect(output.cosine, where).toBeGreaterThanOrEqual(leastCosine[base] ?? 0.99);
        }
      }
    });
  });
});

async function outputsOf(
  engine: Engine,
  model: Parameters<typeof encodeModel>[0],
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await engine.open({ bytes: encodeModel(model) });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

describe.skipIf(!zoo)('MobileNetV2 in static int8 (set EDGEPRESS_ZOO to run)', () => {
  const path = `${zoo}/models/imagenet-mobilenetv2-f32/mobilenetv2.onnx`;

  it.each(['wasm', 'node'] as const)(
    'for %s loses hardly a point on other images',
    { timeout: 300_000 },
    async (target) => {
      const engine = await openEngine('node');
      const source = readModelFile(path);
      const ports = [{ name: 'input', dtype: 'float32', shape: [1, 3, 224, 224] }] as const;
      const data = await openData(`${zoo}/data/imagenet`, ports, { seed: 1, preprocess: 'imagenet' });
      expect(data.length).toBe(500);
      const calibration = { count: 100, read: (i: number) => data.read(5 * i) };
      const recipe = { ...preset('int8-static'), target };
      const { model } = await compressModel(source, {
        recipe,
        engine,
        calibrate: (m, requests) => observe(engine, m, requests, calibration),
      });
      const file = encodeModel(model);
      expect(file.length / readFileSync(path).length).toBeLessThanOrEqual(0.27);

      const [before, after] = [
        await engine.open({ bytes: readFileSync(path) }),
        await engine.open({ bytes: file }),
      ];
      let [rightBefore, rightAfter] = [0, 0];
      for (let i = 0; i < 100; i++) {
        const { inputs, label } = await data.read(5 * i + 2);
        const top = async (session: typeof before) => {
          const scores = numbers(Object.values(await session.run(inputs))[0]!);
          return scores.indexOf(Math.max(...scores));
        };
        if ((await top(before)) === label) rightBefore++;
        if ((await top(after)) === label) rightAfter++;
      }
      // The zoo's own figure for float is 82.4 on all 500.
      expect(rightBefore).toBeGreaterThan(75);
      // For Node neighbouring weights share 128 steps: half a bit less where two large ones lie side by side.
      expect(rightAfter).toBeGreaterThanOrEqual(rightBefore - (target === 'node' ? 2 : 1));

      const depthwise = (await optimisedNodes(model)).filter(
        (n) => Number((n.attributes.get('group') as { value?: unknown })?.value ?? 1) > 1,
      );
      expect(depthwise).toHaveLength(17);
      expect(depthwise.filter((n) => n.opType === 'QLinearConv')).toHaveLength(target === 'wasm' ? 0 : 17);
    },
  );
});
