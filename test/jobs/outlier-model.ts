/** A model that calibrated int8 destroys, by the second of its two products. */
import { buildKernel } from '../../src/compute/engine/kernel.ts';
import { elementCount, tensorOf } from '../../src/model/ir/tensor.ts';
import { createRandom } from '../../src/support/random.ts';

/** Another number of results, or it would be taken for a model that gives back what went in. */
export const width = 64;
const out = 48;

/** Seeded normal values. */
export function normal(dims: readonly number[], seed: number, scale = 1) {
  const random = createRandom(seed);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => scale * random.normal()),
  );
}

/** Two products; between them one feature is 3 000 times as large as the others, and nothing reads it. */
export const outlier = buildKernel((b) => {
  const x = b.input('x', 'float32', ['n', 16, width]);
  const factors = Float32Array.from({ length: width }, (_, i) => (i === 0 ? 3000 : 1));
  const scaled = b.op('Mul', [
    b.op('MatMul', [x, b.constant(normal([width, width], 1, 1 / 8), 'first')]),
    b.constant(tensorOf('float32', [width], factors), 'factors'),
  ]);
  const second = normal([width, out], 2, 1 / 8);
  const values = new Float32Array(second.bytes().slice().buffer).fill(0, 0, out);
  const last = b.constant(tensorOf('float32', [width, out], values), 'second');
  b.output('y', b.op('MatMul', [scaled, last]), 'float32', ['n', 16, out]);
}, 17);
