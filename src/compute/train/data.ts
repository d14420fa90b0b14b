/** Batches for training: which samples, in which order, stacked along the first axis. */
import { byteLength } from '../../model/ir/dtype.ts';
import { denseTensor, elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { createRandom } from '../../support/random.ts';

export interface BatchRequest {
  /** Places of the samples in the data, in the order of the batch. */
  readonly indices: readonly number[];
  readonly epoch: number;
  /** What augmentation draws from, besides epoch and sample. */
  readonly seed: number;
}

export interface TrainingData {
  readonly length: number;
  readonly labelled: boolean;
  /** Whether a sample is the same in every epoch, so that what a teacher says of it can be kept. */
  readonly repeats: boolean;
  /** Sizes of one sample, without the batch axis, by input. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Inputs by name, and "labels" (int64 class indices [batch, …], or float targets) when labelled. */
  batch(request: BatchRequest): Promise<Record<string, Tensor>>;
}

/** Samples that are in memory as one tensor an input, [samples, …].
 *  @example
 *  const data = tensorData({ image }, classLabels([3, 1, 4])); */
export function tensorData(inputs: Readonly<Record<string, Tensor>>, labels?: Tensor): TrainingData {
  const length = Object.values(inputs)[0]?.dims[0] ?? 0;
  const all = labels ? { ...inputs, labels } : { ...inputs };
  return {
    length,
    labelled: labels !== undefined,
    repeats: true,
    shapes: Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.dims.slice(1)])),
    batch: async ({ indices }) =>
      Object.fromEntries(Object.entries(all).map(([name, t]) => [name, rows(t, indices)])),
  };
}

/** Rows of a tensor [n, …] in the order asked for. */
export function rows(t: Tensor, indices: readonly number[]): Tensor {
  const size = byteLength(t.dtype, elementCount(t.dims.slice(1)));
  const from = t.bytes();
  const to = new Uint8Array(size * indices.length);
  for (const [k, i] of indices.entries()) to.set(from.subarray(i * size, (i + 1) * size), k * size);
  return denseTensor(t.dtype, [indices.length, ...t.dims.slice(1)], to);
}

/** Class indices as the tensor that losses on labels read. */
export const classLabels = (labels: readonly number[]): Tensor => tensorOf('int64', [labels.length], labels);

/** Order of the samples in an epoch: every sample once, the same for the same seed and epoch. */
export function epochOrder(length: number, epoch: number, seed: number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  return createRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca6b)).shuffle(order);
}
