/** Every kind of dependency: the pruned model answers like the dense one in which the same channels are masked. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { pruneChannels } from '../../../passes/prune-channels.ts';
import { planPruning, pruneModel } from '../../../src/compress/prune/prune.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { readFixture } from '../../fixture.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';
import { maskModel } from './masked.ts';

const folder = fileURLToPath(new URL('../../../fixtures/passes/prune-channels/', import.meta.url));

describe('a pruned model answers like the masked one', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  for (const file of readdirSync(folder).sort()) {
    const fixture = readFixture(folder + file);
    if (typeof fixture.expected === 'object') continue;
    it(file.replace('.onnx.txt', ''), async () => {
      const dense = parseModel(fixture.model, file);
      const options = pruneChannels.options.parse(fixture.options);
      const plan = planPruning(dense, options);
      expect(plan.removed.size).toBeGreaterThan(0);
      const pruned = cloneModel(dense);
      pruneModel(pruned, options);
      verifyModel(pruned);
      for (const seed of [1, 2]) {
        const feeds = seededFeeds(dense, seed, { dims: { B: 2, S: 3, T: 4, N: 2 } });
        const expected = await runModel(engine, maskModel(dense, plan), feeds);
        const found = await runModel(engine, pruned, feeds);
        for (const [name, tensor] of Object.entries(expected)) {
          const { difference, magnitude } = largestDifference(tensor, found[name]!);
          // Sums of at most 16 terms of order 1 in another order.
          expect(difference, `output ${name}`).toBeLessThanOrEqual(1e-5);
          expect(magnitude).toBeGreaterThan(1e-2);
        }
      }
    });
  }
});
