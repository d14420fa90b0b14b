/** Written-out operators whose values leave float16 on the way, without data: none of these values is float16 in the result.
 *  The oracle is the original in float32, every value of it an output, on inputs that make them large. */
import { beforeAll, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { addOutput } from '../../../src/model/ir/edit.ts';
import { dtypeOf, isGraphOutput, type Model } from '../../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { nodesOf } from '../../../src/model/ir/walk.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

/** x, ten times larger in a product that is float16, and what the test is about between that and y. */
const model = (body: string, weights = '') =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[2,4] x) => (float[2,4] y) <
  float[4,4] W = {10,0,0,0, 0,10,0,0, 0,0,10,0, 0,0,0,10}, float[4,4] V = {1,0,0,0, 0,1,0,0, 0,0,1,0, 0,0,0,1},
  float two = {2}, float three = {3}, float one = {1}, float eps = {0.00001}, float half = {0.5}, float tiny = {1e-12}
  ${weights}
> { a = MatMul (x, W)  ${body}  y = MatMul (r, V) }`);

async function run(m: Model, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await engine.open({ bytes: encodeModel(m) });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** The largest magnitude of each value that the original computes. */
async function magnitudes(source: Model, feeds: Record<string, Tensor>): Promise<Map<string, number>> {
  const whole = cloneModel(source);
  inferShapes(whole);
  for (const node of [...whole.graph.nodes])
    for (const v of node.outputs)
      if (v && dtypeOf(v) === 'float32' && !isGraphOutput(v)) addOutput(whole.graph, v);
  const largest = (t: Tensor) => numbers(t).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return new Map(Object.entries(await run(whole, feeds)).map(([name, t]) => [name, largest(t)]));
}

function sqnrDb(expected: Tensor, found: Tensor): number {
  const [x, y] = [numbers(expected), numbers(found)];
  let [signal, error] = [0, 0];
  x.forEach((v, i) => {
    signal += v ** 2;
    error += (v - y[i]!) ** 2;
  });
  return 10 * Math.log10(signal / error);
}

const valuesAround = (size: number) =>
  tensorOf(
    'float32',
    [2, 4],
    [1, -0.5, 0.75, 0.25, -1, 0.125, 0.5, -0.25].map((v) => v * size),
  );

const large: [string, number, string, string?][] = [
  [
    'LayerNormalization, its squares by Pow',
    100,
    `m = ReduceMean <axes = [-1]> (a)  d = Sub (a, m)  s = Pow (d, two)  v = ReduceMean <axes = [-1]> (s)
     e = Add (v, eps)  q = Sqrt (e)  r = Div (d, q)`,
  ],
  [
    'LayerNormalization, its squares by Mul and its root by Pow',
    100,
    `m = ReduceMean <axes = [-1]> (a)  d = Sub (a, m)  s = Mul (d, d)  v = ReduceMean <axes = [-1]> (s)
     e = Add (v, eps)  q = Pow (e, half)  i = Reciprocal (q)  r = Mul (d, i)`,
  ],
  [
    'variance as a mean of squares less a square of the mean',
    100,
    `m = ReduceMean <axes = [-1]> (a)  s = Mul (a, a)  ms = ReduceMean <axes = [-1]> (s)  mm = Mul (m, m)
     v = Sub (ms, mm)  e = Add (v, eps)  q = Sqrt (e)  d = Sub (a, m)  r = Div (d, q)`,
  ],
  [
    'RMSNorm',
    100,
    `s = Pow (a, two)  v = ReduceMean <axes = [-1]> (s)  e = Add (v, eps)  q = Sqrt (e)  r = Div (a, q)`,
  ],
  [
    'a sum of squares that nothing takes the root of',
    100,
    `s = Mul (a, a)  v = ReduceSum (s)  r = Div (a, v)`,
  ],
  ['ReduceSumSquare', 100, `v = ReduceSumSquare <axes = [-1]> (a)  r = Div (a, v)`],
  [
    'a norm by ReduceL2, of values that are nothing in one row',
    0,
    `v = ReduceL2 <axes = [-1]> (a)  c = Max (v, tiny)  r = Div (a, c)`,
  ],
  ['a length of two squares', 60, `s = Mul (a, a)  t = Pow (a, two)  p = Add (s, t)  r = Sqrt (p)`],
  ['Softplus written out', 5, `e = Exp (a)  p = Add (e, one)  l = Log (p)  r = Mul (l, one)`],
  [
    'logsumexp without its maximum',
    5,
    `e = Exp (a)  s = ReduceSum <keepdims = 1> (e)  l = Log (s)  r = Sub (a, l)`,
  ],
  ['a softmax without its maximum', 5, `e = Exp (a)  s = ReduceSum (e)  r = Div (e, s)`],
  [
    'a sum over many',
    900,
    `t = Abs (a)  o = Expand (t, many)  s = ReduceSum (o)  r = Div (a, s)`,
    ', int64[3] many = {64, 2, 4}',
  ],
  [
    'a mean as a sum',
    900,
    `t = Abs (a)  o = Expand (t, many)  s = ReduceSum (o)  m = Mul (s, part)  r = Div (a, m)`,
    ', int64[3] many = {64, 2, 4}, float part = {0.001953125}',
  ],
  [
    'a Loop that multiplies',
    3,
    `l = Loop (n, go, a) < body = b (int64 i, bool on, float[2,4] h) => (bool still, float[2,4] next) { still = Identity (on)  next = Mul (h, h) } >  q = Abs (l)  k = Add (q, one)  r = Log (k)`.replace(
      'q = Abs (l)  k = Add (q, one)  r = Log (k)',
      'q = Abs (l)  k = Add (q, one)  r = Log (k)',
    ),
    ', int64 n = {4}, bool go = {1}',
  ],
];

it.each(large)('%s', async (_, size, body, weights) => {
  const source = model(body, weights);
  const feeds = { x: valuesAround(size) };
  const most = await magnitudes(source, feeds);
  const { model: made } = await compressModel(source, { recipe: preset('float16'), engine });
  inferShapes(made);
  const halves = [...nodesOf(made)].flatMap((n) => n.outputs).filter((v) => dtypeOf(v) === 'float16');
  expect(halves.length).toBeGreaterThan(0);
  expect(halves.filter((v) => (most.get(v!.name) ?? 0) > 65504).map((v) => v!.name)).toEqual([]);
  const [before, after] = [await run(source, feeds), await run(made, feeds)];
  if (size > 0)
    expect(Math.max(...most.values())).toBeGreaterThan(65504 / (body.includes('ReduceL2') ? 1e9 : 1));
  // Half of a thousandth in each of a few steps; of nothing, nothing.
  if (size > 0) expect(sqnrDb(before['y']!, after['y']!)).toBeGreaterThan(40);
  else expect(numbers(after['y']!)).toEqual(numbers(before['y']!));
});

it.each([
  [
    'a GELU with its cube',
    's = Pow (a, three)  k = Mul (s, half)  p = Add (a, k)  t = Tanh (p)  r = Mul (a, t)',
    5,
  ],
  [
    'an exponential of what has its maximum taken off',
    'm = ReduceMax <axes = [-1]> (a)  d = Sub (a, m)  r = Exp (d)',
    2,
  ],
  ['a square of a sine', 's = Sin (a)  r = Mul (s, s)', 2],
])('%s can be float16', async (_, body, nodes) => {
  const { model: made } = await compressModel(model(body), { recipe: preset('float16'), engine });
  inferShapes(made);
  const inside = [...nodesOf(made)].filter((n) => !['MatMul', 'Cast'].includes(n.opType));
  expect(inside.filter((n) => dtypeOf(n.outputs[0]) === 'float16').length).toBeGreaterThanOrEqual(nodes);
});
