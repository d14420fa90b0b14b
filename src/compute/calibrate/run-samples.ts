/** Runs a model over samples, reading the next one while the engine computes. */

import type { Sample } from '../../data/source.ts';
import type { Model } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { createBreather } from '../../support/breathe.ts';
import type { Engine, Session } from '../engine/contract.ts';
import { openKernel } from '../engine/kernel.ts';
import type { RunContext } from '../engine/run-context.ts';

export interface Samples {
  readonly count: number;
  read(index: number): Promise<Sample>;
}

/** @param take  gets all outputs of the model for each sample, in the graph's order. @throws ENGINE_OPEN, ENGINE_RUN */
export async function runSamples(
  engine: Engine,
  model: Model,
  samples: Samples,
  signal: RunContext['signal'],
  take: (outputs: readonly Tensor[], sample: Sample, index: number) => void,
): Promise<void> {
  const breathe = createBreather();
  let session: Session | null = null;
  try {
    // Between two runs a sample is read: threads that wait busily for the next one would take the processor from that.
    const config = { 'session.disable_quant_qdq': '1', 'session.intra_op.allow_spinning': '0' };
    session = await openKernel(engine, model, { config, memoryPattern: false });
    const wanted = new Set(session.inputs.map((p) => p.name));
    let next: Promise<Sample> | null = samples.count > 0 ? samples.read(0) : null;
    for (let i = 0; i < samples.count; i++) {
      signal?.throwIfAborted();
      const sample = await next!;
      next = i + 1 < samples.count ? samples.read(i + 1) : null;
      next?.catch(() => {});
      const feeds = Object.fromEntries(Object.entries(sample.inputs).filter(([name]) => wanted.has(name)));
      const outputs = await session.run(feeds);
      take(
        model.graph.outputs.map((v) => outputs[v.name] as Tensor),
        sample,
        i,
      );
      await breathe();
    }
  } finally {
    await session?.close();
  }
}
