/** Pruning with samples at hand, of every kind of model: half of the MACs goes, what is left is fitted, nothing else changes. Samples
 *  are noise here; what becomes of answers to real data is in reconstruct-shipped.test.ts and bench/prune-recovery.ts. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import { pruneOnData } from '../../../src/compress/prune/on-data.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { modelMacs } from '../../../src/model/ops/cost.ts';
import { runModel, seededFeeds } from '../../run-model.ts';
import { bindings, files, least, notRunnable, ports, settings } from './models.ts';

/** Which take a minute each and have the blocks of others: ResNet-20's, PP-OCR's, and those of the same detector as onnxruntime's
 *  tools left it. Without data they are pruned all the same (zoo.test.ts). */
const likeOthers = /^(resnet56|mobilenetv2|version-RFB-320|version-RFB-320_simplified)\.onnx$/;

describe('pruning on data, of the shipped models and of real ones (set EDGEPRESS_ZOO to run those too)', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  for (const path of files) {
    const file = path.split('/').at(-1)!;
    if (notRunnable.test(path) || likeOthers.test(file)) continue;
    it(file, async () => {
      const { model: dense } = await compressModel(readModelFile(path), {
        recipe: preset('trainable'),
        engine,
      });
      const before = await runModel(engine, dense, seededFeeds(dense, 3, settings[file]));
      const samples = {
        count: 6,
        read: async (i: number) => ({ id: `${i}`, inputs: seededFeeds(dense, 100 + i, settings[file]) }),
      };
      const { model, result, fit } = await pruneOnData(
        engine,
        dense,
        { rank: samples, fit: samples },
        { target: { macs: 0.5 }, bestEffort: true, bit: 0.5 },
        { bindings: bindings[file] },
      );
      verifyModel(model);
      const { macs } = modelMacs(model, bindings[file]);
      expect(macs).toBe(result.after.macs);
      expect(macs / result.dense.macs).toBeLessThanOrEqual(Math.max(0.5, least[file] ?? 0) + 1e-9);
      // All layers of Silero are in branches of an If, where nothing is fitted.
      if (!/silero/.test(file)) expect(fit.fitted + fit.skipped.length).toBeGreaterThan(0);
      expect(ports(model)).toEqual(ports(dense));
      const after = await runModel(engine, model, seededFeeds(dense, 3, settings[file]));
      for (const [name, tensor] of Object.entries(before)) {
        expect(after[name]?.dims, name).toEqual(tensor.dims);
        expect([...numbers(after[name]!)].every(Number.isFinite), name).toBe(true);
      }
    });
  }
});
