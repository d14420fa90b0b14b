import { beforeAll, describe, expect, it } from 'vitest';
import { measureActivity } from '../../../src/compress/prune/activity.ts';
import { findChannelGroups } from '../../../src/compress/prune/channel-groups.ts';
import { createCostModel } from '../../../src/compress/prune/cost-model.ts';
import { scoreUnits } from '../../../src/compress/prune/importance.ts';
import { narrow, planPruning, pruneModel } from '../../../src/compress/prune/prune.ts';
import { takeSlices } from '../../../src/compress/prune/remove.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import {
  cnn,
  cnnTiny,
  gpt2,
  gpt2Tiny,
  stackedLstm,
  stackedLstmTiny,
  t5,
  t5Tiny,
  transformerEncoder,
  transformerEncoderTiny,
  vit,
  vitTiny,
} from '../../../src/model/build/index.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { type Model, shapeOf } from '../../../src/model/ir/model.ts';
import { numbers, tensorOf } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { matchAxes } from '../../../src/model/ops/channels/movement.ts';
import { modelMacs } from '../../../src/model/ops/cost.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';
import { maskModel } from './masked.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

/** Two hidden layers; the channels of the first have magnitudes that are easy to rank. */
const layers = () =>
  parseModel(
    `<ir_version: 8, opset_import: ["" : 17]>
    g (float[1,2,4,4] x) => (float[1,2,4,4] y) <
      float[4,2,1,1] W = {1, 1, 3, -4, 2, 0, 0, -2},
      float[4] s = {1, -2, 3, 4}, float[4] o = {0, 0, 0, 0}, float[4] m = {0, 0, 0, 0}, float[4] v = {1, 1, 1, 1},
      float[2,4,1,1] V = {1, 5, 1, 1, 1, 12, 1, 1}
    > {
      c = Conv (x, W)
      n = BatchNormalization (c, s, o, m, v)
      y = Conv (n, V)
    }`,
    'layers',
  );

const groupsOf = (model: Model) => findChannelGroups(model).groups.map((g) => `${g.units.length} ${g.kind}`);

describe('reshapes', () => {
  it('are split into runs of axes that hold the same elements, symbols included', () => {
    expect(matchAxes(['B', 'S', 48], ['B', 'S', 3, 16])).toEqual([
      { a: [0], b: [0] },
      { a: [1], b: [1] },
      { a: [2], b: [2, 3] },
    ]);
    expect(matchAxes(['B', 3, 'S', 16], ['3*B', 'S', 16])).toEqual([
      { a: [0, 1], b: [0] },
      { a: [2], b: [1] },
      { a: [3], b: [2] },
    ]);
    expect(matchAxes([1, 6, 5], [6, 1, 5, 1])).toEqual([
      { a: [1], b: [0] },
      { a: [2], b: [2] },
    ]);
    expect(matchAxes(['T', 2, 'Z'], ['U', 2, 'Z']).map((r) => r.unclear ?? false)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('cutting tensors', () => {
  it('takes the listed indices of several axes at once', () => {
    const t = tensorOf('float32', [2, 3, 2], [...Array(12).keys()]);
    const cut = takeSlices(t, [[1], [0, 2], null]);
    expect(cut.dims).toEqual([1, 2, 2]);
    expect(numbers(cut)).toEqual([6, 7, 10, 11]);
  });
});

describe('importance', () => {
  const scores = (how: Parameters<typeof scoreUnits>[1], data = {}) =>
    [...scoreUnits(findChannelGroups(layers()).groups[0]!, how, data)].map((s) => Number(s.toFixed(3)));

  it('by magnitude averages what every member says, each relative to its mean', () => {
    // L1 of W: 2 7 2 2 (mean 3.25); |s|: 1 2 3 4 (2.5); L1 of the columns of V: 2 17 2 2 (5.75).
    const expected = [2, 7, 2, 2].map(
      (w, i) => (w / 3.25 + [1, 2, 3, 4][i]! / 2.5 + [2, 17, 2, 2][i]! / 5.75) / 3,
    );
    expect(scores('l1')).toEqual(expected.map((e) => Number(e.toFixed(3))));
    // Squares: of W 2 25 4 4, of s 1 4 9 16, of the columns of V 2 169 2 2.
    const [w, g, v] = [
      [2, 25, 4, 4],
      [1, 4, 9, 16],
      [2, 169, 2, 2],
    ] as const;
    const mean = (list: readonly number[]) => list.reduce((p, q) => p + q, 0) / 4;
    const l2 = w.map((x, i) => (x / mean(w) + g[i]! / mean(g) + v[i]! / mean(v)) / 3);
    expect(scores('l2')).toEqual(l2.map((e) => Number(e.toFixed(3))));
  });

  it('by BatchNorm scale looks at nothing else', () => {
    expect(scores('batchnorm')).toEqual([0.4, 0.8, 1.2, 1.6]);
  });

  it('by Taylor expansion adds weight times gradient over what makes a unit', () => {
    const gradients = new Map([['W', tensorOf('float32', [4, 2, 1, 1], [1, -1, 1, 0, 0, 5, 0, 2.5])]]);
    // |1−1|, |3|, |0|, |−5|, of mean 2.
    expect(scores('taylor', { gradients })).toEqual([0, 1.5, 0, 2.5]);
  });

  it('by activation weighs the columns that read a unit with what they read', () => {
    const activity = new Map([['V', Float64Array.from([13, 1, 13, 0])]]);
    const raw = [169 * 2, 169, 169 * 2, 0];
    const mean = raw.reduce((a, b) => a + b, 0) / 4;
    expect(scores('activation', { activity })).toEqual(raw.map((r) => Number((r / mean).toFixed(3))));
  });

  it('measures activations as the root mean square over samples and positions', async () => {
    const model = layers();
    const { groups } = findChannelGroups(model);
    const samples = [1, 2].map((seed) => ({ id: `${seed}`, inputs: seededFeeds(model, seed) }));
    const activity = await measureActivity(engine, model, groups, {
      count: 2,
      read: async (i) => samples[i]!,
    });
    const whole = cloneModel(model);
    whole.graph.outputs[0] = findValue(whole, 'n')!;
    const sums = [0, 0, 0, 0];
    for (const { inputs } of samples) {
      const { n } = await runModel(engine, whole, inputs);
      numbers(n!).forEach((v, i) => {
        sums[Math.floor(i / 16)]! += (v * v) / 32;
      });
    }
    // Means of 32 float32 squares.
    sums.forEach((s, i) => {
      expect(activity.get('V')![i]).toBeCloseTo(Math.sqrt(s), 5);
    });
  });
});

describe('what a unit costs', () => {
  it('is its rows, its BatchNorm parameters and the columns that read it', () => {
    const model = layers();
    const { groups, links } = findChannelGroups(model);
    // 2 weights, 4 parameters, 2 weights; 16 positions times 2 and 2 products.
    const cost = createCostModel(model, links);
    const [dense, without] = [cost(new Set()), cost(new Set(groups[0]!.units.slice(0, 1)))];
    expect(groups).toHaveLength(1);
    expect([dense.parameters - without.parameters, dense.macs - without.macs]).toEqual([8, 64]);
  });
});

describe('targets', () => {
  const network = () => cnn({ ...cnnTiny, batchNorm: true });

  it('are shares of the dense model, also when it is pruned in steps', () => {
    const model = network();
    const dense = modelMacs(model).macs;
    pruneModel(model, { target: { macs: 0.75 } });
    expect(modelMacs(model).macs).toBeLessThanOrEqual(0.75 * dense);
    const second = pruneModel(model, { target: { macs: 0.5 } });
    expect(second.dense.macs).toBe(dense);
    expect(second.after.macs).toBe(modelMacs(model).macs);
    expect(second.after.macs).toBeLessThanOrEqual(0.5 * dense);
    expect(second.after.macs).toBeGreaterThan(0.4 * dense);
    expect(pruneModel(model, { target: { macs: 0.5 } }).removed).toEqual([]);
  });

  it('can be approached in steps, with widths and shares of the dense model in mind', () => {
    const wide = cnn({ ...cnnTiny, filters: [64, 64, 64], hidden: 64 });
    const { removed, before, after } = pruneModel(wide, { target: { macs: 0.3 }, steps: 5, leave: 0.25 });
    expect(after.macs / before.macs).toBeLessThanOrEqual(0.3);
    for (const { from, to } of removed) expect([from, to % 8, to >= 16]).toEqual([64, 0, true]);
    const last = removed.find((r) => r.at === 'conv2/Conv');
    expect(shapeOf(findValue(wide, 'conv2/weight'))?.[0]).toBe(last?.to ?? 64);
  });

  it('in parameters count float weights', () => {
    const model = network();
    const { before, after } = pruneModel(model, { target: { parameters: 0.5 } });
    expect(after.parameters).toBeLessThanOrEqual(0.5 * before.parameters);
    expect(after.parameters).toBeGreaterThan(0.4 * before.parameters);
  });

  it('in latency ask what layers cost at their new sizes', () => {
    const model = network();
    const asked = new Set<string>();
    const layerCost = ({
      node,
      outputs,
      macs,
    }: {
      node: { opType: string };
      outputs: readonly unknown[];
      macs: number;
    }) => {
      asked.add(node.opType);
      return outputs.length > 0 ? 0.01 + macs * 1e-6 : 0;
    };
    const { before, after } = pruneModel(model, { target: { latency: 0.6 } }, { layerCost });
    expect(after.latencyMs! / before.latencyMs!).toBeLessThanOrEqual(0.6);
    expect(after.latencyMs! / before.latencyMs!).toBeGreaterThan(0.5);
    expect([...asked]).toContain('Conv');
    expect(() => pruneModel(network(), { target: { latency: 0.6 } })).toThrow(/latency/);
  });

  it('that need what was not given are refused', () => {
    const code = (f: () => unknown) => {
      try {
        f();
      } catch (e) {
        return (e as { code: string }).code;
      }
      return 'nothing thrown';
    };
    const target = { macs: 0.5 };
    expect(code(() => pruneModel(network(), {}))).toBe('PRUNE_TARGET_MISSING');
    expect(code(() => pruneModel(network(), { target, importance: 'taylor' }))).toBe('PRUNE_NEEDS_INPUT');
    expect(code(() => pruneModel(network(), { target, importance: 'activation' }))).toBe('PRUNE_NEEDS_INPUT');
    expect(code(() => pruneModel(network(), { target: { macs: 0.001 } }))).toBe('PRUNE_TARGET_UNREACHABLE');
  });

  it('leave widths that kernels like, and a share of every group', () => {
    const wide = cnn({ ...cnnTiny, filters: [64, 64, 64], hidden: 64 });
    const { removed } = pruneModel(wide, { target: { macs: 0.3 }, leave: 0.25 });
    for (const { to } of removed) {
      expect(to % 8).toBe(0);
      expect(to).toBeGreaterThanOrEqual(16);
    }
  });

  it('uniformly take the same share of every group', () => {
    const { removed } = pruneModel(network(), { ratio: 0.5, scope: 'uniform' });
    expect(removed.map(({ from, to }) => to / from)).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('reach only the kinds of units that are asked for', () => {
    const model = transformerEncoder(transformerEncoderTiny);
    const { removed, skipped } = pruneModel(model, { ratio: 0.5, scope: 'uniform', what: ['heads'] });
    expect(removed.map((r) => `${r.from}>${r.to} ${r.kind}`)).toEqual(['4>2 heads', '4>2 heads']);
    expect(skipped.filter((s) => s.reason === 'not-asked-for: hidden')).toHaveLength(2);
  });
});

describe('built networks', () => {
  const networks: readonly (readonly [string, Model, string[]])[] = [
    ['stacked lstm', stackedLstm(stackedLstmTiny), ['16 hidden', '48 hidden', '48 hidden']],
    ['encoder', transformerEncoder(transformerEncoderTiny), ['4 heads', '96 hidden', '4 heads', '96 hidden']],
    ['gpt2', gpt2({ ...gpt2Tiny, cache: false }), ['4 heads', '192 hidden', '4 heads', '192 hidden']],
    // The cache of keys and values is an input of the model.
    ['gpt2 with a cache', gpt2(gpt2Tiny), ['192 hidden', '192 hidden']],
    // One table of relative positions ties the heads of all self-attentions of a stack.
    [
      't5',
      t5(t5Tiny),
      ['4 heads', '64 hidden', '64 hidden', '4 heads', '4 heads', '64 hidden', '4 heads', '64 hidden'],
    ],
    ['vit', vit(vitTiny), ['4 heads', '96 hidden', '4 heads', '96 hidden']],
  ];

  it.each(networks)(
    '%s: heads and hidden units are found, and go without a trace',
    async (_, model, groups) => {
      expect(groupsOf(model)).toEqual(groups);
      const plan = planPruning(model, { ratio: 0.5 });
      const pruned = cloneModel(model);
      pruneModel(pruned, { ratio: 0.5 });
      const feeds = seededFeeds(model, 1, { dims: { past: 0 } });
      const expected = await runModel(engine, maskModel(model, plan), feeds);
      const found = await runModel(engine, pruned, feeds);
      for (const [name, tensor] of Object.entries(expected)) {
        const { difference, magnitude } = largestDifference(tensor, found[name]!);
        // float32 sums in another order.
        expect(difference).toBeLessThanOrEqual(1e-5 * Math.max(1, magnitude));
      }
    },
  );

  it('get narrower as a whole, residual streams included', async () => {
    for (const [, model] of networks) {
      const student = cloneModel(model);
      const { before, after } = narrow(student, 0.5);
      expect(after.macs / before.macs).toBeLessThan(0.6);
      await runModel(engine, student, seededFeeds(model, 1, { dims: { past: 0 } }));
    }
    const student = gpt2({ ...gpt2Tiny, cache: false });
    narrow(student, 0.5);
    const widths = [...student.graph.initializers].map((v) => shapeOf(v)!.join('×'));
    expect(widths).toContain('24×96');
    expect(widths).not.toContain('48×192');
  });
});

describe.skipIf(!zoo)('real models (set EDGEPRESS_ZOO to run)', () => {
  const load = (path: string) => readModelFile(`${zoo}/models/${path}`);
  const repeated = (n: number, ...kinds: string[]) => Array.from({ length: n }, () => kinds).flat();

  it('nano-gpt has three heads and 192 hidden units in each of three layers', () => {
    expect(groupsOf(load('nano-gpt-sort/gpt-nano-sort.onnx'))).toEqual(repeated(3, '3 heads', '192 hidden'));
  });

  it('tiny-llama has four key heads that take two query heads each along', () => {
    const { groups } = findChannelGroups(load('tiny-llama-stories260K/stories260K.onnx'));
    expect(groups.map((g) => `${g.units.length} ${g.kind}`)).toEqual(repeated(5, '4 heads', '172 hidden'));
    const columns = groups[0]!.members.map((m) => m.indices[1]!.length);
    expect(columns).toEqual([16, 8, 8, 16]);
  });

  it('kwt1 has 256 hidden units in each of twelve blocks, and single dimensions of its one head', () => {
    const groups = groupsOf(load('onnx-kwt1/kwt1.onnx'));
    expect(groups.filter((g) => g === '256 hidden')).toHaveLength(12);
    expect(groups.filter((g) => g === '64 hidden')).toHaveLength(24);
  });

  it('ResNet-56 loses channels of a stage together with what its padded shortcuts pass on', () => {
    const { groups, pinned } = findChannelGroups(load('cifar10-resnet/resnet56.onnx'));
    const sizes = new Map<number, number>();
    for (const g of groups) sizes.set(g.units.length, (sizes.get(g.units.length) ?? 0) + 1);
    expect([...sizes].map(([size, count]) => `${count}×${size}`).sort()).toEqual(['10×32', '11×16', '9×64']);
    expect(pinned.map((p) => p.reason)).toEqual(['graph-output']);
  });
});
