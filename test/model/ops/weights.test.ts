import { describe, expect, it } from 'vitest';
import { openNodeEngine } from '../../../src/compute/engine/onnxruntime-node.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { shapeOf } from '../../../src/model/ir/model.ts';
import { elementCount, numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { constantBehind } from '../../../src/model/ops/constant-behind.ts';
import { shapeRules } from '../../../src/model/ops/shapes/rules.ts';
import { type NodeWeight, weightAt, weightRows, weightsOf } from '../../../src/model/ops/weights.ts';
import { runModel, seededFeeds } from '../../run-model.ts';

const engine = await openNodeEngine();

const model = (body: string) =>
  parseModel(`<ir_version: 10, opset_import: ["" : 21, "com.microsoft" : 1]>\nagraph ${body}`);

/** A tensor in which one slice is multiplied. */
function scaledSlice(t: Tensor, axis: number, index: number, factor: number): Tensor {
  const inner = elementCount(t.dims.slice(axis + 1));
  const size = t.dims[axis] as number;
  return tensorOf(
    t.dtype,
    t.dims,
    numbers(t).map((v, i) => (Math.floor(i / inner) % size === index ? v * factor : v)),
  );
}

/** Every case: the operator's one product, with w as its weight, an input here so that it can be changed. */
const products: Record<string, string> = {
  Conv: '(float[1,4,5,5] x, float[6,2,3,3] w) => (float[] y) { y = Conv <group = 2> (x, w) }',
  ConvTranspose:
    '(float[1,4,5,5] x, float[4,3,2,2] w) => (float[] y) { y = ConvTranspose <group = 2> (x, w) }',
  FusedConv:
    '(float[1,4,5,5] x, float[6,4,3,3] w) => (float[] y) { y = com.microsoft.FusedConv <activation = "Relu"> (x, w) }',
  'Gemm, weight right': '(float[3,4] x, float[4,5] w) => (float[] y) { y = Gemm (x, w) }',
  'Gemm, weight right and transposed':
    '(float[3,4] x, float[5,4] w) => (float[] y) { y = Gemm <transB = 1> (x, w) }',
  'Gemm, weight left': '(float[3,4] w, float[4,5] x) => (float[] y) { y = Gemm (w, x) }',
  'Gemm, weight left and transposed':
    '(float[4,3] w, float[4,5] x) => (float[] y) { y = Gemm <transA = 1> (w, x) }',
  'MatMul, weight right, batched': '(float[2,3,4] x, float[2,4,5] w) => (float[] y) { y = MatMul (x, w) }',
  'MatMul, weight left': '(float[6,4] w, float[2,4,5] x) => (float[] y) { y = MatMul (w, x) }',
  FusedMatMul:
    '(float[2,3,4] x, float[2,5,4] w) => (float[] y) { y = com.microsoft.FusedMatMul <transB = 1> (x, w) }',
  'FusedMatMul with the batch inside':
    '(float[2,3,4] x, float[4,2,5] w) => (float[] y) { y = com.microsoft.FusedMatMul <transBatchB = 1> (x, w) }',
  FusedGemm:
    '(float[3,4] x, float[5,4] w) => (float[] y) { y = com.microsoft.FusedGemm <transB = 1, activation = "Relu"> (x, w) }',
  'Einsum of two':
    '(float[2,3,4] x, float[4,5] w) => (float[] y) { y = Einsum <equation = "bij,jk->bik"> (x, w) }',
  'Einsum, weight left':
    '(float[5,4] w, float[2,4,3] x) => (float[] y) { y = Einsum <equation = "oc,bct->bot"> (w, x) }',
  'Einsum into heads':
    '(float[2,3,4] x, float[4,2,5] w) => (float[] y) { y = Einsum <equation = "bsd,dnh->bnsh"> (x, w) }',
  'Einsum, one matrix a head':
    '(float[2,3,4] x, float[3,4,5] w) => (float[] y) { y = Einsum <equation = "bnd,ndh->bnh"> (x, w) }',
};

async function outputs(body: string, change: (w: Tensor) => Tensor): Promise<number[]> {
  const m = model(body);
  const feeds = seededFeeds(m, 3);
  const { y } = await runModel(engine, m, { ...feeds, w: change(feeds['w'] as Tensor) });
  return numbers(y as Tensor);
}

function weightNamed(body: string): NodeWeight {
  const node = model(body).graph.nodes[0]!;
  const found = weightsOf(node);
  if (found.kind !== 'known') throw new Error(found.operator);
  return found.weights.find((w) => node.inputs[w.index]!.name === 'w')!;
}

describe('axes of weights', () => {
  it.each(Object.keys(products))(
    'a slice of the channel axis is a channel of the output: %s',
    async (name) => {
      const body = products[name]!;
      const { layout, node, index } = weightNamed(body);
      const size = shapeOf(node.inputs[index]) as number[];
      const axis = layout!.channel!;
      const before = await outputs(body, (w) => w);
      const after = await outputs(body, (w) => scaledSlice(w, axis, 0, 2));
      const doubled = before.filter((v, i) => v !== 0 && Math.abs(after[i]! - 2 * v) < 1e-5).length;
      const same = before.filter((v, i) => after[i] === v).length;
      const others = before.filter((v, i) => v !== after[i] && !(Math.abs(after[i]! - 2 * v) < 1e-5));
      expect(others).toEqual([]);
      expect(doubled).toBeGreaterThan(0);
      // At zero, where a Relu holds an output, doubling shows nothing.
      expect(same).toBeGreaterThanOrEqual(before.length * (1 - 1 / size[axis]!) - 1e-9);
    },
  );

  it.each(Object.keys(products).filter((n) => !n.includes('Conv')))(
    'a slice of a reduced axis is part of every output: %s',
    async (name) => {
      const body = products[name]!;
      const [axis] = weightNamed(body).layout!.reduced;
      const before = await outputs(body, (w) => w);
      const after = await outputs(body, (w) => scaledSlice(w, axis!, 1, 3));
      // A Relu may hold a few at zero.
      expect(before.filter((v, i) => v !== 0 && after[i] === v)).toEqual([]);
    },
  );

  it('says of every output axis which one the channel is', () => {
    const { layout } = weightNamed(products['Einsum into heads']!);
    expect(layout).toEqual({ channel: 2, outputs: [1, 2], reduced: [0], groups: 1, kernel: null });
  });
});

describe('the weights table', () => {
  it('has a row for every operator that has a shape rule', () => {
    expect(Object.keys(shapeRules).filter((key) => !Object.hasOwn(weightRows, key))).toEqual([]);
  });

  it('tells an operator that it does not know from one without weights', () => {
    const { nodes } = model('(float[2] x) => (float[2] y) { a = Relu (x)  y = elsewhere.Mystery (a) }').graph;
    expect(weightsOf(nodes[0]!)).toEqual({ kind: 'known', weights: [] });
    expect(weightsOf(nodes[1]!)).toEqual({ kind: 'unknown-operator', operator: 'elsewhere:Mystery' });
    expect(weightAt(nodes[1]!, 0)).toBe('unknown-operator');
  });

  it('names what is multiplied with a weight and what is added', () => {
    const { nodes } = model(
      '(float[3,4] x, float[4,5] w, float[5] b) => (float[] y) { y = Gemm (x, w, b) }',
    ).graph;
    expect(weightAt(nodes[0]!, 1)).toMatchObject({ role: 'product', activation: 0, bias: 2 });
    expect(weightAt(nodes[0]!, 2)).toMatchObject({ role: 'bias', layout: null });
  });
});

describe('constantBehind', () => {
  const behind = (body: string) => constantBehind(model(body).graph.nodes.at(-1)!.inputs[1]);

  it('finds a weight behind a Cast and a Transpose', () => {
    const found = behind(`(float[2,3] x) => (float[] y) <float16[2,3] w = {1, 2, 3, 4, 5, 6}> {
      c = Cast <to = 1> (w)  t = Transpose <perm = [1, 0]> (c)  y = MatMul (x, t) }`);
    expect(found?.value.name).toBe('w');
    expect(found?.through.map((n) => n.opType)).toEqual(['Cast', 'Transpose']);
  });

  it('finds the integers behind the nodes that expand them', () => {
    const found =
      behind(`(float[2,2] x) => (float[] y) <int8[2,2] q = {1, 2, 3, 4}, float[1,2] s = {0.5, 0.25}> {
      c = Cast <to = 1> (q)  w = Mul (c, s)  y = MatMul (x, w) }`);
    expect(found?.value.name).toBe('q');
  });

  it('finds the tensor of a Constant node', () => {
    const found = behind(`(float[2,1] x) => (float[] y) {
      w = Constant <value = float[1,2] {3, 4}> ()  y = MatMul (x, w) }`);
    expect(numbers(found!.tensor)).toEqual([3, 4]);
  });

  it('finds nothing behind a value that is computed while running', () => {
    expect(behind('(float[2,2] x) => (float[] y) { c = Relu (x)  y = MatMul (x, c) }')).toBeNull();
  });
});
