/** Runs a model over samples, for whoever counts what it answers. */
import { openOn } from '../compute/engine/open-model.ts';
import { readAll } from '../data/read-all.ts';
import type { Sample } from '../data/source.ts';
import type { Port } from '../model/ir/port.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { createBreather } from '../support/breathe.ts';
import { feedsFor, type RunPairOptions, type Subject } from './run-pair.ts';

/** Hands one output's answer to each sample to `take`, in order. @param choose  the output, of those there are */
export async function forEachAnswer(
  subject: Subject,
  { engine, source, indices, signal, onProgress }: RunPairOptions,
  choose: (outputs: readonly Port[]) => Port,
  take: (answer: Tensor, sample: Sample) => void,
): Promise<void> {
  const session = await openOn(engine, subject.model, subject.session);
  try {
    const { name } = choose(session.outputs);
    const breathe = createBreather();
    let done = 0;
    for await (const sample of readAll(source, indices)) {
      signal?.throwIfAborted();
      take((await session.run(feedsFor(session, sample), [name]))[name]!, sample);
      onProgress?.(++done, indices.length);
      await breathe();
    }
  } finally {
    await session.close();
  }
}

/** Runs the baseline, where there is one, and then the model, with one progress over both. */
export async function onBoth<T>(
  subject: Subject,
  options: RunPairOptions & { readonly baseline?: Subject | undefined },
  measure: (subject: Subject, options: RunPairOptions) => Promise<T>,
): Promise<{ before: T | null; after: T }> {
  const { baseline } = options;
  const runs = baseline ? 2 : 1;
  const nth = (run: number): RunPairOptions => ({
    ...options,
    onProgress: (done, total) => options.onProgress?.(run * total + done, runs * total),
  });
  const before = baseline ? await measure(baseline, nth(0)) : null;
  return { before, after: await measure(subject, nth(runs - 1)) };
}
