/** LSTM, GRU and RNN written out as loops compute what onnxruntime's own kernels compute. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEmitter } from '../../../src/compute/autodiff/emitter.ts';
import { differentiate } from '../../../src/compute/autodiff/gradients.ts';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import { recomputeForward } from '../../../src/compute/autodiff/recompute.ts';
import { emitLoop } from '../../../src/compute/autodiff/scan.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { float } from '../../../src/model/ir/attribute.ts';
import { addInput, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import { isOp, type Model, type Value } from '../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';
import { createRandom } from '../../../src/support/random.ts';
import { recurrentCases } from './cases/recurrent.ts';
import { buildCase } from './check-gradient.ts';

type Attributes = Parameters<ReturnType<typeof createEmitter>['op']>[2];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const [batch, size, hidden] = [3, 4, 5];
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;

interface Built {
  readonly model: Model;
  readonly feeds: Record<string, Tensor>;
}

/** The operator alone: inputs x, w, r, b, h (and c), all its outputs. */
function build(op: keyof typeof gates, attributes: Attributes, steps = 6): Built {
  const random = createRandom(5);
  const directions = attributes?.['direction'] === 'bidirectional' ? 2 : 1;
  const rows = gates[op] * hidden;
  const state = [directions, batch, hidden];
  const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
  const { graph } = model;
  const feeds: Record<string, Tensor> = {};
  const input = (name: string, dims: readonly number[]) => {
    const count = dims.reduce((a, b) => a * b, 1);
    feeds[name] = tensorOf(
      'float32',
      dims,
      Float32Array.from({ length: count }, () => random.normal()),
    );
    return addInput(graph, createValue(graph.names, name, tensorType('float32', dims), true));
  };
  const e = createEmitter(model);
  const outputs = e.ops(
    op,
    [
      input('x', [steps, batch, size]),
      input('w', [directions, rows, size]),
      input('r', [directions, rows, hidden]),
      input('b', [directions, 2 * rows]),
      null,
      input('h', state),
      ...(op === 'LSTM' ? [input('c', state)] : []),
    ],
    op === 'LSTM' ? 3 : 2,
    { hidden_size: hidden, ...attributes },
  );
  for (const v of outputs) addOutput(graph, v);
  return { model, feeds };
}

async function run({ model, feeds }: Built): Promise<Tensor[]> {
  const session = await openKernel(engine, model);
  try {
    const out = await session.run(feeds);
    return model.graph.outputs.map((v) => out[v.name] as Tensor);
  } finally {
    await session.close();
  }
}

function lowered(built: Built): Built {
  lower(built.model, 'train');
  expect(built.model.graph.nodes.some((n) => isOp(n, 'LSTM', 'GRU', 'RNN'))).toBe(false);
  return built;
}

function expectClose(ours: readonly Tensor[], theirs: readonly Tensor[]): void {
  expect(ours.map((t) => t.dims)).toEqual(theirs.map((t) => t.dims));
  for (const [i, t] of ours.entries()) {
    const expected = float32Values(theirs[i] as Tensor);
    const largest = float32Values(t).reduce(
      (max, v, j) => Math.max(max, Math.abs(v - (expected[j] ?? 0))),
      0,
    );
    // Values up to about 5 (Relu), sums in another order; onnxruntime's own sigmoid and tanh are approximations.
    expect(largest).toBeLessThan(2e-5);
  }
}

const forms: readonly [keyof typeof gates, Attributes][] = (
  ['forward', 'reverse', 'bidirectional'] as const
).flatMap((direction) => [
  ['LSTM', { direction }],
  ['GRU', { direction }],
  ['GRU', { direction, linear_before_reset: 1 }],
  ['RNN', { direction }],
]) as [keyof typeof gates, Attributes][];

describe('recurrent operators written out', () => {
  it.each(forms)('%s %o gives what onnxruntime gives', async (op, attributes) => {
    expectClose(await run(lowered(build(op, attributes))), await run(build(op, attributes)));
  });

  it('a single step is a sequence too', async () => {
    expectClose(await run(lowered(build('LSTM', {}, 1))), await run(build('LSTM', {}, 1)));
  });

  it('RNN with Relu gives what onnxruntime gives', async () => {
    const relu = { activations: ['Relu'] };
    expectClose(await run(lowered(build('RNN', relu, 3))), await run(build('RNN', relu, 3)));
  });

  it('layout 1, which onnxruntime refuses, is layout 0 with batch and time exchanged', async () => {
    const exchanged = (t: Tensor): Tensor => {
      const [a = 1, b = 1, ...rest] = t.dims;
      const width = rest.reduce((x, y) => x * y, 1);
      const values = float32Values(t);
      const moved = Array.from({ length: a * b }, (_, i) => {
        const from = ((i % a) * b + Math.floor(i / a)) * width;
        return Array.from(values.subarray(from, from + width));
      });
      return tensorOf('float32', [b, a, ...rest], moved.flat());
    };
    const attributes = { direction: 'bidirectional' } as const;
    const [y, h, c] = (await run(build('LSTM', attributes))) as [Tensor, Tensor, Tensor];
    const plain = build('LSTM', attributes);
    const swapped = Object.fromEntries(
      Object.entries(plain.feeds).map(([k, t]) => [k, ['x', 'h', 'c'].includes(k) ? exchanged(t) : t]),
    );
    const batchFirst = rebuilt(swapped, { ...attributes, layout: 1 });
    const [y1, h1, c1] = (await run(lowered(batchFirst))) as [Tensor, Tensor, Tensor];
    // [T, D, B, H] → [B, T, D, H]
    const [steps = 1, directions = 1] = y.dims;
    const timeInner = exchanged({ ...y, dims: [steps * directions, batch, hidden] } as Tensor);
    expect(y1.dims).toEqual([batch, steps, directions, hidden]);
    expectClose(
      [tensorOf('float32', timeInner.dims, numbers(y1)), h1, c1],
      [timeInner, exchanged(h), exchanged(c)],
    );
  });
});

/** An LSTM over given feeds. */
function rebuilt(feeds: Record<string, Tensor>, attributes: Attributes): Built {
  const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
  const { graph } = model;
  const inputs = Object.entries(feeds).map(([name, t]) =>
    addInput(graph, createValue(graph.names, name, tensorType('float32', t.dims), true)),
  );
  const [x, w, r, b, h, c] = inputs as [Value, Value, Value, Value, Value, Value];
  const e = createEmitter(model);
  const all = { hidden_size: hidden, ...attributes };
  for (const v of e.ops('LSTM', [x, w, r, b, null, h, c], 3, all)) addOutput(graph, v);
  return { model, feeds };
}

it('a loop that is computed again on the way back gives the same gradients', async () => {
  const kept = buildCase(recurrentCases[0] as (typeof recurrentCases)[number], true);
  const again = buildCase(recurrentCases[0] as (typeof recurrentCases)[number], true);
  const count = recomputeForward(createEmitter(again.model), again.model.graph.outputs[0] as Value, 2);
  expect(count).toBeGreaterThan(0);
  expectClose(await run(again), await run(kept));
});

describe('what the loops do not do is refused', () => {
  const refused: readonly [string, Attributes][] = [
    ['a clip value', { clip: float(3) }],
    ['coupled gates', { input_forget: 1 }],
    ['other activations', { activations: ['HardSigmoid', 'Tanh', 'Tanh'] }],
  ];
  it.each(refused)('%s', (_, attributes) => {
    const { model } = build('LSTM', attributes);
    expect(() => lower(model, 'train')).toThrow(expect.objectContaining({ code: 'RECURRENT_UNSUPPORTED' }));
  });

  it('sequences that end before the last step; lengths that say all steps are nothing to refuse', () => {
    const withLengths = (lengths: readonly number[]) => {
      const { model } = build('LSTM', {});
      const { graph } = model;
      const e = createEmitter(model);
      const v = e.constant(tensorOf('int32', [batch], lengths));
      const given = graph.inputs as [Value, Value, Value, Value];
      addOutput(graph, e.op('LSTM', [...given.slice(0, 4), v], { hidden_size: hidden }));
      return () => lower(model, 'train');
    };
    expect(withLengths([6, 5, 6])).toThrow(expect.objectContaining({ code: 'RECURRENT_UNSUPPORTED' }));
    expect(withLengths([6, 6, 6])).not.toThrow();
  });

  it("a Scan of the model's own has no gradient", () => {
    const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
    const { graph } = model;
    const x = addInput(graph, createValue(graph.names, 'x', tensorType('float32', [4, 2]), true));
    const e = createEmitter(model);
    const { states } = emitLoop(e, {
      states: [e.full([2], 0)],
      sequences: [x],
      reverse: false,
      step: (b, [sum], [now]) => ({ states: [b.op('Add', [sum as Value, now as Value])], outputs: [] }),
    });
    const loss = e.op('ReduceSum', [states[0] as Value], { keepdims: 0 });
    expect(() => differentiate(e, loss, [x])).toThrow(expect.objectContaining({ code: 'GRADIENT_MISSING' }));
  });
});
