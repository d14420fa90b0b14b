import { describe, expect, it } from 'vitest';
import { parseModel, printModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { applyRules } from '../../../src/model/rewrite/apply.ts';
import { constant, op, value } from '../../../src/model/rewrite/pattern.ts';
import { defineRule, type Rule, skip } from '../../../src/model/rewrite/rule.ts';

const header = '<ir_version: 8, opset_import: ["" : 17]>';
const parse = (graph: string) => parseModel(`${header} ${graph}`);
const printed = (model: Model) => printModel(model, { valueInfo: false });

function applied(graph: string, ...rules: Rule[]) {
  const model = parse(graph);
  const result = applyRules(model, rules);
  verifyModel(model);
  return { model, result };
}

const x = value();
const w = constant();

const negNeg = defineRule({
  name: 'neg-of-neg',
  match: op('Neg', [op('Neg', [x])]),
  rewrite: (m) => m.get(x),
});

const doubled = defineRule({
  name: 'add-to-self',
  match: op('Add', [x, x]),
  rewrite: (m, emit) => emit('Mul', [m.get(x), tensorOf('float32', [], [2])]),
});

describe('applyRules', () => {
  it('goes on until nothing matches any more', () => {
    const { model, result } = applied(
      'g (float x) => (float y) { a = Neg (x) b = Neg (a) c = Neg (b) d = Neg (c) y = Relu (d) }',
      negNeg,
    );
    expect(result.changed).toBe(2);
    expect(model.graph.nodes.map((n) => n.opType)).toEqual(['Relu']);
  });

  it('lets a new node take over the name and type of the value it replaces', () => {
    const { model } = applied(
      'g (float[N] x) => (float[N] y) < float[N] a > { a = Add (x, x) y = Relu (a) }',
      doubled,
    );
    const made = model.graph.nodes[0]!.outputs[0]!;
    expect(made.name).toBe('a');
    expect(made.type).toMatchObject({ kind: 'tensor', shape: ['N'] });
  });

  it('keeps the name of a graph output, whichever value becomes it', () => {
    const { model } = applied('g (float x) => (float y) { r = Relu (x) a = Neg (r) y = Neg (a) }', negNeg);
    expect(printed(model)).toBe(printed(parse('g (float x) => (float y) { y = Relu (x) }')));
  });

  it('skips, with the reason, what would make an input an output', () => {
    const { result } = applied('g (float x) => (float y) { a = Neg (x) y = Neg (a) }', negNeg);
    expect(result).toEqual({ changed: 0, skipped: [{ at: 'y', reason: 'graph-output' }] });
  });

  it('names nodes after those they replace: same type first, then the innermost, then derived', () => {
    const rule = defineRule({
      name: 'names',
      match: op('Add', [op('Mul', [x, w]), value()]),
      rewrite(m, emit) {
        const first = emit('Sub', [m.get(x), m.get(w)]);
        const second = emit('Add', [first, m.get(x)]);
        return emit('Div', [second, m.get(x)]);
      },
    });
    const { model } = applied(
      'g (float x) => (float y) < float w = {2} > { [scale] a = Mul (x, w) [shift] y = Add (a, x) }',
      rule,
    );
    expect(model.graph.nodes.map((n) => [n.opType, n.name])).toEqual([
      ['Sub', 'scale'],
      ['Add', 'shift'],
      ['Div', 'shift/Div'],
    ]);
  });

  it('gives a new constant the name of the one that went, and a fresh one where that stays', () => {
    const negate = defineRule({
      name: 'sub-to-add',
      match: op('Sub', [x, w]),
      rewrite: (m, emit) => emit('Add', [m.get(x), emit.constant(tensorOf('float32', [], [-2]), m.get(w))]),
    });
    const gone = applied('g (float x) => (float y) < float w = {2} > { y = Sub (x, w) }', negate);
    expect([...gone.model.graph.initializers].map((v) => v.name)).toEqual(['w']);
    const stays = applied(
      'g (float x) => (float y) < float w = {2} > { a = Sub (x, w) y = Mul (a, w) }',
      negate,
    );
    expect([...stays.model.graph.initializers].map((v) => v.name).sort()).toEqual(['w', 'w_1']);
  });

  it('takes back what was emitted when the rule then skips', () => {
    const text = 'g (float x) => (float y) < float w = {2} > { y = Mul (x, w) }';
    const hesitant = defineRule({
      name: 'hesitant',
      match: op('Mul', [x, w]),
      rewrite(m, emit) {
        emit('Neg', [emit('Add', [m.get(x), tensorOf('float32', [], [1])])]);
        return skip('changed-its-mind');
      },
    });
    const { model, result } = applied(text, hesitant);
    expect(result.skipped).toEqual([{ at: 'y', reason: 'changed-its-mind' }]);
    expect(printed(model)).toBe(printed(parse(text)));
    expect([...model.names.taken].filter((n) => n.includes('Neg') || n.includes('Add'))).toEqual([]);
  });

  it('reports nothing that a later sweep resolved', () => {
    const fussy = defineRule({
      name: 'fussy',
      match: op('Relu', [x]),
      rewrite: (m) => (m.get(x).producer?.opType === 'Neg' ? skip('behind-a-neg') : null),
    });
    const { result } = applied(
      'g (float x) => (float y) { a = Neg (x) b = Neg (a) r = Relu (b) y = Abs (r) }',
      fussy,
      negNeg,
    );
    expect(result).toEqual({ changed: 1, skipped: [] });
  });

  it('ends when two rules undo each other, and says so', () => {
    const swap = (from: string, to: string) =>
      defineRule({ name: `${from}-${to}`, match: op(from, [x]), rewrite: (m, emit) => emit(to, [m.get(x)]) });
    const { result } = applied(
      'g (float x) => (float y) { y = Sin (x) }',
      swap('Sin', 'Cos'),
      swap('Cos', 'Sin'),
    );
    expect(result.skipped[0]?.reason).toMatch(/^no-fixed-point/);
  });

  it('replaces several outputs at once', () => {
    const halves = defineRule({
      name: 'split-to-slices',
      match: op('Split', [x]),
      rewrite(m, emit) {
        const node = emit.node('Split', [m.get(x), tensorOf('int64', [2], [1, 1])], 2, {
          attributes: { axis: 0 },
        });
        return node.outputs;
      },
    });
    const once = { ...halves, match: op('Split', [x], { where: (n) => n.inputs.length === 1 }) };
    const { model } = applied(
      'g (float[2] x) => (float[1] a, float[1] c) { a, b = Split <axis = 0> (x) c = Neg (b) }',
      once,
    );
    expect(model.graph.nodes[0]!.outputs.map((v) => v?.name)).toEqual(['a', 'b']);
  });

  it.each([
    ['before', 'y = Sub (a, b)'],
    ['after', 'y = Sub (b, a)'],
  ])('removes a matched node that is read twice, met %s its other reader', (_, last) => {
    const a = op('Abs', [x]);
    const inputs = last.includes('(a, b)') ? [a, op('Neg', [a])] : [op('Neg', [a]), a];
    const rule = defineRule({
      name: 'twice-read',
      match: op('Sub', inputs),
      rewrite: (m, emit) => emit('Relu', [m.get(x)]),
    });
    const { model } = applied(`g (float x) => (float y) { a = Abs (x) b = Neg (a) ${last} }`, rule);
    expect(model.graph.nodes.map((n) => n.opType)).toEqual(['Relu']);
  });

  it('removes a shared node that only nodes of the match read', () => {
    const a = op('Abs', [x], { shared: true });
    const rule = defineRule({
      name: 'shared-and-read-twice',
      match: op('Sub', [a, op('Neg', [a], { shared: true })]),
      rewrite: (m, emit) => emit('Relu', [m.get(x)]),
    });
    const { model } = applied('g (float x) => (float y) { a = Abs (x) b = Neg (a) y = Sub (a, b) }', rule);
    expect(model.graph.nodes.map((n) => n.opType)).toEqual(['Relu']);
  });

  it('does not touch a second output that the replacement does not give and somebody reads', () => {
    const first = defineRule({
      name: 'first-only',
      match: op('Split', [x]),
      rewrite: (m, emit) => [emit('Relu', [m.get(x)]), null],
    });
    const text = 'g (float[2] x) => (float[1] y) { a, b = Split <axis = 0> (x) y = Add (a, b) }';
    const { model, result } = applied(text, first);
    expect(result.changed).toBe(0);
    expect(printed(model)).toBe(printed(parse(text)));
  });
});
