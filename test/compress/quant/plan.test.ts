import { describe, expect, it } from 'vitest';
import { onnxruntimeKernels } from '../../../src/compress/quant/integer-kernels.ts';
import { litertKernels } from '../../../src/compress/quant/litert-kernels.ts';
import { type IntegerKernels, type KernelAdvice, planStatic } from '../../../src/compress/quant/plan.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

/** Weights are written as zeros: a plan looks at shapes only. */
interface Options {
  readonly chosen?: (name: string) => boolean;
  readonly advice?: KernelAdvice;
  readonly kernels?: IntegerKernels;
}

function plan(body: string, options: Options = {}) {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,8,8] x, float[2,2,1,1] late) => (float[1,?,?,?] y)
< float[2,2,1,1] W = {0,0,0,0}, float[2] b = {0,0}, float[1,2,1,1] c = {0,0}, float[8,2] K = {${'0,'.repeat(15)}0} >
{
${body}
}`);
  inferShapes(model);
  const made = planStatic(
    model.graph,
    (n) => options.chosen?.(n.name) ?? true,
    options.kernels ?? onnxruntimeKernels(options.advice ?? (() => null)),
  );
  const nameOf = (n: { name: string; opType: string }) => n.name || n.opType;
  return {
    region: [...made.region].map(nameOf).sort(),
    absorbed: [...made.absorbed].map(nameOf),
    tensors: Object.fromEntries([...made.tensors].map(([v, t]) => [v.name, t.integerProducer])),
    ranges: Object.fromEntries(
      [...made.tensors].flatMap(([v, { range }]) => (range ? [[v.name, range]] : [])),
    ),
    groups: made.groups.map((g) => g.map((v) => v.name).sort()).filter((g) => g.length > 1),
    reasons: Object.fromEntries([...made.decisions].map(([n, d]) => [nameOf(n), d.reason])),
  };
}

describe('the plan', () => {
  it('quantises input and output of a Conv', () => {
    const made = plan('[one] y = Conv (x, W, b)');
    expect(made.region).toEqual(['one']);
    expect(made.tensors).toEqual({ x: false, y: true });
  });

  it('takes in an Add between two integer Convs and one after them', () => {
    const made = plan(`[one] a = Conv (x, W)
      [two] d = Conv (a, W)
      s = Add (a, d)
      [three] y = Conv (s, W)`);
    expect(made.region).toEqual(['Add', 'one', 'three', 'two']);
    expect(made.tensors).toEqual({ x: false, a: true, d: true, s: true, y: true });
    expect(made.groups).toEqual([]);
  });

  it('leaves an Add out that adds a float, or a constant', () => {
    expect(plan('[one] a = Conv (x, W)\n s = Add (a, x)\n [two] y = Conv (s, W)').region).toEqual([
      'one',
      'two',
    ]);
    expect(plan('[one] a = Conv (x, W)\n s = Add (a, c)\n [two] y = Conv (s, W)').region).toEqual([
      'one',
      'two',
    ]);
  });

  it('leaves a pool out whose result nothing quantised reads', () => {
    const made = plan('[one] a = Conv (x, W)\n y = MaxPool <kernel_shape = [2, 2]> (a)');
    expect(made.region).toEqual(['one']);
  });

  it('gives one scale to what values only move through, clamps between them not hindering', () => {
    const made = plan(`[one] a = Conv (x, W)
      r = Relu (a)
      p = MaxPool <kernel_shape = [2, 2]> (r)
      t = Transpose <perm = [0, 1, 3, 2]> (p)
      [two] y = Conv (t, W)`);
    expect(made.region).toEqual(['MaxPool', 'Transpose', 'one', 'two']);
    expect(made.absorbed).toEqual(['Relu']);
    expect(made.groups).toEqual([['p', 'r', 't']]);
  });

  it('does not absorb a clamp when something else reads the value before it', () => {
    const made = plan(`[one] a = Conv (x, W)
      r = Relu (a)
      n = Neg (a)
      m = Mul (r, n)
      [two] y = Conv (r, W)`);
    expect(made.absorbed).toEqual([]);
    expect(made.tensors).toEqual({ x: false, a: true, r: false, y: true });
  });

  it('does not absorb a Clip whose bound is computed', () => {
    const made = plan(`[one] a = Conv (x, W)
      top = ReduceMax <keepdims = 0> (x)
      r = Clip (a, , top)
      [two] y = Conv (r, W)`);
    expect(made.absorbed).toEqual([]);
  });

  it('says why a product stays as it is', () => {
    const { reasons } = plan(
      `[computed] a = Conv (x, late)
       [constant] d = Conv (c, W)
       [unwanted] e = Conv (a, W)
       [slow] f = Conv (e, W)
       [fine] g = Conv (f, W)
       y = Add (g, d)`,
      {
        chosen: (name) => name !== 'unwanted',
        advice: (node) => (node.name === 'slow' ? 'slower-here' : null),
      },
    );
    expect(reasons).toEqual({
      computed: 'weight-computed-at-run-time',
      constant: 'input-is-constant',
      unwanted: 'excluded',
      slow: 'slower-here',
      fine: null,
    });
  });
});

describe.each([
  ['LiteRT', litertKernels],
  ['onnxruntime', onnxruntimeKernels(() => null)],
])('the plan for %s', (_, kernels) => {
  const planned = (body: string) => plan(body, { kernels });

  it('keeps a shortcut of fewer pixels and more channels in integers', () => {
    const made = planned(`[one] a = Conv <strides = [2, 2]> (x, W)
      [two] e = Conv (x, W)
      starts = Constant <value_ints = [0, 0]> ()
      ends = Constant <value_ints = [8, 8]> ()
      axes = Constant <value_ints = [2, 3]> ()
      steps = Constant <value_ints = [2, 2]> ()
      s = Slice (e, starts, ends, axes, steps)
      pads = Constant <value_ints = [0, 0, 0, 0, 0, 0, 0, 0]> ()
      p = Pad (s, pads)
      d = Add (a, p)
      [three] y = Conv (d, W)`);
    expect(made.region).toEqual(['Add', 'Pad', 'Slice', 'one', 'three', 'two']);
    expect(made.groups).toEqual([['e', 'p', 's']]);
  });

  it('gives a Sigmoid the scale that its kernel prescribes, and x times it a scale of its own', () => {
    const made = planned(`[one] a = Conv (x, W)
      g = Sigmoid (a)
      m = Mul (a, g)
      [two] y = Conv (m, W)`);
    expect(made.region).toEqual(['Mul', 'Sigmoid', 'one', 'two']);
    expect(made.ranges).toEqual({ g: [0, 255 / 256] });
    expect(made.groups).toEqual([]);
  });

  it('takes all parts of a Split for one scale', () => {
    const made = planned(`[one] a = Conv (x, W)
      l, r = Split <axis = 2> (a)
      d = Add (l, r)
      [two] y = Conv (d, W)`);
    expect(made.region).toEqual(['Add', 'Split', 'one', 'two']);
    expect(made.groups).toEqual([['a', 'l', 'r']]);
  });

  it('leaves a Pad out that fills with something else than zero, and a cubic Resize', () => {
    expect(
      planned(`[one] a = Conv (x, W)
        pads = Constant <value_ints = [0, 0, 1, 1, 0, 0, 1, 1]> ()
        one = Constant <value_float = 1.0> ()
        p = Pad (a, pads, one)
        [two] y = Conv (p, W)`).region,
    ).toEqual(['one', 'two']);
    expect(
      planned(`[one] a = Conv (x, W)
        sizes = Constant <value_ints = [1, 2, 16, 16]> ()
        p = Resize <mode = "cubic"> (a, , , sizes)
        [two] y = Conv (p, W)`).region,
    ).toEqual(['one', 'two']);
  });
});

describe('the plan for LiteRT', () => {
  const onLitert = (body: string) => plan(body, { kernels: litertKernels });

  it.each(['HardSwish', 'AveragePool <kernel_shape = [2, 2]>', 'Softmax'])(
    'leaves what is slower in int8 in floats: %s',
    (operator) => {
      const made = onLitert(`[one] a = Conv (x, W)\n h = ${operator} (a)\n [two] y = Conv (h, W)`);
      expect(made.region).toEqual(['one', 'two']);
      expect(made.tensors).toEqual({ x: false, a: true, h: false, y: true });
    },
  );

  it('gives a product a scale for a result that only floats read', () => {
    const body = '[one] a = MatMul (x, K)\n y = Softmax (a)';
    expect(plan(body).tensors).toEqual({ x: false });
    const kernels = { ...litertKernels, advice: () => null };
    expect(plan(body, { kernels }).tensors).toEqual({ x: false, a: true });
  });
});
