/** Graphs of one network against each other, and layers made of primitives against onnxruntime's own operators. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { buildKernel, openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import {
  activation,
  causalMask,
  copyWeights,
  gpt2,
  gpt2Tiny,
  multiHeadAttention,
  networkBuilder,
  positions,
  relativeBuckets,
  rmsNorm,
  sizeOf,
  t5,
  t5Tiny,
} from '../../../src/model/build/index.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { float, int } from '../../../src/model/ir/attribute.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { createRandom } from '../../../src/support/random.ts';
import { largestDifference, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

type Feeds = Readonly<Record<string, Tensor>>;

async function run(model: Model, feeds: Feeds): Promise<Record<string, Tensor>> {
  const session = await engine.open({ bytes: encodeModel(model) });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Other sums of the same float32 terms: some tens of roundings of 6e-8 each. */
const sameFloats = 1e-5;
const expectSame = (a: Tensor, b: Tensor) => {
  const { difference, magnitude } = largestDifference(a, b);
  expect(difference).toBeLessThanOrEqual(sameFloats * Math.max(1, magnitude));
};

const tokens = (rows: number, length: number, below: number, seed = 1) => {
  const random = createRandom(seed);
  return tensorOf(
    'int64',
    [rows, length],
    Array.from({ length: rows * length }, () => random.integer(below)),
  );
};

/** Columns from `from` to `to` of a matrix [rows, columns], or the middle axis of a stack of them. */
function columns(t: Tensor, from: number, to: number): Tensor {
  const [rows = 0, length = 0, width = 1] = t.dims;
  const all = numbers(t);
  const kept = Array.from({ length: rows }, (_, row) =>
    all.slice((row * length + from) * width, (row * length + to) * width),
  );
  return tensorOf(t.dtype, [rows, to - from, ...t.dims.slice(2)], kept.flat());
}

describe('gpt2 with a cache', () => {
  // Larger weights than a fresh network's, so that attention is not close to a plain mean.
  const wide = { ...gpt2Tiny, layers: 3 };
  const trained = () => {
    const model = gpt2({ ...wide, cache: false, seed: 7 });
    for (const v of model.graph.initializers)
      if (/weight$/.test(v.name))
        float32Values(v.constant!).forEach((x, i, all) => {
          all[i] = 10 * x;
        });
    return model;
  };

  it.each([
    ['one token at a time', [1, 1, 1, 1, 1, 1, 1, 1, 1]],
    ['a prompt, then tokens', [6, 1, 1, 1]],
    ['pieces', [2, 4, 3]],
  ])('scores the same fed %s as all at once', async (_, pieces) => {
    const [rows, length] = [3, 9];
    const whole = trained();
    const model = gpt2(wide);
    copyWeights(whole, model);
    const ids = tokens(rows, length, gpt2Tiny.vocabulary);
    const { logits: expected } = await run(whole, { input_ids: ids });

    const session = await engine.open({ bytes: encodeModel(model) });
    const headDim = wide.width / wide.heads;
    let past: Record<string, Tensor> = Object.fromEntries(
      Array.from({ length: wide.layers }, (_, i) =>
        ['key', 'value'].map((role) => `past_key_values.${i}.${role}`),
      )
        .flat()
        .map((name) => [name, tensorOf('float32', [rows, wide.heads, 0, headDim], [])]),
    );
    let at = 0;
    for (const piece of pieces) {
      const results = await session.run({ input_ids: columns(ids, at, at + piece), ...past });
      expectSame(results['logits']!, columns(expected!, at, at + piece));
      past = Object.fromEntries(
        Object.entries(results).flatMap(([name, t]) =>
          name.startsWith('present.') ? [[name.replace('present', 'past_key_values'), t]] : [],
        ),
      );
      at += piece;
    }
    await session.close();
  });

  it('foretells from what came before only', async () => {
    const model = trained();
    const ids = tokens(1, 8, gpt2Tiny.vocabulary);
    const changed = tensorOf(
      'int64',
      [1, 8],
      numbers(ids).map((id, i) => (i < 5 ? id : (id + 1) % 32)),
    );
    const { logits: a } = await run(model, { input_ids: ids });
    const { logits: b } = await run(model, { input_ids: changed });
    expectSame(columns(a!, 0, 5), columns(b!, 0, 5));
    expect(largestDifference(columns(a!, 5, 8), columns(b!, 5, 8)).difference).toBeGreaterThan(0.1);
  });
});

describe('t5', () => {
  it('in two halves scores as in one graph, padding included', async () => {
    const joint = t5({ ...t5Tiny, seed: 3 });
    const halves = (['encoder', 'decoder'] as const).map((part) => t5({ ...t5Tiny, part }));
    for (const half of halves) copyWeights(joint, half);
    const ids = numbers(tokens(3, 40, 90)).map((id, i) =>
      i % 40 >= 40 - 9 * Math.floor(i / 40) ? 0 : id + 1,
    );
    const input = tensorOf('int64', [3, 40], ids);
    const mask = tensorOf(
      'int64',
      [3, 40],
      ids.map((id) => (id === 0 ? 0 : 1)),
    );
    const target = tokens(3, 37, 90, 2);
    const { logits: expected } = await run(joint, { input_ids: input, decoder_input_ids: target });
    const { last_hidden_state: memory } = await run(halves[0]!, { input_ids: input, attention_mask: mask });
    const { logits } = await run(halves[1]!, {
      input_ids: target,
      encoder_hidden_states: memory!,
      encoder_attention_mask: mask,
    });
    expectSame(expected!, logits!);
  });

  it('does not see padding: a longer row of it changes nothing', async () => {
    const joint = t5({ ...t5Tiny, seed: 3 });
    const target = tokens(1, 4, 90, 2);
    const row = [5, 6, 7, 8];
    const short = await run(joint, { input_ids: tensorOf('int64', [1, 4], row), decoder_input_ids: target });
    const long = await run(joint, {
      input_ids: tensorOf('int64', [1, 9], [...row, 0, 0, 0, 0, 0]),
      decoder_input_ids: target,
    });
    expectSame(short['logits']!, long['logits']!);
  });

  it('puts distances in the buckets that T5 does', () => {
    // By hand from mesh-tensorflow's formula: 8 exact buckets a side, then 8 + ⌊8·ln(n/8)/ln(16)⌋, at most 15.
    const both = relativeBuckets({ buckets: 32, maxDistance: 128, bidirectional: true });
    const of = (distance: number) => both[distance + 128];
    expect([0, -1, 1, -7, 7, -8, 8, -16, 16, -64, 64, -128, 128].map(of)).toEqual([
      0, 1, 17, 7, 23, 8, 24, 10, 26, 14, 30, 15, 31,
    ]);
    // One side: 16 exact buckets, then 16 + ⌊16·ln(n/16)/ln(8)⌋, at most 31.
    const back = relativeBuckets({ buckets: 32, maxDistance: 128, bidirectional: false });
    expect([5, 0, -1, -15, -16, -32, -64, -127, -128].map((d) => back[d + 128])).toEqual([
      0, 0, 1, 15, 16, 21, 26, 31, 31,
    ]);
  });
});

describe("layers against onnxruntime's operators", () => {
  it.each([true, false])('attention (causal: %s) equals Attention of opset 23', async (causal) => {
    const [width, heads] = [24, 4];
    const b = networkBuilder({ name: 'attention', seed: 5 });
    const x = b.input('x', 'float32', ['batch', 'sequence', width]);
    const places = positions(b, b.integers(0), sizeOf(b, x, 1));
    const mask = causal ? causalMask(b, places, places) : undefined;
    b.output('y', multiHeadAttention(b, 'layer', x, { width, heads, mask }).output);
    const ours = b.build();

    const weight = (name: string) => findValue(ours, `layer/${name}`)!.constant!;
    const oracle = buildKernel((k) => {
      const input = k.input('x', 'float32', ['batch', 'sequence', width]);
      const project = (role: string, from = input) =>
        k.op('Add', [
          k.op('MatMul', [from, k.constant(weight(`${role}/weight`))]),
          k.constant(weight(`${role}/bias`)),
        ]);
      const attended = k.op('Attention', [project('query'), project('key'), project('value')], {
        q_num_heads: heads,
        kv_num_heads: heads,
        is_causal: causal ? 1 : 0,
      });
      k.output('y', project('output', attended), 'float32');
    }, 23);
    await expectEqualRuns(ours, oracle);
  });

  it.each([
    ['gelu', 'none'],
    ['gelu-tanh', 'tanh'],
  ] as const)('%s from primitives equals Gelu of opset 20', async (kind, approximate) => {
    const b = networkBuilder({ name: 'gelu' });
    b.output('y', activation(b, kind, b.input('x', 'float32', ['batch', 5, 24])));
    const oracle = buildKernel((k) => {
      k.output('y', k.op('Gelu', [k.input('x', 'float32', ['batch', 5, 24])], { approximate }), 'float32');
    });
    await expectEqualRuns(b.build(), oracle);
  });

  it.each([17, 18])('RMS normalisation at opset %i equals RMSNormalization of opset 23', async (opset) => {
    const b = networkBuilder({ name: 'rms', opset });
    b.output('y', rmsNorm(b, 'norm', b.input('x', 'float32', ['batch', 5, 24]), 24));
    const oracle = buildKernel((k) => {
      const scale = k.constant(tensorOf('float32', [24], new Float32Array(24).fill(1)));
      const x = k.input('x', 'float32', ['batch', 5, 24]);
      k.output('y', k.op('RMSNormalization', [x, scale], { axis: int(-1), epsilon: float(1e-6) }), 'float32');
    }, 23);
    await expectEqualRuns(b.build(), oracle);
  });

  async function expectEqualRuns(ours: Model, oracle: Model): Promise<void> {
    const feeds = seededFeeds(ours, 11, { dims: { batch: 2, sequence: 7 } });
    const session = await openKernel(engine, oracle);
    const expected = await session.run(feeds);
    await session.close();
    const { y } = await run(ours, feeds);
    expectSame(expected['y']!, y!);
  }
});
