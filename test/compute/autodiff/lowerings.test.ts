/** A lowered operator gives what the runtime's own kernel for it gives. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEmitter } from '../../../src/compute/autodiff/emitter.ts';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import { lowerings } from '../../../src/compute/autodiff/lowerings/index.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { float } from '../../../src/model/ir/attribute.ts';
import { addInput, addNode, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import { type Model, opKey, type Value } from '../../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';
import { attentionCases } from './cases/attention.ts';
import { fusedCases } from './cases/fused.ts';
import { normalizationCases } from './cases/normalization.ts';
import { buildCase, type GradientCase, startCase } from './check-gradient.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

async function run(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openKernel(engine, model);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

const keys = (model: Model) => model.graph.nodes.map(opKey);
/** Lowered to themselves with more outputs. */
const same = ['BatchNormalization', 'LayerNormalization', 'SimplifiedLayerNormalization'];
const isLowered = (key: string) => Object.hasOwn(lowerings, key) && !same.includes(key);
const cases = [...attentionCases, ...fusedCases, ...normalizationCases].filter((c) =>
  keys(startCase(c).model).some(isLowered),
);

/** `value` under the name given. */
function named(model: Model, name: string, value: Value): Value {
  const output = createValue(model.names, name, value.type, true);
  addNode(model.graph, { opType: 'Identity', inputs: [value], outputs: [output] });
  return output;
}

/** The case with outputs y0 …. */
function withOutputs(c: GradientCase) {
  const { model, feeds, outputs } = startCase(c);
  const names = outputs.map((y, i) => {
    addOutput(model.graph, named(model, `y${i}`, y));
    return `y${i}`;
  });
  return { model, feeds, outputs: names };
}

describe('lowered operators', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_, c) => {
    const { model, feeds, outputs } = withOutputs(c);
    const composite = keys(model).filter(isLowered);
    const before = await run(model, feeds);
    lower(model, 'infer');
    expect(keys(model).filter((k) => composite.includes(k))).toEqual([]);
    const after = await run(model, feeds);
    for (const name of outputs) {
      const [a, b] = [numbers(before[name] as Tensor), numbers(after[name] as Tensor)];
      expect(after[name]?.dims).toEqual(before[name]?.dims);
      // Sums in another order, float32.
      const scale = Math.max(...a.map(Math.abs));
      expect(Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number)))) / scale).toBeLessThan(1e-5);
    }
  });
});

describe('BatchNormalization in training', () => {
  /** One channel of x over a convolution by 1, all weights constants, as in a network whose weights are frozen. */
  function frozen() {
    const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
    const x = addInput(model.graph, createValue(model.names, 'x', tensorType('float32', [2, 1, 1, 2]), true));
    const e = createEmitter(model);
    const [weight, scale, bias, mean, variance] = [1, 2, 0.5, 10, 4].map((v, i) =>
      e.constant(tensorOf('float32', i === 0 ? [1, 1, 1, 1] : [1], [v])),
    ) as [Value, Value, Value, Value, Value];
    const y = e.op('BatchNormalization', [e.op('Conv', [x, weight]), scale, bias, mean, variance], {
      epsilon: float(0),
      momentum: float(0.75),
    });
    addOutput(model.graph, named(model, 'y', y));
    return { model, mean, variance, feeds: { x: tensorOf('float32', [2, 1, 1, 2], [1, 3, 5, 7]) } };
  }

  it("normalises by its batch and moves the running statistics towards the batch's, as PyTorch does", async () => {
    const { model, mean, variance, feeds } = frozen();
    const { updates } = lower(model, 'train');
    for (const [name, state] of [
      ['mean', mean],
      ['variance', variance],
    ] as const)
      addOutput(model.graph, named(model, name, updates.get(state) as Value));
    const out = await run(model, feeds);
    // Mean 4, variance 5 of the batch, 20/3 unbiased: 2·(x − 4)/√5 + ½; ¾·10 + ¼·4; ¾·4 + ¼·20/3.
    const expected = [1, 3, 5, 7].map((x) => (2 * (x - 4)) / Math.sqrt(5) + 0.5);
    for (const [i, v] of numbers(out['y'] as Tensor).entries())
      expect(v).toBeCloseTo(expected[i] as number, 5);
    expect(numbers(out['mean'] as Tensor)[0]).toBeCloseTo(8.5, 5);
    expect(numbers(out['variance'] as Tensor)[0]).toBeCloseTo(3 + 5 / 3, 5);
  });

  it('normalises by the running statistics when the network is to stay as deployed', async () => {
    const { model, feeds } = frozen();
    const { updates } = lower(model, 'infer');
    expect(updates.size).toBe(0);
    const out = await run(model, feeds);
    // Scale 2 over σ 2, mean 10: x − 10 + ½.
    expect(numbers(out['y'] as Tensor)).toEqual([-8.5, -6.5, -4.5, -2.5]);
  });
});

it('refuses the gradient of an Einsum that takes a diagonal, naming the node and its equation', () => {
  const take = () =>
    buildCase(
      { name: 'diagonal', inputs: [[3, 3]], build: (e, x) => e.op('Einsum', [x], { equation: 'ii->i' }) },
      true,
    );
  expect(take).toThrow(expect.objectContaining({ code: 'GRADIENT_UNSUPPORTED' }));
  expect(take).toThrow(/"ii->i"/);
});
