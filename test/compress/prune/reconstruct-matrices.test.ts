/** Fitting what pruning left of matrices: Gemm and MatMul, and those that have to stay as they are. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Samples } from '../../../src/compute/calibrate/run-samples.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { seededFeeds } from '../../run-model.ts';
import {
  bias,
  type Case,
  cut,
  expectMended,
  lastEmpty,
  mend,
  model,
  multiples,
  samplesOf,
  startEngine,
  transposed,
  weights,
} from './mended.ts';

beforeAll(startEngine);

describe('matrices that have lost combinations of what they read answer as before', () => {
  const W = transposed(weights('W', [8, 6], lastEmpty));
  const b = weights('b', [8], bias);
  const vector = (body: string, more: string[], head = 'float[N,6] x', foot = 'float[N,3] y') =>
    cut(
      model(
        `g (${head}) => (${foot}) < ${[W, b, ...more].join(', ')} > { h = Gemm (x, W, b) r = Relu (h) ${body} }`,
      ),
    );
  const many = (some: Case, dims: Record<string, number>) => ({
    samples: samplesOf(some.dense, 40, dims),
    dims,
  });

  it.each([
    ['Gemm', 'y = Gemm (r, V, c)', [transposed(weights('V', [3, 8])), weights('c', [3])]],
    ['Gemm with transB', 'y = Gemm <transB = 1> (r, V, c)', [weights('V', [3, 8]), weights('c', [1, 3])]],
    ['Gemm without a bias', 'y = Gemm <transB = 1> (r, V)', [weights('V', [3, 8])]],
    [
      'MatMul and Add',
      'm = MatMul (r, V) y = Add (m, c)',
      [transposed(weights('V', [3, 8])), weights('c', [3])],
    ],
    [
      'Add in front of MatMul',
      'm = MatMul (r, V) y = Add (c, m)',
      [transposed(weights('V', [3, 8])), weights('c', [1, 3])],
    ],
  ] as const)('%s', async (_, body, more) => {
    const some = vector(body, [...more]);
    // 40 samples of 512 rows.
    expect((await expectMended(some, many(some, { N: 512 }))).fitted).toBe(1);
  });

  it('MatMul that nothing is added to', async () => {
    const some = cut(
      model(`g (float[N,S,6] x) => (float[N,S,3] y) < ${transposed(weights('W', [8, 6], multiples))}, ${transposed(weights('V', [3, 8]))} > {
        h = MatMul (x, W) r = Relu (h) y = MatMul (r, V) }`),
    );
    const before = some.pruned.graph.nodes.length;
    expect(await expectMended(some, many(some, { N: 2, S: 300 }))).toEqual({ fitted: 1, skipped: [] });
    expect(some.pruned.graph.nodes).toHaveLength(before);
  });

  it('inputs of which the first axis is a length', async () => {
    const some = vector(
      'y = Gemm (r, V, c)',
      [transposed(weights('V', [3, 8])), weights('c', [3])],
      'float[T,6] x',
      'float[T,3] y',
    );
    const lengths: Samples = {
      count: 12,
      read: async (i) => ({
        id: `${i}`,
        inputs: seededFeeds(some.dense, 50 + i, { dims: { T: 1000 + i } }),
      }),
    };
    await expectMended(some, { samples: lengths, dims: { T: 9 } });
  });

  it.each([
    ['a Gemm that scales', 'y = Gemm <alpha = 2.0> (r, V, c)', 'scaled-Gemm'],
    ['a Gemm that scales there and back', 'y = Gemm <alpha = 2.0, beta = 0.5> (r, V, c)', 'scaled-Gemm'],
  ])('%s keeps its weights and says why', async (_, body, reason) => {
    const some = vector(body, [transposed(weights('V', [3, 8])), weights('c', [3])]);
    const old = numbers(findValue(some.pruned, 'V')!.constant as Tensor);
    expect(await mend(some)).toEqual({ fitted: 0, skipped: [{ at: 'V', reason }] });
    expect(numbers(findValue(some.pruned, 'V')!.constant as Tensor)).toEqual(old);
  });

  it('a bias by row keeps its place', async () => {
    const some = vector(
      'y = Gemm (r, V, c)',
      [transposed(weights('V', [3, 8])), weights('c', [3, 1])],
      'float[3,6] x',
      'float[3,3] y',
    );
    expect((await mend(some)).skipped).toEqual([{ at: 'V', reason: 'bias-not-by-channel' }]);
  });

  it('weights that two nodes read stay, and so do those that sum over too much', async () => {
    const twice = vector('k = Relu (r) p = MatMul (r, V) q = MatMul (k, V) y = Add (p, q)', [
      transposed(weights('V', [3, 8])),
    ]);
    expect((await mend(twice)).skipped.map((s) => s.reason)).toEqual(['weights-read-twice']);
    const wide = vector('y = Gemm (r, V, c)', [transposed(weights('V', [3, 8])), weights('c', [3])]);
    expect((await mend(wide, { maxColumns: 3 })).skipped.map((s) => s.reason)).toEqual([
      'too-wide: sums over 4',
    ]);
    expect((await mend(wide, { maxColumns: 4 })).fitted).toBe(1);
  });

  it('a constant that a caller may override, which stays one', async () => {
    const V = transposed(weights('V', [3, 8]));
    const scale = cut(
      model(`g (float[N,6] x, float[3] k) => (float[N,3] y) < ${[W, b, V, weights('k', [3])].join(', ')} > {
        h = Gemm (x, W, b) r = Relu (h) m = Gemm (r, V) y = Mul (m, k) }`),
    );
    await expectMended(scale, many(scale, { N: 512 }));
    const shift = cut(
      model(`g (float[N,6] x, float[3] c) => (float[N,3] y) < ${[W, b, V, weights('c', [3])].join(', ')} > {
        h = Gemm (x, W, b) r = Relu (h) y = Gemm (r, V, c) }`),
    );
    expect((await mend(shift)).skipped).toEqual([{ at: 'V', reason: 'bias-not-by-channel' }]);
  });
});
