/** Samples a second at several batch sizes; page-safe, as measure.ts. */
import type { Session } from '../../compute/engine/contract.ts';
import { denseTensor, type Tensor } from '../../model/ir/tensor.ts';
import type { Shape } from '../../model/ir/type.ts';
import { messageOf } from '../../support/diagnostics.ts';
import { type MeasureOptions, measure } from './measure.ts';

export interface ThroughputRequest {
  readonly batches: readonly number[];
  /** Inputs whose first dimension is the batch. */
  readonly inputs: readonly string[];
  readonly options: Omit<MeasureOptions, 'signal'>;
}

export interface Throughput {
  /** Samples a second by batch size. */
  readonly perSecond: Readonly<Record<string, number>>;
  /** Batch sizes that could not be run, and why. */
  readonly failed: Readonly<Record<string, string>>;
}

/** Names of the inputs that share the free first dimension of the first input; none when that is fixed. */
export function batchInputs(
  inputs: readonly { readonly name: string; readonly shape: Shape | null }[],
): string[] {
  const [first] = inputs[0]?.shape ?? [];
  if (first === undefined || typeof first === 'number') return [];
  return inputs
    .filter(({ shape }) => shape && shape.length > 0 && shape[0] === first)
    .map(({ name }) => name);
}

/** The samples of `feed` repeated along the first dimension; a size that fails does not keep the others from running. */
export async function measureThroughput(
  open: () => Promise<Session>,
  feed: Readonly<Record<string, Tensor>>,
  { batches, inputs, options }: ThroughputRequest,
): Promise<Throughput> {
  const perSecond: Record<string, number> = {};
  const failed: Record<string, string> = {};
  for (const batch of batches) {
    try {
      const { medianMs } = await measure(open, batchOf(feed, inputs, batch), options);
      perSecond[batch] = (1000 * batch) / medianMs;
    } catch (error) {
      failed[batch] = messageOf(error);
    }
  }
  return { perSecond, failed };
}

/** The feed with `batch` samples: what is there, repeated along the first dimension of the named inputs. */
export function batchOf(
  feed: Readonly<Record<string, Tensor>>,
  inputs: readonly string[],
  batch: number,
): Record<string, Tensor> {
  const entries = Object.entries(feed).map(([name, t]): [string, Tensor] => {
    const [first = 0, ...rest] = t.dims;
    if (!inputs.includes(name) || t.strings || first < 1) return [name, t];
    const bytes = t.bytes();
    const size = bytes.length / first;
    const all = new Uint8Array(size * batch);
    for (let i = 0; i < batch; i++) {
      const from = (i % first) * size;
      all.set(bytes.subarray(from, from + size), i * size);
    }
    return [name, denseTensor(t.dtype, [batch, ...rest], all, name)];
  });
  return Object.fromEntries(entries);
}
