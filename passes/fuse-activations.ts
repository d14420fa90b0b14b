/** Joins activations that exporters write out in sums and products into one operator.
 *    ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))   ⇒   com.microsoft FastGelu; Gelu, approximate: tanh, from opset 20
 *    ½·x·(1 + erf(x/√2))                         ⇒   Gelu, from opset 20
 *    clip(x + 3, 0, 6)/6                         ⇒   HardSigmoid, α 1/6, β ½
 *    x·clip(x + 3, 0, 6)/6                       ⇒   HardSwish, from opset 14
 *  Any order of the same factors and terms. Worth it because onnxruntime joins few of these forms at load: on the CPU and in wasm
 *  one operator takes half to three quarters of the time. Left alone: erf before opset 20 and x·sigmoid(α·x), which onnxruntime
 *  joins itself on every target; clips for LiteRT, whose HardSwish is slow in integers; other types than float32; where
 *  anything else reads what is between.
 *  Source: ONNX Gelu-20, HardSwish-14, HardSigmoid-6; onnxruntime ContribOperators, FastGelu; gelu_fusion.cc, fast_gelu_fusion.cc. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { float, floatAttribute } from '../src/model/ir/attribute.ts';
import { dtypeOf, isOp, type Node, type Value } from '../src/model/ir/model.ts';
import { graphsOf } from '../src/model/ir/walk.ts';
import type { Polynomial } from '../src/model/ops/polynomial.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { scalarOf } from '../src/model/rewrite/arguments.ts';
import { expand, isNearly, isReadOutside, valuesBehind } from '../src/model/rewrite/expansion.ts';
import { removeDead } from '../src/model/rewrite/known-sizes.ts';
import { op } from '../src/model/rewrite/pattern.ts';
import { defineRule, type Emit, skip } from '../src/model/rewrite/rule.ts';

/** y = result(x, t) with t = f(argument(x)). */
interface Form {
  readonly of: (node: Node) => boolean;
  readonly argument: Polynomial;
  readonly result: Polynomial;
  /** null: this opset has no such operator. */
  readonly emit: (emit: Emit, x: Value) => Value | null;
}

const x = 'x';
const [t, tx, cube] = ['t', 't\nx', 'x\nx\nx'];
const slope = Math.sqrt(2 / Math.PI);
const gate: Polynomial = new Map([
  [x, 0.5],
  [tx, 0.5],
]);

const gelus: readonly Form[] = [
  {
    of: (node) => isOp(node, 'Erf'),
    argument: new Map([[x, Math.SQRT1_2]]),
    result: gate,
    emit: (emit, v) => (emit.opset < 20 ? null : emit('Gelu', [v])),
  },
  {
    of: (node) => isOp(node, 'Tanh'),
    argument: new Map([
      [x, slope],
      [cube, slope * 0.044715],
    ]),
    result: gate,
    emit: (emit, v) =>
      emit.opset < 20
        ? emit('FastGelu', [v], { domain: 'com.microsoft' })
        : emit('Gelu', [v], { attributes: { approximate: 'tanh' } }),
  },
];

const hardSwish: Form['emit'] = (emit, v) => (emit.opset < 14 ? null : emit('HardSwish', [v]));
const shifted: Polynomial = new Map([
  [x, 1],
  ['', 3],
]);

const clips: readonly Form[] = [
  { of: clipsToSix, argument: shifted, result: new Map([[tx, 1 / 6]]), emit: hardSwish },
  {
    of: clipsToSix,
    argument: shifted,
    result: new Map([[t, 1 / 6]]),
    emit: (emit, v) => emit('HardSigmoid', [v], { attributes: { alpha: float(1 / 6), beta: float(0.5) } }),
  },
  { of: isSixth, argument: new Map([[x, 1]]), result: new Map([[tx, 1]]), emit: hardSwish },
];

function clipsToSix(node: Node): boolean {
  if (!isOp(node, 'Clip')) return false;
  const bound = (i: number, name: string) =>
    node.inputs[i] ? scalarOf(node.inputs[i]) : floatAttribute(node, name, Number.NaN);
  return bound(1, 'min') === 0 && bound(2, 'max') === 6;
}

function isSixth(node: Node): boolean {
  const alpha = floatAttribute(node, 'alpha', 0.2);
  return (
    isOp(node, 'HardSigmoid') && Math.abs(alpha - 1 / 6) < 1e-7 && floatAttribute(node, 'beta', 0.5) === 0.5
  );
}

const join = (forms: readonly Form[]) =>
  defineRule({
    name: 'join-activation',
    match: op(['Mul', 'Div', 'Add'], [], { rest: true }),
    rewrite({ root }, emit) {
      const y = root.outputs[0]!;
      if (dtypeOf(y) !== 'float32') return null;
      for (const inner of valuesBehind(y))
        for (const form of forms) {
          const f = inner.producer;
          if (!f || !form.of(f)) continue;
          const found = around(f, root, form);
          if (!found) continue;
          if (isReadOutside(found.nodes, root)) return skip('used-twice');
          return form.emit(emit, found.x);
        }
      return null;
    },
  });

/** The value that an activation is of, and all between it and the result. */
function around(f: Node, root: Node, { argument, result }: Form) {
  for (const value of valuesBehind(f.inputs[0]!)) {
    const inside = expand(f.inputs[0]!, new Map([[value, x]]));
    if (!inside || !isNearly(inside.polynomial, argument)) continue;
    const outside = expand(
      root.outputs[0]!,
      new Map([
        [value, x],
        [f.outputs[0]!, t],
      ]),
    );
    if (outside && isNearly(outside.polynomial, result))
      return { x: value, nodes: new Set([...inside.nodes, f, ...outside.nodes]) };
  }
  return null;
}

export const fuseActivations = definePass({
  name: 'fuse-activations',
  summary: 'Joins activations that are written out in sums and products into one operator',
  effect: 'exact',
  describe: counted('activation joined', 'activations joined'),
  prominence: 62,
  // Kernels have their own polynomials for tanh and erf.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply(model, _, { target }) {
    const result = applyRules(model, [join(target === 'litert' ? gelus : [...gelus, ...clips])]);
    if (result.changed > 0) for (const graph of graphsOf(model)) removeDead(graph);
    return result;
  },
});
