/** Reads the batches of an epoch ahead of the engine. */
import type { Tensor } from '../../model/ir/tensor.ts';
import { epochOrder, type TrainingData } from './data.ts';

/** Batches read while the engine computes. */
const readAhead = 3;

export interface Batch {
  /** Places of the samples in the data. */
  readonly indices: readonly number[];
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Each call gives the next batch of the epoch, from batch `first` on; the ones after it are being read meanwhile. */
export function readBatches(
  { batch, perEpoch }: { readonly batch: number; readonly perEpoch: number },
  { data, seed }: { readonly data: TrainingData; readonly seed: number },
  epoch: number,
  first: number,
): () => Promise<Batch> {
  const order = epochOrder(data.length, epoch, seed);
  const waiting: { indices: readonly number[]; tensors: Promise<Batch['tensors']> }[] = [];
  let unread = first;
  const readOn = () => {
    if (unread >= perEpoch) return;
    const indices = order.slice(unread * batch, (unread + 1) * batch);
    const tensors = data.batch({ indices, epoch, seed });
    // Whoever asks for the batch hears of it; until then it must not end the process.
    tensors.catch(() => undefined);
    waiting.push({ indices, tensors });
    unread++;
  };
  for (let i = 0; i < readAhead; i++) readOn();
  return async () => {
    const { indices, tensors } = waiting.shift()!;
    const read = await tensors;
    readOn();
    return { indices, tensors: read };
  };
}
