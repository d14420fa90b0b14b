/** Structured pruning of real models: at 75 % and 50 % of the MACs they load, run, keep their interface, and answer like
 *  the dense model in which the same channels are masked. */
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanUp } from '../../../passes/presets/clean-up.ts';
import { loadPasses } from '../../../src/compress/compress.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../../src/compress/pipeline/run.ts';
import { planPruning, pruneModel } from '../../../src/compress/prune/prune.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { modelMacs } from '../../../src/model/ops/cost.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';
import { maskModel } from './masked.ts';
import { bindings, files, least, notRunnable, ports, settings } from './models.ts';

const passes = await loadPasses();

describe('structured pruning of the shipped models, and of real ones (set EDGEPRESS_ZOO to run those too)', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  for (const path of files) {
    const file = path.split('/').at(-1)!;
    it.each([0.75, 0.5])(`${file} to %f of its MACs answers like the masked original`, async (share) => {
      const recipe = parseRecipe({ edgepress: 1, name: 'clean', stages: [cleanUp] });
      const { model: dense } = await runRecipe(readModelFile(path), recipe, { passes, engine });
      const options = { target: { macs: share }, bestEffort: true } as const;
      const context = { bindings: bindings[file] };
      const plan = planPruning(dense, options, context);
      const pruned = cloneModel(dense);
      const result = pruneModel(pruned, options, context);
      report(file, share, result);
      verifyModel(pruned);
      const macs = modelMacs(pruned, bindings[file]).macs;
      expect(macs).toBe(result.after.macs);
      expect(macs / modelMacs(dense, bindings[file]).macs).toBeLessThanOrEqual(
        Math.max(share, least[file] ?? 0) + 1e-9,
      );
      expect(ports(pruned)).toEqual(ports(dense));
      if (notRunnable.test(file)) return;
      const feeds = seededFeeds(dense, 3, settings[file]);
      const expected = await runModel(engine, maskModel(dense, plan), feeds);
      const found = await runModel(engine, pruned, feeds);
      for (const [name, tensor] of Object.entries(expected)) {
        const { difference, magnitude } = largestDifference(tensor, found[name]!);
        // float32 sums over fewer terms, so in another order; as for the exact passes.
        expect(difference, `output ${name}`).toBeLessThanOrEqual(1e-4 * Math.max(magnitude, 1e-3));
      }
    });
  }
});

function report(file: string, share: number, result: ReturnType<typeof pruneModel>): void {
  if (!process.env['ZOO_REPORT']) return;
  const { before, after } = result;
  const counts = new Map<string, number>();
  for (const { reason } of result.skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, n]) => `${n} ${reason}`);
  console.log(
    `${file} @${share}: MACs ${(after.macs / before.macs).toFixed(3)}, parameters ${(after.parameters / before.parameters).toFixed(3)}; ${result.removed.length} groups; kept: ${reasons.join(', ')}`,
  );
}
