/** Joins chains of Reshape, Squeeze, Unsqueeze and Flatten: the last one alone says the shape.
 *    Reshape(Reshape(x, s), t)   ⇒   Reshape(x, t);   x itself when that has x's shape
 *  The new target is t as written, or the known output shape with at most one size left to the engine (−1) and sizes of
 *  x kept by position (0). A Reshape whose target is computed in the graph gets a constant one the same way, which
 *  leaves the computation without a reader.
 *  Shapes are those that follow from the inputs: an output's declared size is no reason.
 *  Left alone: an inner result that others read, more than one size that follows from neither x nor the rest, empty
 *  tensors (there 0 is a size).
 *  Source: ONNX Reshape-14. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { intAttribute } from '../src/model/ir/attribute.ts';
import { isOp, type Node, shapeOf, type Value } from '../src/model/ir/model.ts';
import { tensorOf } from '../src/model/ir/tensor.ts';
import type { Dim, Shape } from '../src/model/ir/type.ts';
import { shapesFromInputs } from '../src/model/ops/shapes.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { constantNumbers } from '../src/model/rewrite/arguments.ts';
import { op, value } from '../src/model/rewrite/pattern.ts';
import { knownTarget } from '../src/model/rewrite/reshape-target.ts';
import { defineRule, type Emit, skip } from '../src/model/rewrite/rule.ts';

const reshapes = ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'];
const x = value();
const inner = op(reshapes, [x], { rest: true, shared: true });
const outer = op(reshapes, [inner], { rest: true });
const computed = op('Reshape', [x, value((v) => v.constant === null)]);

type Shapes = (value: Value) => Shape | null;

const join = (shapes: Shapes) =>
  defineRule({
    name: 'reshape-of-reshape',
    match: outer,
    rewrite(m, emit) {
      const [source, between, result] = [m.get(x), m.get(inner).outputs[0]!, m.root.outputs[0]!];
      if (isSameShape(shapes(source), shapes(result))) return source;
      if (between.uses.length > 1) return skip('used-twice');
      const target = writtenTarget(m.root, source, between) ?? knownTarget(shapes(source), shapes(result));
      return target ? reshape(emit, source, target) : skip('shape-unknown');
    },
  });

const settle = (shapes: Shapes) =>
  defineRule({
    name: 'reshape-to-known-shape',
    match: computed,
    rewrite(m, emit) {
      const target = knownTarget(shapes(m.get(x)), shapes(m.root.outputs[0]!));
      return target ? reshape(emit, m.get(x), target) : null;
    },
  });

const reshape = (emit: Emit, source: Value, target: readonly number[]) =>
  emit('Reshape', [source, tensorOf('int64', [target.length], target)]);

/** The constant target of a Reshape, its zeros ("as in the input") made true for the new input; null when they can't be,
 *  or the node is no Reshape with a constant target. */
function writtenTarget(node: Node, source: Value, between: Value): number[] | null {
  const target = isOp(node, 'Reshape') ? constantNumbers(node.inputs[1]) : null;
  if (!target || (target.includes(0) && intAttribute(node, 'allowzero', 0) === 1)) return null;
  const [before, middle] = [shapeOf(source), shapeOf(between)];
  const settled = target.map((t, i) => (t === 0 ? copied(middle?.[i] ?? null, before?.[i] ?? null) : t));
  return settled.every((t) => t !== null) ? settled : null;
}

/** A size taken over from position i of the tensor between: a number, or 0 where the source has the same there. */
const copied = (between: Dim, source: Dim): number | null =>
  typeof between === 'number' && between > 0 ? between : between !== null && between === source ? 0 : null;

const isSameShape = (a: Shape | null, b: Shape | null) =>
  a !== null && b !== null && a.length === b.length && a.every((d, i) => d !== null && d === b[i]);

export const collapseReshapes = definePass({
  name: 'collapse-reshapes',
  summary: 'Joins chains of reshapes, and writes known targets down',
  effect: 'exact',
  describe: counted('reshape joined', 'reshapes joined'),
  prominence: 30,
  options: z.strictObject({}),
  apply(model) {
    const shapes = shapesFromInputs(model);
    return applyRules(model, [join(shapes), settle(shapes)]);
  },
});
