import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Node } from '../../../src/model/ir/model.ts';
import { matchPattern } from '../../../src/model/rewrite/match.ts';
import {
  constant,
  either,
  type OpPattern,
  op,
  optional,
  output,
  value,
} from '../../../src/model/rewrite/pattern.ts';

const weights = '< float[2] w = {1, 2}, float[2] v = {3, 4} >';

/** Nodes by the name of their first output. */
function nodesOf(body: string, outputs = 'float[2] y'): Record<string, Node> {
  const model = parseModel(`g (float[2] x, float[2] z) => (${outputs}) ${weights} { ${body} }`);
  return Object.fromEntries(model.graph.nodes.map((n) => [n.outputs[0]!.name, n]));
}

const matched = (pattern: OpPattern, node: Node | undefined) => matchPattern(pattern, node!);

describe('matchPattern', () => {
  it('binds values, constants and nodes to their patterns', () => {
    const n = nodesOf('a = Mul (x, w) y = Relu (a)');
    const x = value();
    const w = constant();
    const mul = op('Mul', [x, w]);
    const { match } = matched(op('Relu', [mul]), n['y']);
    expect(match?.get(x).name).toBe('x');
    expect(match?.get(w).constant.dims).toEqual([2]);
    expect(match?.get(mul)).toBe(n['a']);
    expect(match?.nodes).toEqual([n['a'], n['y']]);
  });

  it('does not match another op, and gives no reason for that', () => {
    const n = nodesOf('a = Neg (x) y = Relu (a)');
    expect(matched(op('Relu', [op('Mul', [value(), value()])]), n['y'])).toMatchObject({
      match: null,
      reason: null,
    });
  });

  it('tries both orders of a commutative op', () => {
    const n = nodesOf('y = Add (w, x)');
    const x = value();
    const w = constant();
    expect(matched(op('Add', [x, w]), n['y']).match?.get(x).name).toBe('x');
  });

  it('keeps the order of an op that is not commutative', () => {
    const n = nodesOf('y = Sub (w, x)');
    expect(matched(op('Sub', [value(), constant()]), n['y']).match).toBeNull();
  });

  it('goes back on a choice that does not work out further down', () => {
    const n = nodesOf('a = Neg (x) b = Relu (z) y = Add (a, b)');
    const r = value();
    const sum = op('Add', [op('Relu', [r]), op('Neg', [value()])]);
    expect(matched(sum, n['y']).match?.get(r).name).toBe('z');
  });

  it('wants the same value wherever the same pattern object stands', () => {
    const x = value();
    const square = op('Mul', [x, x]);
    expect(matched(square, nodesOf('y = Mul (x, x)')['y']).match).not.toBeNull();
    expect(matched(square, nodesOf('y = Mul (x, z)')['y']).match).toBeNull();
  });

  it('says used-twice when a node inside the match has another reader', () => {
    const n = nodesOf('a = Neg (x) y = Relu (a) q = Abs (a)', 'float[2] y, float[2] q');
    const result = matched(op('Relu', [op('Neg', [value()])]), n['y']);
    expect(result).toMatchObject({ match: null, reason: 'used-twice', at: n['a'] });
  });

  it('says graph-output when the value inside the match is one', () => {
    const n = nodesOf('a = Neg (x) y = Relu (a)', 'float[2] y, float[2] a');
    expect(matched(op('Relu', [op('Neg', [value()])]), n['y'])).toMatchObject({ reason: 'graph-output' });
  });

  it('does not mind other readers of a shared node, and lists it apart', () => {
    const n = nodesOf('a = Neg (x) y = Relu (a) q = Abs (a)', 'float[2] y, float[2] q');
    const { match } = matched(op('Relu', [op('Neg', [value()], { shared: true })]), n['y']);
    expect(match?.nodes).toEqual([n['y']]);
    expect(match?.shared).toEqual([n['a']]);
  });

  it('counts readers inside the match as no others', () => {
    const n = nodesOf('a = Neg (x) s = Sigmoid (a) y = Mul (a, s)');
    const inner = op('Neg', [value()]);
    expect(matched(op('Mul', [inner, op('Sigmoid', [inner])]), n['y']).match).not.toBeNull();
  });

  it('reports a condition on a constant only where one was asked for', () => {
    const n = nodesOf('y = Mul (x, z)');
    const quiet = op('Mul', [value(), constant()]);
    const telling = op('Mul', [value(), constant({ otherwise: 'not-constant' })]);
    expect(matched(quiet, n['y'])).toMatchObject({ match: null, reason: null });
    expect(matched(telling, n['y'])).toMatchObject({ match: null, reason: 'not-constant' });
  });

  it('reports the deepest of several objections', () => {
    const n = nodesOf('a = Neg (x) y = Relu (a) q = Abs (a)', 'float[2] y, float[2] q');
    const pattern = op('Relu', [op('Neg', [value()])], { where: () => 'outer-objection' });
    expect(matched(pattern, n['y'])).toMatchObject({ reason: 'used-twice' });
  });

  it('checks attributes by value and by condition', () => {
    const n = nodesOf('y = LeakyRelu <alpha = 0.5> (x)');
    const alpha = { type: 'float', value: 0.5 } as const;
    expect(matched(op('LeakyRelu', [value()], { attributes: { alpha } }), n['y']).match).not.toBeNull();
    const absent = { beta: (a: unknown) => a === undefined };
    expect(matched(op('LeakyRelu', [value()], { attributes: absent }), n['y']).match).not.toBeNull();
    const other = op('LeakyRelu', [value()], { attributes: { alpha: () => 'wrong-slope' } });
    expect(matched(other, n['y'])).toMatchObject({ reason: 'wrong-slope' });
  });

  it('binds an absent optional input to null', () => {
    const low = optional(constant());
    const clip = op('Clip', [value(), low]);
    expect(matched(clip, nodesOf('y = Clip (x)')['y']).match?.get(low)).toBeNull();
    expect(matched(clip, nodesOf('y = Clip (x, w)')['y']).match?.get(low)?.name).toBe('w');
  });

  it('refuses inputs beyond those listed unless the rest is free', () => {
    const n = nodesOf('y = Clip (x, w, v)');
    expect(matched(op('Clip', [value(), value()]), n['y']).match).toBeNull();
    expect(matched(op('Clip', [value(), value()], { rest: true }), n['y']).match).not.toBeNull();
  });

  it('takes the first alternative that matches and tells which it was', () => {
    const neg = op('Neg', [value()]);
    const abs = op('Abs', [value()]);
    const pattern = op('Relu', [either(neg, abs)]);
    const { match } = matched(pattern, nodesOf('a = Abs (x) y = Relu (a)')['y']);
    expect([match?.has(neg), match?.has(abs)]).toEqual([false, true]);
  });

  it('matches a named output of a node with several', () => {
    const n = nodesOf('a, b = Split <axis = 0> (x) y = Relu (b)', 'float[1] y');
    const split = op('Split', [value()]);
    expect(matched(op('Relu', [output(split, 1)]), n['y']).match).not.toBeNull();
    expect(matched(op('Relu', [split]), n['y']).match).toBeNull();
  });

  it('does not reach from a branch to the nodes outside it', () => {
    const model = parseModel(`g (bool c, float[2] x) => (float[2] y) {
      n = Neg (x)
      y = If (c) <
        then_branch = t () => (float[2] a) { a = Relu (n) },
        else_branch = e () => (float[2] b) { b = Abs (x) }
      >
    }`);
    const branch = model.graph.nodes[1]!.attributes.get('then_branch');
    const relu = branch?.type === 'graph' ? branch.value.nodes[0] : undefined;
    expect(matched(op('Relu', [op('Neg', [value()])]), relu)).toMatchObject({ match: null, reason: null });
  });
});
