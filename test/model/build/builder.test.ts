import { describe, expect, it } from 'vitest';
import {
  copyWeights,
  dense,
  dropout,
  gpt2,
  gpt2Tiny,
  initialTensor,
  kaiming,
  linear,
  lstm,
  mlp,
  networkBuilder,
  normal,
  t5,
  t5Tiny,
  vit,
  vitTiny,
  xavier,
  zeros,
} from '../../../src/model/build/index.ts';
import { isOp, type Model } from '../../../src/model/ir/model.ts';
import { float32Values } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';

const weightNames = (model: Model) => [...model.graph.initializers].map((v) => v.name);
const expectCode = (act: () => unknown, code: string, message: RegExp) => {
  expect(act).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
};

describe('the builder', () => {
  it('names weights, nodes and values after the scopes they are in', () => {
    const b = networkBuilder({ name: 'net' });
    const x = b.input('x', 'float32', ['batch', 3]);
    b.output('y', linear(b.at('block0').at('attention'), 'query', x, { inputs: 3, outputs: 2 }));
    const model = b.build();
    expect(weightNames(model)).toEqual(['block0/attention/query/weight', 'block0/attention/query/bias']);
    expect(model.graph.nodes.map((node) => node.name)).toEqual([
      'block0/attention/query/MatMul',
      'block0/attention/query/Add',
    ]);
    expect(model.graph.outputs.map((v) => v.name)).toEqual(['y']);
  });

  it('takes a weight asked for again under its name as the same weight', () => {
    const b = networkBuilder({ name: 'net' });
    const first = b.at('tokens').weight('weight', [4, 2], normal());
    expect(b.at('tokens').weight('weight', [4, 2], normal())).toBe(first);
    expectCode(
      () => b.at('tokens').weight('weight', [2, 4], zeros),
      'NETWORK_CONFIG',
      /\[4,2\].*\[2,4\] came/,
    );
  });

  it('keeps what is not trained out of the initializers', () => {
    const model = gpt2(gpt2Tiny);
    expect([...model.graph.initializers].filter((v) => v.constant!.dims.length === 0)).toEqual([]);
    const constants = model.graph.nodes.filter((node) => isOp(node, 'Constant')).map((node) => node.name);
    expect(constants).toContain('block0/attention/scale');
  });

  it('names the layer whose sizes do not fit', () => {
    const b = networkBuilder({ name: 'net' });
    const x = b.input('x', 'float32', ['batch', 3]);
    b.output('y', dense(b, 'classifier', x, { inputs: 4, outputs: 2 }));
    expectCode(() => b.build(), 'NETWORK_SHAPES', /Gemm "classifier\/Gemm"/);
  });

  it('refuses a name that is taken, sizes that are none, and an opset it does not write', () => {
    const b = networkBuilder({ name: 'net' });
    b.input('x', 'float32', ['batch', 3]);
    expectCode(() => b.input('x', 'float32', ['batch', 3]), 'NETWORK_NAME', /"x"/);
    expectCode(() => b.weight('w', [3, 0], zeros), 'NETWORK_CONFIG', /\[3,0\] came/);
    expectCode(() => networkBuilder({ name: 'net', opset: 21 }), 'NETWORK_CONFIG', /17 to 20; 21 came/);
  });

  it('refuses settings of a network that do not fit, with both numbers', () => {
    expectCode(() => gpt2({ ...gpt2Tiny, heads: 5 }), 'NETWORK_CONFIG', /multiple of heads \(5\); 48 came/);
    expectCode(() => vit({ ...vitTiny, patch: 5 }), 'NETWORK_CONFIG', /multiple of patch \(5\); 28 came/);
    expectCode(() => mlp({ inputs: 4, hidden: [3], classes: 2, dropout: 1 }), 'NETWORK_CONFIG', /1 came/);
  });

  it('leaves dropout of ratio 0 out', () => {
    const b = networkBuilder({ name: 'net' });
    const x = b.input('x', 'float32', ['batch', 3]);
    expect(dropout(b, 'dropout', x, 0)).toBe(x);
    expect(dropout(b, 'dropout', x, 0.1).producer?.opType).toBe('Dropout');
  });
});

describe('start values', () => {
  const moments = (x: Float32Array) => {
    const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
    return { mean, std: Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length) };
  };
  const draw = (initial: Parameters<typeof initialTensor>[1], name = 'w', seed = 1) =>
    float32Values(initialTensor([200, 500], initial, seed, name));

  it.each([
    ['normal 0.02', normal(0.02), 0.02],
    ['Kaiming for 50 inputs', kaiming(50), 0.2],
    ['Xavier for 50 and 100', xavier(50, 100), Math.sqrt(2 / 150)],
  ] as const)('%s has mean 0 and the right spread', (_, initial, std) => {
    const found = moments(draw(initial));
    // Of 100 000 samples the mean is within 4·std/√n, the spread within 4/√(2n) of it.
    expect(Math.abs(found.mean)).toBeLessThan((4 * std) / Math.sqrt(1e5));
    expect(Math.abs(found.std / std - 1)).toBeLessThan(4 / Math.sqrt(2e5));
  });

  it('depend on seed and name, so that a weight is the same in every graph that has it', () => {
    expect(draw(normal())).toEqual(draw(normal()));
    expect(draw(normal(), 'v')[0]).not.toBe(draw(normal())[0]);
    expect(draw(normal(), 'w', 2)[0]).not.toBe(draw(normal())[0]);
    const names = ['tokens/weight', 'block1/mlp/up/weight', 'head/weight'];
    const graphs = [true, false].map((cache) => gpt2({ ...gpt2Tiny, tied: false, cache }));
    for (const name of names) {
      const [a, b] = graphs.map((model) => float32Values(findValue(model, name)!.constant!));
      expect(a).toEqual(b);
    }
  });

  it('of large weights are computed when asked for', () => {
    const large = initialTensor([1024, 1024], normal(), 1, 'w');
    expect(large.kind).toBe('lazy');
    expect(Buffer.compare(large.bytes(), large.bytes())).toBe(0);
  });

  it("open an LSTM's forget gate and no other", () => {
    const b = networkBuilder({ name: 'net' });
    const x = b.input('x', 'float32', ['sequence', 'batch', 2]);
    b.output('y', lstm(b, 'lstm', x, { inputs: 2, hidden: 3 }).last);
    const bias = float32Values(findValue(b.build(), 'lstm/bias')!.constant!);
    // ONNX: Wb[iofc], then Rb[iofc].
    const forget = [...Array(6).fill(0), 1, 1, 1, ...Array(15).fill(0)];
    expect([...bias]).toEqual(forget);
  });
});

describe('copying weights', () => {
  it('shares the tensors of equal names and tells what was left', () => {
    const joint = t5({ ...t5Tiny, seed: 9 });
    const encoder = t5({ ...t5Tiny, part: 'encoder' });
    const { copied, missing, unused } = copyWeights(joint, encoder);
    expect(copied).toEqual(weightNames(encoder));
    expect(missing).toEqual([]);
    expect(unused.every((name) => name.startsWith('decoder/'))).toBe(true);
    for (const name of copied)
      expect(findValue(encoder, name)?.constant).toBe(findValue(joint, name)?.constant);
  });

  it('names a weight that is missing, and one that has another shape, and changes nothing then', () => {
    const small = gpt2({ ...gpt2Tiny, layers: 1, seed: 2 });
    const large = gpt2(gpt2Tiny);
    const before = findValue(large, 'tokens/weight')!.constant;
    expectCode(() => copyWeights(small, large), 'WEIGHTS_MISSING', /16 of \d+ .*"block1\/norm0\/scale"/);
    expectCode(
      () => copyWeights(gpt2({ ...gpt2Tiny, vocabulary: 31 }), large),
      'WEIGHTS_MISMATCH',
      /"tokens\/weight" is float32 \[32,48\].*float32 \[31,48\]/,
    );
    expect(findValue(large, 'tokens/weight')!.constant).toBe(before);
    expect(copyWeights(small, large, { partial: true }).missing).toHaveLength(16);
  });
});
