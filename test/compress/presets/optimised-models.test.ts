/** Shipped models as onnxruntime's optimiser writes them: fused operators must hide no weight from compression, so the
 *  result is as small as that of the model as exported, and computes the same. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { optimisedModel } from '../../optimised-model.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

const read = (name: string) =>
  decodeModel(readFileSync(fileURLToPath(new URL(`../../../fixtures/models/${name}.onnx`, import.meta.url))));

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const compressed = (model: Model) => compressModel(model, { recipe: preset('int8-weights'), engine });

describe.each(['glyphs-cnn', 'digits-cnn', 'digits-vit', 'sentiment-encoder', 'sequence-transformer'])(
  '%s after onnxruntime’s optimiser',
  (name) => {
    it('becomes as small as the model as exported', async () => {
      const exported = read(name);
      const fused = await optimisedModel(exported);
      expect([...fused.graph.nodes].some((n) => n.domain === 'com.microsoft')).toBe(true);
      const [plain, opened] = [await compressed(exported), await compressed(fused)];
      // Folding and fusing differ in a few small constants and in names.
      expect(encodeModel(opened.model).length).toBeLessThan(encodeModel(plain.model).length * 1.05);
      const feeds = seededFeeds(exported, 3, { dims: { batch: 2, length: 6 }, integers: 8 });
      const [before, after] = [
        await runModel(engine, exported, feeds),
        await runModel(engine, opened.clean, feeds),
      ];
      for (const [output, tensor] of Object.entries(before)) {
        const { difference, magnitude } = largestDifference(tensor, after[output]!);
        // float32 sums in another order, through a few layers.
        expect(difference).toBeLessThan(1e-4 * Math.max(1, magnitude));
      }
    });
  },
);
