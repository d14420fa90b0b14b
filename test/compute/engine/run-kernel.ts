import type { Engine, SessionOptions } from '../../../src/compute/engine/contract.ts';
import { buildKernel, type KernelBuilder, openKernel } from '../../../src/compute/engine/kernel.ts';
import type { Tensor } from '../../../src/model/ir/tensor.ts';

/** Builds, opens, runs once and closes. @throws ENGINE_OPEN, ENGINE_RUN, FEED_MISMATCH */
export async function runKernel(
  engine: Engine,
  build: (b: KernelBuilder) => void,
  feeds: Readonly<Record<string, Tensor>>,
  options?: SessionOptions,
): Promise<Record<string, Tensor>> {
  const session = await openKernel(engine, buildKernel(build), options);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}
