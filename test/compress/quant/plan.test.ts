import { describe, expect, it } from 'vitest';
import { type KernelAdvice, planStatic } from '../../../src/compress/quant/plan.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

/** Weights are written as zeros: a plan looks at shapes only. */
function plan(body: string, options: { chosen?: (name: string) => boolean; advice?: KernelAdvice } = {}) {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,8,8] x, float[2,2,1,1] late) => (float[1,?,?,?] y)
< float[2,2,1,1] W = {0,0,0,0}, float[2] b = {0,0}, float[1,2,1,1] c = {0,0} >
{
${body}
}`);
  inferShapes(model);
  const made = planStatic(
    model.graph,
    (n) => options.chosen?.(n.name) ?? true,
    options.advice ?? (() => null),
  );
  const nameOf = (n: { name: string; opType: string }) => n.name || n.opType;
  return {
    region: [...made.region].map(nameOf).sort(),
    absorbed: [...made.absorbed].map(nameOf),
    tensors: Object.fromEntries([...made.tensors].map(([v, t]) => [v.name, t.integerProducer])),
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
