/** Models that only some opsets serve, upgraded and opened with the rewrites that onnxruntime makes by default. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import type { Tensor } from '../../../src/model/ir/tensor.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { opsetLimit } from '../../../src/model/rewrite/opset/limit.ts';
import { upgradeModel } from '../../../src/model/rewrite/opset/upgrade.ts';
import { readFixture } from '../../fixture.ts';
import { largestDifference, seededFeeds } from '../../run-model.ts';

const fixture = (name: string) =>
  readFixture(
    fileURLToPath(new URL(`../../../fixtures/passes/upgrade-opset/${name}.onnx.txt`, import.meta.url)),
  );

async function run(model: Model, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await (await openEngine()).open({ bytes: encodeModel(model) }, { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

it.each([
  ['12-half-norm', 16],
  ['13-batchnorm-rows', 8],
])('%s runs at its limit as it did, and not beyond', async (name, version) => {
  const model = parseModel(fixture(name).model);
  inferShapes(model);
  expect(opsetLimit(model)?.version).toBe(version);
  const feeds = seededFeeds(model, 3);
  const before = await run(model, feeds);
  const limited = cloneModel(model);
  upgradeModel(limited, version);
  const after = await run(limited, feeds);
  for (const [output, tensor] of Object.entries(before))
    expect(largestDifference(tensor, after[output]!).difference).toBeLessThanOrEqual(1e-6);
  const beyond = cloneModel(model);
  upgradeModel(beyond, 17);
  await expect(run(beyond, feeds)).rejects.toMatchObject({ code: 'ENGINE_OPEN' });
});
