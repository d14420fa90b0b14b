import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { createPairSums, type PairSums } from '../../../src/compute/engine/pair-sums.ts';
import { elementCount, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';

let engine: Engine;
let pairs: PairSums;
beforeAll(async () => {
  engine = await openEngine();
  pairs = createPairSums(engine);
});
afterAll(() => pairs.close());

const random = (dims: readonly number[]) => {
  const { normal } = createRandom(elementCount(dims));
  return tensorOf('float32', dims, Float32Array.from({ length: elementCount(dims) }, normal));
};

describe('sums of two neighbours', () => {
  it('are of neighbours along what moves fastest, within an output', async () => {
    const weight = tensorOf('float32', [2, 3], [1, -2, 3, 4, 0, -1]);
    expect([...(await pairs.largest(weight, [0, 1]))]).toEqual([5, 4]);
    expect([...(await pairs.largest(weight, [1, 0]))]).toEqual([5, 2, 4]);
  });

  it('of a kernel go from channel to channel, then from position to position', async () => {
    // [out, in, positions]: packed as (0,0) (1,0) (0,1) (1,1), by channel and position.
    const weight = tensorOf('float32', [1, 2, 2], [1, 10, 2, 20]);
    expect([...(await pairs.largest(weight, [0, 2, 1]))]).toEqual([30]);
    expect([...(await pairs.largest(weight, [0, 1, 2]))]).toEqual([22]);
  });

  it('are the weight itself where there is one', async () => {
    expect([...(await pairs.largest(tensorOf('float32', [2, 1], [-3, 4]), [0, 1]))]).toEqual([3, 4]);
  });

  it('of many weights are those of their parts', async () => {
    const weight = random([5, 2 ** 20]);
    const values = new Float32Array(weight.bytes().slice().buffer);
    const expected = Array.from({ length: 5 }, (_, o) => {
      let most = 0;
      for (let i = o * 2 ** 20; i < (o + 1) * 2 ** 20 - 1; i++)
        most = Math.max(most, Math.fround(Math.abs(values[i]!) + Math.abs(values[i + 1]!)));
      return most;
    });
    expect([...(await pairs.largest(weight, [0, 1]))]).toEqual(expected);
  });
});
