/** Heads of attention with one projection for query, key and value, in the forms that exporters write: the axis of three
 *  stands at any place, and its parts are taken by Split, Gather or Slice. Oracle: onnxruntime on the model in which the
 *  heads are masked. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findChannelGroups } from '../../../src/compress/prune/channel-groups.ts';
import { planPruning, pruneModel } from '../../../src/compress/prune/prune.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { largestDifference, normalTensor, runModel, seededFeeds } from '../../run-model.ts';
import { maskModel } from './masked.ts';

const [heads, width] = [4, 2];
const size = heads * width;
const sizes: Readonly<Record<string, number>> = { p: 3, h: heads, d: width, N: 0, S: 5 };

const parts = (nodes: (name: string, index: number) => string) => ['q', 'k', 'v'].map(nodes).join('\n');

const ints = (name: string, value: number) => `${name} = Constant <value_ints = [${value}]> ()`;

const squeeze = (name: string, axis: number) =>
  `${ints(`${name}x`, axis)} ${name} = Squeeze (${name}1, ${name}x)`;

const split = (axis: number) => `q1, k1, v1 = Split <axis = ${axis}> (t, ones)`;

/** How one of three parts leaves an axis: nodes that make `q`, `k` and `v` of `t`, without that axis. */
const ways: Readonly<Record<string, (axis: number) => string>> = {
  'Split and Squeeze': (axis) => split(axis) + parts((n) => squeeze(n, axis)),
  'Split and Reshape': (axis) => split(axis) + parts((n) => `${n} = Reshape (${n}1, apart)`),
  'Gather of a scalar': (axis) =>
    parts((n, i) => `${n}i = Constant <value_int = ${i}> () ${n} = Gather <axis = ${axis}> (t, ${n}i)`),
  'Gather of a list and Squeeze': (axis) =>
    parts((n, i) => `${ints(`${n}i`, i)} ${n}1 = Gather <axis = ${axis}> (t, ${n}i) ${squeeze(n, axis)}`),
  'Slice and Squeeze': (axis) =>
    parts(
      (n, i) => `${ints(`${n}s`, i)} ${ints(`${n}e`, i + 1)} ${ints(`${n}a`, axis)}
        ${n}1 = Slice (t, ${n}s, ${n}e, ${n}a) ${squeeze(n, axis)}`,
    ),
};

const weight = (name: string, dims: readonly number[], seed: number) =>
  `float[${dims.join()}] ${name} = {${numbers(normalTensor(dims, seed)).join()}}`;

/** @param packed  the axes that the projection is taken apart into, as "phd" (ViT, Swin) or "hpd" (GPT-NeoX, BLOOM)
 *  @param moved  order of the axes after a Transpose, as "pNhSd"; null: none
 *  @param way  of `ways` */
function attention(packed: string, moved: string | null, way: string, batch: string): Model {
  const before = `NS${packed}`;
  const order = moved ?? before;
  const axis = order.indexOf('p');
  // What is left without the axis of three, on its way to [N, heads, S, …].
  const left = order.replace('p', '');
  const turned = (to: string) => `<perm = [${[...to].map((letter) => left.indexOf(letter)).join()}]>`;
  const shape = [...before].map((letter) => sizes[letter]!);
  return parseModel(
    `<ir_version: 8, opset_import: ["" : 17]>
    g (float[${batch},5,6] x) => (float[${batch},5,6] y) <
      ${weight('W', [6, 3 * size], 1)}, ${weight('b', [3 * size], 2)}, ${weight('O', [size, 6], 3)},
      int64[5] taken = {${shape.join()}}, int64[3] ones = {1,1,1}, int64[4] apart = {${[...left].map((l) => (l === 'N' ? -1 : sizes[l]!)).join()}},
      int64[3] back = {0, 5, ${size}}
    > {
      f = MatMul (x, W)
      g = Add (f, b)
      r = Reshape (g, taken)
      ${moved ? `t = Transpose <perm = [${[...moved].map((letter) => before.indexOf(letter)).join()}]> (r)` : 't = Identity (r)'}
      ${ways[way]!(axis)}
      qt = Transpose ${turned('NhSd')} (q)
      kt = Transpose ${turned('NhdS')} (k)
      vt = Transpose ${turned('NhSd')} (v)
      a = MatMul (qt, kt)
      s = Softmax <axis = -1> (a)
      o = MatMul (s, vt)
      ot = Transpose <perm = [0, 2, 1, 3]> (o)
      m = Reshape (ot, back)
      y = MatMul (m, O)
    }`,
    'attention',
  );
}

describe('heads of a packed projection', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  const forms: [string, string | null][] = [
    ['phd', 'pNhSd'],
    ['phd', 'NhpSd'],
    ['phd', null],
    ['hpd', null],
    ['hpd', 'pNhSd'],
    ['hdp', null],
    ['hdp', 'pNhSd'],
  ];
  for (const way of Object.keys(ways))
    for (const [packed, moved] of forms)
      for (const batch of ['N', '1'])
        it(`${way}, axes ${packed} moved to ${moved ?? 'nowhere'}, batch ${batch}`, async () => {
          const dense = attention(packed, moved, way, batch);
          expect(findChannelGroups(dense).groups.map((g) => `${g.units.length} ${g.kind}`)).toEqual([
            '4 heads',
          ]);
          const options = { ratio: 0.5, round: 1 };
          const plan = planPruning(dense, options);
          const pruned = cloneModel(dense);
          pruneModel(pruned, options);
          verifyModel(pruned);
          expect(findValue(pruned, 'W')!.constant!.dims).toEqual([6, (3 * size) / 2]);
          const feeds = seededFeeds(dense, 1, { dims: { N: 2 } });
          const { y: expected } = await runModel(engine, maskModel(dense, plan), feeds);
          const { y: found } = await runModel(engine, pruned, feeds);
          const { difference, magnitude } = largestDifference(expected!, found!);
          // Sums of 8 terms of order 1 in another order.
          expect(difference).toBeLessThanOrEqual(1e-5);
          expect(magnitude).toBeGreaterThan(1e-2);
        });
});
