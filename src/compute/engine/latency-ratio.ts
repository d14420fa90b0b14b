/** Which of two models is faster on a runtime, by turns. */

import { cloneModel } from '../../model/ir/clone.ts';
import { type Model, shapeOf } from '../../model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { type Bindings, symbolsOf } from '../../model/ops/dims.ts';
import { boundShape, inferShapes } from '../../model/ops/shapes.ts';
import { emptyRecord } from '../../support/own.ts';
import { createRandom } from '../../support/random.ts';
import { median } from '../../support/statistics.ts';
import type { Engine } from './contract.ts';
import { openKernel } from './kernel.ts';
import type { RunContext } from './run-context.ts';

/** Pairs of runs, at least. */
const leastPairs = 11;

interface Timing {
  readonly signal?: RunContext['signal'];
  /** Noise where none are given. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** For how long, if both ran often enough by then. */
  readonly ms?: number;
}

/** Time of one run of `after` as a share of one of `before`, on this runtime with one thread: run in turns, so that what
 *  else the machine does hits both. @returns the median over pairs of runs */
export async function latencyRatio(
  engine: Engine,
  before: Model,
  after: Model,
  { signal, ms = 1500, feeds = noiseFor(before) }: Timing = {},
): Promise<number> {
  const a = await openKernel(engine, before, { threads: 1 });
  const b = await openKernel(engine, after, { threads: 1 });
  try {
    const timed = async (session: typeof a) => {
      const start = performance.now();
      await session.run(feeds);
      return performance.now() - start;
    };
    const end = performance.now() + ms;
    const warmup = performance.now() + ms / 5;
    for (let i = 0; i < 10 && (i < 2 || performance.now() < warmup); i++) [await timed(a), await timed(b)];
    const ratios: number[] = [];
    while (ratios.length < leastPairs || (performance.now() < end && ratios.length < 300)) {
      signal?.throwIfAborted();
      const [x, y] = [await timed(a), await timed(b)];
      ratios.push(y / x);
    }
    return median(ratios);
  } finally {
    await a.close();
    await b.close();
  }
}

function noiseFor(model: Model): Record<string, Tensor> {
  const typed = cloneModel(model);
  inferShapes(typed);
  return inputsOf(typed, onesFor(typed)) ?? {};
}

/** Symbols that nobody bound are 1. */
export const onesFor = (model: Model): Bindings =>
  Object.fromEntries(
    model.graph.inputs.flatMap((v) =>
      (shapeOf(v) ?? []).flatMap((d) => (typeof d === 'string' ? symbolsOf(d).map((s) => [s, 1]) : [])),
    ),
  );

/** Seeded, −0.5 to 0.5. */
export function noise(dims: readonly number[]): Tensor {
  const random = createRandom(elementCount(dims));
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.next() - 0.5),
  );
}

/** Noise for float inputs, zeros for others; null when a size stays open. */
export function inputsOf(model: Model, bindings: Bindings): Record<string, Tensor> | null {
  const feeds: Record<string, Tensor> = emptyRecord();
  for (const v of model.graph.inputs) {
    if (v.constant) continue;
    const dims = boundShape(v.type, bindings);
    if (!dims || v.type?.kind !== 'tensor') return null;
    const { dtype } = v.type;
    feeds[v.name] = dtype === 'float32' ? noise(dims) : tensorOf(dtype, dims, zerosOf(dtype, dims));
  }
  return feeds;
}

const zerosOf = (dtype: string, dims: readonly number[]): ArrayLike<number | bigint> =>
  dtype.endsWith('64') && !dtype.startsWith('float')
    ? new BigInt64Array(elementCount(dims))
    : new Float32Array(elementCount(dims));
