/** Running models of tests on seeded inputs and comparing what comes out. */
import type { Engine } from '../src/compute/engine/contract.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import { dtypes } from '../src/model/ir/dtype.ts';
import type { Model, Value } from '../src/model/ir/model.ts';
import { elementCount, numbers, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { evaluate } from '../src/model/ops/dims.ts';
import { createRandom, type Random } from '../src/support/random.ts';

export interface FeedSettings {
  readonly dims?: Readonly<Record<string, number>>;
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
  readonly integers?: number;
  /** Inputs that random numbers won't do for. */
  readonly tensors?: Readonly<Record<string, Tensor>>;
}

/** Seeded tensors for the model's required inputs: standard normal floats, integers in [0, integers). */
export function seededFeeds(model: Model, seed: number, settings: FeedSettings = {}): Record<string, Tensor> {
  const random = createRandom(seed);
  const required = model.graph.inputs.filter((v) => !v.constant);
  return Object.fromEntries(required.map((v) => [v.name, seededTensor(v, random, settings)]));
}

function seededTensor(v: Value, random: Random, settings: FeedSettings): Tensor {
  if (settings.tensors?.[v.name]) return settings.tensors[v.name]!;
  if (v.type?.kind !== 'tensor') throw new Error(`Input "${v.name}" is not a tensor.`);
  const { dtype, shape } = v.type;
  const given = settings.inputs?.[v.name];
  if (!given && !shape) throw new Error(`Input "${v.name}" needs a shape in $inputs.`);
  const bindings = settings.dims ?? {};
  const dims = given ?? shape!.map((d) => evaluate(d, bindings) ?? 2);
  const { kind } = dtypes[dtype];
  const limit = kind === 'bool' ? 2 : (settings.integers ?? 2);
  const next = () => (kind === 'float' ? random.normal() : random.integer(limit));
  return tensorOf(dtype, dims, Array.from({ length: elementCount(dims) }, next));
}

/** Seeded, standard normal. */
export function normalTensor(dims: readonly number[], seed: number): Tensor {
  const random = createRandom(seed);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
}

/** Opens, runs once as written (the runtime's own rewrites off) and closes. */
export async function runModel(
  engine: Engine,
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await engine.open({ bytes: encodeModel(model) }, { optimization: 'none', threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Largest absolute difference of two results, and the largest magnitude in the first; Infinity where type or shape
 *  differ, or one has NaN where the other has not. */
export function largestDifference(a: Tensor, b: Tensor): { difference: number; magnitude: number } {
  const differs = { difference: Number.POSITIVE_INFINITY, magnitude: 0 };
  if (a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) return differs;
  const [x, y] = [numbers(a), numbers(b)];
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < x.length; i++) {
    const [p, q] = [x[i]!, y[i]!];
    if (Object.is(p, q) || p === q) magnitude = Math.max(magnitude, Number.isFinite(p) ? Math.abs(p) : 0);
    else if (Number.isNaN(p) || Number.isNaN(q)) return differs;
    else {
      difference = Math.max(difference, Math.abs(p - q));
      magnitude = Math.max(magnitude, Math.abs(p));
    }
  }
  return { difference, magnitude };
}
