/** What it costs a model to lose a unit once what is left has been refitted. */
import { beforeAll, describe, expect, it } from 'vitest';
import { digits } from '../../../scripts/fixtures/data/index.ts';
import { findChannelGroups } from '../../../src/compress/prune/channel-groups.ts';
import { pruneModel } from '../../../src/compress/prune/prune.ts';
import {
  type ReconstructionScoreOptions,
  scoreReconstruction,
} from '../../../src/compress/prune/reconstruction-scores.ts';
import { takeSlices } from '../../../src/compress/prune/remove.ts';
import type { Samples } from '../../../src/compute/calibrate/run-samples.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const random = createRandom(2);
const list = (values: Iterable<number>) => [...values].map((v) => v.toFixed(4)).join(', ');
const normals = (n: number, scale = 1) => Array.from({ length: n }, () => scale * random.normal());

const samplesOf = (model: Model, count: number): Samples => ({
  count,
  read: async (i) => ({ id: `${i}`, inputs: seededFeeds(model, 100 + i, { dims: { N: 1 } }) }),
});

/** Of each group, in the order of its units. */
async function score(model: Model, samples: Samples, options: ReconstructionScoreOptions = {}) {
  const { groups } = findChannelGroups(model, {});
  const errors = await scoreReconstruction(engine, model, groups, samples, options);
  expect(errors.size).toBe(groups.reduce((n, g) => n + g.units.length, 0));
  const scores = groups.map((g) => g.keys.map((key) => errors.get(key) as number));
  return { errors, groups, scores };
}

const smallest = (scores: readonly number[]) => scores.indexOf(Math.min(...scores));

/** Units from the one that goes first. */
const ranked = (scores: readonly number[]) => [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);

describe('scoring by reconstruction', () => {
  it('gives a channel that is there twice the smallest score of its group', async () => {
    const rows = Array.from({ length: 6 }, () => normals(6));
    rows[5] = rows[2]!;
    const model = parseModel(
      `<ir_version: 8, opset_import: ["" : 17]> g (float[N,6,12,12] x) => (float[N,3,12,12] y) <
        float[6,6,1,1] W = {${list(rows.flat())}}, float[3,6,1,1] V = {${list(normals(18))}}
      > { a = Conv (x, W) r = Relu (a) y = Conv (r, V) }`,
      'g',
    );
    const {
      scores: [scores],
    } = await score(model, samplesOf(model, 8));
    expect(scores).toHaveLength(6);
    expect([2, 5]).toContain(smallest(scores!));
    const [first, second] = ranked(scores!);
    expect(scores![first!]).toBeLessThan(0.2 * scores![second!]!);
  });

  /** Two branches that are added; the second weighs a hundredth. */
  const branches = () =>
    parseModel(
      `<ir_version: 8, opset_import: ["" : 17]> g (float[N,5] x) => (float[N,3] y) <
        float[5,6] A = {${list(normals(30))}}, float[6,3] C = {${list(normals(18))}},
        float[5,6] B = {${list(normals(30))}}, float[6,3] D = {${list(normals(18, 0.01))}}
      > {
        a = MatMul (x, A) h = Relu (a) c = MatMul (h, C)
        b = MatMul (x, B) k = Relu (b) d = MatMul (k, D)
        y = Add (c, d)
      }`,
      'g',
    );

  it('ranks a group that the answer hardly depends on below one that it depends on', async () => {
    const model = branches();
    const { errors, groups, scores } = await score(model, samplesOf(model, 64));
    expect(groups.map((g) => g.name)).toEqual(['a', 'b']);
    const [strong, weak] = scores;
    // Errors are squared: 10⁻⁴, and units of a group differ by less than a hundred.
    expect(Math.max(...weak!)).toBeLessThan(Math.min(...strong!));
    const pruned = cloneModel(model);
    const { removed } = pruneModel(
      pruned,
      { ratio: 0.4, importance: 'reconstruction', round: 1 },
      { errors },
    );
    expect(removed).toMatchObject([{ at: 'b' }]);
  });

  it('does not take a branch that no sample goes through for one that nothing depends on', async () => {
    const model = parseModel(
      `<ir_version: 8, opset_import: ["" : 17]> g (bool c, float[N,5] x) => (float[N,3] y) <
        float[5,6] A = {${list(normals(30))}}, float[6,3] C = {${list(normals(18))}},
        float[5,6] B = {${list(normals(30))}}, float[6,3] D = {${list(normals(18))}}
      > {
        y = If <
          then_branch = t () => (float[N,3] p) { a = MatMul (x, A) h = Relu (a) p = MatMul (h, C) },
          else_branch = e () => (float[N,3] q) { b = MatMul (x, B) k = Relu (b) q = MatMul (k, D) }
        > (c)
      }`,
      'g',
    );
    const yes = { c: tensorOf('bool', [], [1]) };
    const feeds = (i: number) => seededFeeds(model, 100 + i, { dims: { N: 1 }, tensors: yes });
    const { groups, scores } = await score(model, {
      count: 24,
      read: async (i) => ({ id: `${i}`, inputs: feeds(i) }),
    });
    expect(groups.map((g) => g.name)).toEqual(['a', 'b']);
    const [taken, other] = scores.map((s) => s.reduce((n, v) => n + v, 0));
    expect(other).toBeGreaterThan(taken! / 10);
    expect(other).toBeLessThan(taken! * 10);
  });

  it('tells groups apart that one node makes', async () => {
    const model = parseModel(
      `<ir_version: 8, opset_import: ["" : 18]> g (float[N,5] x) => (float[N,3] y) <
        float[5,12] A = {${list(normals(60))}},
        float[6,3] C = {${list(normals(18))}}, float[6,3] D = {${list(normals(18, 0.01))}}
      > {
        a = MatMul (x, A) p, q = Split <axis = -1, num_outputs = 2> (a)
        c = MatMul (p, C) d = MatMul (q, D)
        y = Add (c, d)
      }`,
      'g',
    );
    const { errors, groups, scores } = await score(model, samplesOf(model, 64));
    expect(groups.map((g) => g.name)).toEqual(['a', 'a']);
    const [strong, weak] = scores;
    expect(Math.max(...weak!)).toBeLessThan(Math.min(...strong!));
    const options = { ratio: 0.4, importance: 'reconstruction', round: 1 } as const;
    const pruned = cloneModel(model);
    const { removed } = pruneModel(pruned, options, { errors });
    expect(removed).toEqual([{ at: 'a', kind: 'hidden', from: 12, to: 7 }]);
  });

  it('keeps the order of elimination, and counts what never goes as more than all that does', async () => {
    // Six units that have nothing to do with each other, each weighed four times as much as the one before, in some order.
    const order = [3, 0, 5, 1, 4, 2];
    const C = Array.from({ length: 6 }, (_, u) => [1, -1].map((sign) => sign * 4 ** order.indexOf(u)));
    const eye = Array.from({ length: 36 }, (_, k) => (k % 7 === 0 ? 1 : 0));
    const model = parseModel(
      `<ir_version: 8, opset_import: ["" : 17]> g (float[N,6] x) => (float[N,2] y) <
        float[6,6] A = {${list(eye)}}, float[6,2] C = {${list(C.flat())}}
      > { a = MatMul (x, A) h = Relu (a) y = MatMul (h, C) }`,
      'g',
    );
    const {
      scores: [all],
    } = await score(model, samplesOf(model, 90));
    // At least a tenth stays: one unit.
    expect(ranked(all!)).toEqual(order);
    const {
      scores: [half],
    } = await score(model, samplesOf(model, 90), { leave: 0.5 });
    expect(ranked(half!).slice(0, 3)).toEqual(order.slice(0, 3));
    const last = half![order[2]!]!;
    for (const u of order.slice(3)) expect(half![u]).toBeGreaterThan(1.5 * last);
  });

  it('judges by magnitude where layers sum over too much', async () => {
    const model = branches();
    const { scores } = await score(model, samplesOf(model, 4), { maxColumns: 5 });
    for (const values of scores) {
      expect(values.every((v) => Number.isFinite(v) && v > 0)).toBe(true);
      expect(new Set(values).size).toBe(values.length);
    }
  });

  it('leaves the model as it was, tells how far it is, and stops when it is told to', async () => {
    const model = branches();
    const before = cloneModel(model);
    const seen: string[] = [];
    await score(model, samplesOf(model, 4), {
      onProgress: (done, total) => seen.push(`${done} of ${total}`),
    });
    expect(seen).toEqual(['1 of 2', '2 of 2']);
    const feeds = seededFeeds(model, 1);
    const [a, b] = [await runModel(engine, before, feeds), await runModel(engine, model, feeds)];
    expect(largestDifference(a['y']!, b['y']!).difference).toBe(0);
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(score(model, samplesOf(model, 4), { signal })).rejects.toThrow('stopped');
  });

  it('has a score for every unit of every group of a shipped network', async () => {
    const model = readModelFile('fixtures/models/digits-cnn.onnx');
    const pictures = digits({ train: 20, heldOut: 0, input: 'image' }).train['image']!;
    const samples: Samples = {
      count: 20,
      read: async (i) => ({ id: `${i}`, inputs: { image: takeSlices(pictures, [[i], null, null, null]) } }),
    };
    const { scores } = await score(model, samples);
    for (const values of scores) expect(values.every((v) => Number.isFinite(v) && v > 0)).toBe(true);
  });
});
