/** What LiteRT makes of written files, in the types that they have there. */
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { isFloat } from '../../../../../src/model/ir/dtype.ts';
import { type Model, shapeOf } from '../../../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { openSizes, withSizes } from '../../../../../src/model/rewrite/fix-sizes.ts';
import type { LitertCase } from '../../../../litert.ts';
import { largestDifference } from '../../../../run-model.ts';

export type Tensors = Readonly<Record<string, Tensor>>;

const limits = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** Floats in float32, integers of more bits in int32. */
export function inLitert(t: Tensor): Tensor {
  if (isFloat(t.dtype)) return t.dtype === 'float32' ? t : tensorOf('float32', t.dims, float32Values(t));
  if (['bool', 'int8', 'uint8', 'int32'].includes(t.dtype)) return t;
  const held = numbers(t).map((v) => Math.max(limits.low, Math.min(limits.high, v)));
  return tensorOf('int32', t.dims, held);
}

const inLitertAll = (feeds: Tensors) =>
  Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, inLitert(t)]));

/** The file of a model whose open sizes are those of the feeds, and what it is fed. */
export function caseOf(model: Model, feeds: Tensors): LitertCase {
  const open = openSizes(model);
  const sizes: Record<string, number> = {};
  for (const v of model.graph.inputs)
    shapeOf(v)?.forEach((d, axis) => {
      const size = feeds[v.name]?.dims[axis];
      const name = [d, `${v.name}:${axis}`].find((n) => typeof n === 'string' && open.includes(n));
      if (typeof name === 'string' && size !== undefined) sizes[name] = size;
    });
  return { bytes: writeTflite(withSizes(model, sizes)), feeds: inLitertAll(feeds) };
}

/** Largest difference of any output, relative to the output's largest value or `least`; Infinity where one is missing or of
 *  another shape. */
export const errorOf = (expected: Tensors, received: Tensors | Error, least = Number.MIN_VALUE): number => {
  if (received instanceof Error) throw received;
  return Object.entries(expected).reduce((worst, [name, tensor]) => {
    const other = received[name];
    if (!other) return Number.POSITIVE_INFINITY;
    const { difference, magnitude } = largestDifference(inLitert(tensor), other);
    return Math.max(worst, difference / Math.max(magnitude, least));
  }, 0);
};
