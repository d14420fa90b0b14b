/** Values that weights start from. Each weight has its own random sequence, made from the network's seed and the
 *  weight's name: the same network with or without a cache, or with a layer more, starts from the same numbers. */

import { createRandom } from '../../support/random.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementCount, lazyTensor, tensorOf } from '../ir/tensor.ts';

export type Initial =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly limit: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'values'; readonly values: Float32Array };

export const normal = (std = 0.02): Initial => ({ kind: 'normal', std });
export const uniform = (limit: number): Initial => ({ kind: 'uniform', limit });
export const zeros: Initial = { kind: 'constant', value: 0 };
export const ones: Initial = { kind: 'constant', value: 1 };
export const values = (numbers: Float32Array): Initial => ({ kind: 'values', values: numbers });

/** For layers before a ReLU. @see He et al. 2015, arXiv:1502.01852 */
export const kaiming = (fanIn: number): Initial => normal(Math.sqrt(2 / fanIn));

/** For layers before tanh, softmax or nothing. @see Glorot and Bengio 2010 */
export const xavier = (fanIn: number, fanOut: number): Initial => uniform(Math.sqrt(6 / (fanIn + fanOut)));

/** Tensors beyond this many elements are computed when asked for, and not kept. */
const keptElements = 2 ** 18;

/** A float32 tensor with these values; the same seed and name give the same bits.
 *  Large ones are lazy: they take no memory until their bytes are read. */
export function initialTensor(dims: readonly number[], initial: Initial, seed: number, name: string): Tensor {
  const count = elementCount(dims);
  if (initial.kind === 'values') return tensorOf('float32', dims, initial.values);
  const compute = () => fill(count, initial, (seed ^ hashName(name)) >>> 0);
  if (count < keptElements) return tensorOf('float32', dims, compute());
  return lazyTensor('float32', dims, () => new Uint8Array(compute().buffer));
}

function fill(count: number, initial: Exclude<Initial, { kind: 'values' }>, seed: number): Float32Array {
  const array = new Float32Array(count);
  if (initial.kind === 'constant') return initial.value === 0 ? array : array.fill(initial.value);
  const { next } = createRandom(seed);
  if (initial.kind === 'uniform') {
    for (let i = 0; i < count; i++) array[i] = (2 * next() - 1) * initial.limit;
    return array;
  }
  // Box–Muller makes two normals from two uniforms; a network of 10⁸ weights is worth using both.
  for (let i = 0; i < count; i += 2) {
    const radius = initial.std * Math.sqrt(-2 * Math.log(1 - next()));
    const angle = 2 * Math.PI * next();
    array[i] = radius * Math.cos(angle);
    if (i + 1 < count) array[i + 1] = radius * Math.sin(angle);
  }
  return array;
}

/** FNV-1a, 32 bits. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
