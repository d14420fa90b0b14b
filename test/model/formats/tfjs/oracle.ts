/** TensorFlow.js itself, for comparison. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { elementCount, numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../src/support/random.ts';

export { tf };

/** Seeded, standard normal. */
export function normalTensor(dims: readonly number[], seed: number): Tensor {
  const random = createRandom(seed);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
}

export const toTf = (t: Tensor): tf.Tensor =>
  tf.tensor(
    numbers(t),
    [...t.dims],
    t.dtype === 'float32' ? 'float32' : t.dtype === 'bool' ? 'bool' : 'int32',
  );

export async function fromTf(t: tf.Tensor): Promise<Tensor> {
  const dtype = t.dtype === 'float32' || t.dtype === 'bool' ? t.dtype : 'int32';
  return tensorOf(dtype, t.shape, Array.from(await t.data()));
}
