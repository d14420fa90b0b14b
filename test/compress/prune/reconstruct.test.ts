/** Fitting what pruning left. Where every removed channel is a fixed combination of those that stay, the dense model's answers
 *  can be met exactly, and have to be. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type PruneResult, pruneModel } from '../../../src/compress/prune/prune.ts';
import type { Samples } from '../../../src/compute/calibrate/run-samples.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { createRandom } from '../../../src/support/random.ts';
import { seededFeeds } from '../../run-model.ts';
import {
  answer,
  bias,
  close,
  cut,
  distance,
  expectMended,
  image,
  lastEmpty,
  mend,
  model,
  samplesOf,
  side,
  startEngine,
  weights,
} from './mended.ts';

beforeAll(startEngine);

describe('a model that has lost combinations of what it kept answers as before', () => {
  const first = [weights('W', [8, 2, 1, 1], lastEmpty), weights('b', [8], bias)];
  const next = weights('V', [3, 8, 1, 1]);
  const bn = ['s', 'o', 'm'].map((n) => weights(n, [3]));
  const after = (r: string) => ({
    'a bias': [`${weights('c', [3])}`, `y = Conv (${r}, V, c)`],
    'no bias, which gets one': ['', `y = Conv (${r}, V)`],
    'BatchNormalization behind it': [
      `${bn.join(', ')}, float[3] v = {0.5, 2, 0.1}`,
      `d = Conv (${r}, V) y = BatchNormalization (d, s, o, m, v)`,
    ],
    'a bias and BatchNormalization': [
      `${weights('c', [3])}, ${bn.join(', ')}, float[3] v = {0.5, 2, 0.1}`,
      `d = Conv (${r}, V, c) y = BatchNormalization (d, s, o, m, v)`,
    ],
    'a vector added along the width': [weights('t', [side]), `d = Conv (${r}, V) y = Add (d, t)`],
  });

  it.each(Object.entries(after('r')))('Conv, Relu, Conv with %s', async (_, [more, nodes]) => {
    const constants = [...first, next, ...(more ? [more] : [])].join(', ');
    const some = cut(
      model(`g (${image}) => (${answer(3)}) < ${constants} > { a = Conv (x, W, b) r = Relu (a) ${nodes} }`),
    );
    expect(some.result.outputs.get('a')).toEqual([0, 1, 2, 3]);
    expect(await expectMended(some)).toEqual({ fitted: 1, skipped: [] });
  });

  it('Conv with as many channels as pixels in a row, and a vector added along these', async () => {
    const constants = [
      weights('W', [8, 2, 1, 1], lastEmpty),
      weights('b', [8], bias),
      weights('V', [side, 8, 1, 1]),
    ];
    const some = cut(
      model(`g (${image}) => (${answer(side)}) < ${[...constants, weights('t', [side])].join(', ')} > {
        a = Conv (x, W, b) r = Relu (a) d = Conv (r, V) y = Add (d, t) }`),
    );
    await expectMended(some);
  });

  it('BatchNormalization between, kernels of 3×3 with strides', async () => {
    // Four statistics that belong together by channel.
    const per = ['s', 'o', 'm', 'v'].map((name) =>
      weights(name, [8], (i, rows) => (i < 4 ? (name === 'v' ? [0.5 + i] : null) : rows[i - 4]!)),
    );
    const constants = [
      weights('W', [8, 2, 3, 3], (i, rows) => (i < 4 ? null : rows[i - 4]!)),
      ...per,
      weights('V', [3, 8, 3, 3]),
    ];
    const some = cut(
      model(`g (${image}) => (float[N,3,${side / 2},${side / 2}] y) < ${constants.join(', ')} > {
        a = Conv <pads = [1, 1, 1, 1]> (x, W) n = BatchNormalization (a, s, o, m, v) r = Relu (n)
        y = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (r, V) }`),
    );
    // 36 columns that overlap: the prior pulls more than elsewhere.
    expect(await distance(some.dense, some.pruned)).toBeGreaterThan(0.3);
    await mend(some, { samples: samplesOf(some.dense, 24) });
    expect(await distance(some.dense, some.pruned)).toBeLessThan(2e-2);
  });

  it('a grouped Conv, each group from what it reads', async () => {
    const first = weights('W', [8, 2, 1, 1], (i, rows) => (i < 4 ? null : rows[i - 4]!));
    // Reads every channel as it reads its twin, so half of the answer goes; read twice, it is not fitted.
    const middle = weights('M', [8, 8, 1, 1], (i) =>
      Array.from({ length: 8 }, (_, c) => Math.sin(1 + 3 * i + 5 * (c % 4))),
    );
    const last = `${weights('G', [6, 4, 3, 3])}, ${weights('g', [6])}`;
    const some = cut(
      model(`g (${image}) => (${answer(6)}) < ${first}, ${middle}, ${last} > {
        a = Conv (x, W) r = Relu (a) l = LeakyRelu (a) b = Conv (r, M) c = Conv (l, M) t = Add (b, c)
        p = Relu (t) y = Conv <group = 2, pads = [1, 1, 1, 1]> (p, G, g) }`),
    );
    expect(await distance(some.dense, some.pruned)).toBeGreaterThan(0.3);
    // 36 columns that overlap: the prior pulls more than elsewhere.
    const { fitted, skipped } = await mend(some, { samples: samplesOf(some.dense, 48), damping: 1e-6 });
    expect(await distance(some.dense, some.pruned)).toBeLessThan(1e-2);
    expect(fitted).toBe(1);
    expect(skipped.map((s) => s.reason)).toEqual(['weights-read-twice']);
  });

  it('a depthwise Conv between', async () => {
    const per = (name: string, ...rest: number[]) =>
      weights(name, [8, ...rest], (i, rows) => (i < 4 ? null : rows[i - 4]!));
    const constants = [per('W', 2, 1, 1), per('D', 1, 3, 3), per('d'), weights('V', [3, 8, 1, 1])];
    const some = cut(
      model(`g (${image}) => (${answer(3)}) < ${constants.join(', ')} > {
        a = Conv (x, W) e = Conv <group = 8, pads = [1, 1, 1, 1]> (a, D, d) r = Relu (e) y = Conv (r, V) }`),
    );
    const { fitted, skipped } = await expectMended(some);
    expect([fitted, skipped]).toEqual([2, []]);
  });

  it('when its batch is fixed', async () => {
    const constants = [...first, next].join(', ');
    const fixed = (text: string) => text.replace('[N,', '[1,');
    const some = cut(
      model(
        `g (${fixed(image)}) => (${fixed(answer(3))}) < ${constants} > { a = Conv (x, W, b) r = Relu (a) y = Conv (r, V) }`,
      ),
    );
    await expectMended(some);
  });

  it('pruned in steps: indices that stay are those of the dense model', async () => {
    // Every other channel is a tenth of its neighbour, and goes first by magnitude.
    const random = createRandom(5);
    const even = (n: number) =>
      Array.from({ length: n }, () => (random.integer(2) * 2 - 1) * (1 + random.next() / 4));
    const tenth = (n: number) => (i: number, rows: number[][]) =>
      i % 2 ? rows[i - 1]!.map((v) => v / 10) : even(n);
    const layers = [weights('W', [8, 2, 1, 1], tenth(2)), weights('b', [8], tenth(1))];
    const second = [weights('V', [8, 8, 1, 1], tenth(8)), weights('d', [8], tenth(1))];
    const dense =
      model(`g (${image}) => (${answer(3)}) < ${[...layers, ...second, weights('U', [3, 8, 1, 1], () => even(8))].join(', ')} > {
      a = Conv (x, W, b) r = Relu (a) e = Conv (r, V, d) s = Relu (e) y = Conv (s, U) }`);
    const pruned = cloneModel(dense);
    const result = pruneModel(pruned, { target: { parameters: 0.38 }, steps: 3, round: 1, scope: 'uniform' });
    expect(result.removed.map((r) => [r.from, r.to])).toEqual([
      [8, 4],
      [8, 4],
    ]);
    expect(result.outputs.get('a')).toEqual([0, 2, 4, 6]);
    expect(result.outputs.get('e')).toEqual([0, 2, 4, 6]);
    const done = await mend({ dense, pruned, result });
    expect(done.fitted).toBe(2);
    expect(await distance(dense, pruned)).toBeLessThan(close);
  });

  it('with a bias that another node reads too, which keeps it', async () => {
    const constants = [...first, next, weights('c', [3]), weights('U', [3, 2, 1, 1])].join(', ');
    const some = cut(
      model(`g (${image}) => (${answer(3)}, ${answer(3).replace('y', 'z')}) < ${constants} > {
        a = Conv (x, W, b) r = Relu (a) y = Conv (r, V, c) z = Conv (x, U, c) }`),
    );
    const shared = numbers(findValue(some.dense, 'c')!.constant as Tensor);
    await expectMended(some);
    const other = some.pruned.graph.nodes.find((n) => n.outputs[0]!.name === 'z')!;
    expect(numbers(other.inputs[2]!.constant!)).toEqual(shared);
    const own = some.pruned.graph.nodes.find((n) => n.outputs[0]!.name === 'y')!;
    expect(numbers(own.inputs[2]!.constant!)).not.toEqual(shared);
  });
});

describe('a residual stream', () => {
  /** Two branches of the input are added to a stream. The first loses units for good, and reads 3×3 places, which is more than
   *  is fitted here; the second keeps units that say the same. */
  const stream = (behind: string, more: readonly string[] = []) => {
    const lower = weights('A', [4, 2, 1, 1]);
    const a = /\{(.*)\}/.exec(lower)![1]!.split(', ').map(Number);
    const unit = (i: number) => a.slice(2 * i, 2 * i + 2);
    // Of the second branch: the units that the first loses (2, 3), two of its own, and all of them again.
    const B = weights('B', [8, 2, 1, 1], (i, rows) => (i < 2 ? unit(i + 2) : i < 4 ? null : rows[i - 4]!));
    const random = createRandom(6);
    const centre = weights('C', [3, 4, 3, 3], () =>
      Array.from({ length: 36 }, (_, k) => (k % 9 === 4 ? 1 + random.next() : 0)),
    );
    const constants = [weights('P', [3, 2, 1, 1]), lower, B, centre, weights('D', [3, 8, 1, 1]), ...more];
    return cut(
      model(`g (${image}) => (${answer(3)}) < ${constants.join(', ')} > {
        p = Conv (x, P)
        a = Conv (x, A) h = Relu (a) c = Conv <pads = [1, 1, 1, 1]> (h, C) s = Add (p, c)
        b = Conv (x, B) k = Relu (b) d = Conv (k, D) ${behind} }`),
    );
  };
  const scales = [
    weights('o', [3]),
    weights('m', [3]),
    'float[3] t = {0.8, -1.5, 2}, float[3] v = {0.5, 2, 1}',
  ];

  it.each([
    ['directly', 'y = Add (s, d)', []],
    ['scaled by a BatchNormalization', 'n = BatchNormalization (d, t, o, m, v) y = Add (n, s)', scales],
    ['behind an addition of constants', `f = Add (d, q) y = Add (f, s)`, [weights('q', [3, 1, 1])]],
  ] as const)('is mended by the next layer that adds to it %s', async (_, behind, more) => {
    const some = stream(behind, more);
    const { fitted, skipped } = await expectMended(some, {
      maxColumns: 8,
      samples: samplesOf(some.dense, 24),
    });
    expect(fitted).toBe(1);
    expect(skipped.map((s) => s.reason)).toEqual(['too-wide: sums over 18']);
  });
});

describe('fitting', () => {
  const some = () =>
    cut(
      model(
        `g (${image}) => (${answer(3)}) < ${[weights('W', [8, 2, 1, 1]), weights('V', [3, 8, 1, 1])].join(', ')} > { a = Conv (x, W) r = Relu (a) y = Conv (r, V) }`,
      ),
    );

  it('leaves the dense model as it was, and tells how far it is', async () => {
    const one = some();
    const before = cloneModel(one.dense);
    const seen: string[] = [];
    await mend(one, { onProgress: (done, total) => seen.push(`${done} of ${total}`) });
    expect(seen).toEqual(['1 of 1']);
    expect(await distance(before, one.dense)).toBe(0);
  });

  it('has nothing to do where nothing was removed', async () => {
    const { dense } = some();
    const result = { outputs: new Map() } as unknown as PruneResult;
    expect(await mend({ dense, pruned: cloneModel(dense), result })).toEqual({ fitted: 0, skipped: [] });
  });

  it('stops when it is told to, and where samples have what is not a number', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(mend(some(), { signal: stopped })).rejects.toThrow('stopped');
    const wrong = some();
    const samples: Samples = {
      count: 2,
      read: async (i) => {
        const { x } = seededFeeds(wrong.dense, i, { dims: { N: 1 } });
        new Float32Array(x!.bytes().buffer, x!.bytes().byteOffset, 4).fill(Number.NaN);
        return { id: `picture ${i}`, inputs: { x: x! } };
      },
    };
    await expect(mend(wrong, { samples })).rejects.toMatchObject({ code: 'CALIBRATION_NOT_FINITE' });
  });
});
