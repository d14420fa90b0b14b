/** Weights in float16 as onnxruntime casts them; what is said of a large one is what is said of its whole. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { createHalfConverter } from '../../../src/compute/engine/float16-kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { numbers, tensorOf } from '../../../src/model/ir/tensor.ts';
import { toFloat16 } from '../../../src/support/float16.ts';

let engine: Engine;
let largestFeed = 0;
let converter: ReturnType<typeof createHalfConverter>;
beforeAll(async () => {
  engine = await openEngine('node');
  converter = createHalfConverter({
    ...engine,
    async open(...given) {
      const session = await engine.open(...given);
      const run: typeof session.run = (feeds, ...more) => {
        for (const t of Object.values(feeds)) largestFeed = Math.max(largestFeed, t.bytes().length);
        return session.run(feeds, ...more);
      };
      return { ...session, run };
    },
  });
});
afterAll(() => converter.close());

it('a large tensor is converted in parts, with the facts of the whole', async () => {
  const count = 3 * 2 ** 21 + 5;
  // The parts differ in size by powers of ten, and the last one holds the largest, a NaN and −∞, which float16 has too.
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 10 ** -Math.floor(i / 2 ** 21));
  values[count - 1] = 1000;
  values[count - 2] = Number.NaN;
  values[count - 3] = Number.NEGATIVE_INFINITY;
  const made = await converter.convert(tensorOf('float32', [count], values));
  const expected = toFloat16(values);
  const half = new Uint16Array(made.half.bytes().slice().buffer);
  expect(made.half.dims).toEqual([count]);
  expect(half.findIndex((bits, i) => i !== count - 2 && bits !== expected[i])).toBe(-1);
  expect([made.largest, made.hasNan]).toEqual([1000, true]);
  const back = numbers(made.half);
  const sums = values.reduce(
    (s, x, i) => (!Number.isFinite(x) ? s : { lost: s.lost + (x - back[i]!) ** 2, energy: s.energy + x * x }),
    { lost: 0, energy: 0 },
  );
  // Sums of two million squares in float32.
  expect(made.error / Math.sqrt(sums.lost / sums.energy)).toBeCloseTo(1, 2);
  expect(largestFeed).toBeLessThanOrEqual(4 * 2 ** 21);
});
