/** Writes products with a constant weight that stand in another form as MatMul, with the weight on the right: the form that
 *  integer and 4-bit kernels take.
 *    Einsum(x, W)  ⇒  Reshape(MatMul(Reshape(Transpose(x)), W'))        W·x  ⇒  (xᵀ·Wᵀ)ᵀ
 *  Letters of W that x has too are summed over and become rows of W', all others become its columns; letters of x that W lacks are
 *  batches. Transposes and Reshapes that change nothing are left out; W is turned once, here.
 *  Left alone: weights with a matrix for each batch (letters in both terms and in the result), letters that stand twice or are
 *  summed within one term, more or fewer than two terms, weights under
 *  `minElements`, those that something else reads in their own form, and with `onlyForIntegers` those whose integer kernel doesn't
 *  pay on the target: Transposes around a product that stays float would only cost.
 *  Source: ONNX Einsum-12, MatMul-13. */
import { z } from 'zod';
import { filledBy } from '../src/compress/pipeline/option-fields.ts';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { eitherAdvice } from '../src/compress/quant/integer-kernels.ts';
import type { KernelAdvice } from '../src/compress/quant/plan.ts';
import { textAttribute } from '../src/model/ir/attribute.ts';
import { constantOf, dtypeOf, isOp, type Node, shapeOf, type Value } from '../src/model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { transposeTensor } from '../src/model/ir/transpose.ts';
import { type Shape, tensorType } from '../src/model/ir/type.ts';
import { einsumTerms } from '../src/model/ops/einsum.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { isFloatWeight } from '../src/model/ops/stored-weight.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { rankOf } from '../src/model/rewrite/arguments.ts';
import { op } from '../src/model/rewrite/pattern.ts';
import { defineRule, type Emit, type Replacement, skip } from '../src/model/rewrite/rule.ts';

const options = z.strictObject({
  /** Smaller weights are not worth it. */
  minElements: z.number().int().min(0).default(512),
  /** Only products that compute in int8 then; else all, for weights in 4 bits. */
  onlyForIntegers: z.boolean().default(false),
  /** Also those whose int8 kernel is slower than float on the target. */
  everywhere: filledBy(z.boolean().default(false), 'everywhere'),
});

export const lowerProducts = definePass({
  name: 'lower-products',
  summary: 'Writes Einsum, and MatMul with its weight on the left, as MatMul with the weight on the right',
  effect: 'exact',
  opens: true,
  describe: counted('product in another form written as MatMul', 'products in other forms written as MatMul'),
  prominence: 60,
  // The order of summation is the engine's own.
  tolerance: 1e-5,
  options,
  apply(model, { minElements, onlyForIntegers, everywhere }, { target }) {
    const advice = onlyForIntegers && !everywhere ? eitherAdvice(target) : () => null;
    const of = (type: 'Einsum' | 'MatMul') =>
      defineRule({
        name: `lower-${type.toLowerCase()}`,
        match: op(type, [], { rest: true, where: (n) => weightIndex(n, minElements) !== null }),
        rewrite: ({ root }, emit) => lower(root, weightIndex(root, minElements)!, advice, emit),
      });
    const result = applyRules(model, [of('Einsum'), of('MatMul')]);
    if (result.changed > 0) inferShapes(model);
    return result;
  },
});

/** Which of two inputs is the one weight; null where there is none, or where MatMul has it on the right already. */
function weightIndex(node: Node, least: number): 0 | 1 | null {
  if (node.inputs.length !== 2) return null;
  const constants = node.inputs.map(constantOf);
  if (constants.every((t) => t !== null)) return null;
  const index = constants[0] ? 0 : 1;
  const tensor = constants[index];
  if (!tensor || !isFloatWeight(tensor) || elementCount(tensor.dims) < least) return null;
  const isLeft =
    isOp(node, 'MatMul') && index === 0 && tensor.dims.length === 2 && rankOf(node.inputs[1]) !== 1;
  return isLeft || isOp(node, 'Einsum') ? index : null;
}

interface Letters {
  readonly x: readonly string[];
  readonly w: readonly string[];
  readonly y: readonly string[];
}

function lettersOf(node: Node, index: 0 | 1): Letters | null {
  const ranks = node.inputs.map(rankOf);
  if (ranks.includes(null)) return null;
  if (isOp(node, 'MatMul')) {
    const batches = Array.from({ length: ranks[1]! - 2 }, (_, i) => String(i));
    return { x: [...batches, 'k', 'n'], w: ['m', 'k'], y: [...batches, 'm', 'n'] };
  }
  const { inputs, output } = einsumTerms(textAttribute(node, 'equation', ''), ranks as number[]);
  return { x: inputs[1 - index]!, w: inputs[index]!, y: output };
}

/** Why the letters are no product of x with one matrix; null when they are. */
function obstacle({ x, w, y }: Letters): string | null {
  if ([x, w, y].some((term) => new Set(term).size < term.length)) return 'einsum-letter-twice';
  if (w.some((l) => x.includes(l) && y.includes(l))) return 'weight-has-a-matrix-for-each-batch';
  const isSummedAlone = (l: string) => !y.includes(l) && !(x.includes(l) && w.includes(l));
  if ([...x, ...w].some(isSummedAlone)) return 'einsum-sums-within-one-term';
  const shared = w.filter((l) => x.includes(l)).length;
  return shared === 0 || shared === w.length ? 'einsum-is-no-matrix-product' : null;
}

function lower(node: Node, index: 0 | 1, advice: KernelAdvice, emit: Emit): Replacement {
  const letters = lettersOf(node, index);
  if (!letters) return skip('input-rank-unknown');
  const reason = obstacle(letters);
  if (reason) return skip(reason);
  const value = node.inputs[index]!;
  if (value.uses.length > 1) return skip('weight-also-read-elsewhere');
  const { x, w, y } = letters;
  const [summed, columns] = [w.filter((l) => x.includes(l)), w.filter((l) => !x.includes(l))];
  const batches = x.filter((l) => !summed.includes(l));
  const matrix = transposeTensor(
    constantOf(value)!,
    [...summed, ...columns].map((l) => w.indexOf(l)),
  );
  const sizes = (first: number, end?: number) => matrix.dims.slice(first, end) as number[];
  const [rows, outputs] = [sizes(0, summed.length), sizes(summed.length)];
  const flat = { ...matrix, dims: [product(rows), product(outputs)], bytes: () => matrix.bytes() };
  const put = createPut(emit, batches.length);
  const turned = put.turn(node.inputs[1 - index]!, x, [...batches, ...summed]);
  const left = put.shape(turned, rows.length, [product(rows)]);
  const answer = emit('MatMul', [left, emit.constant(flat, value)]);
  const against = advice(answer.producer!);
  if (against) return skip(against);
  const split = put.shape(answer, 1, outputs);
  return put.turn(split, [...batches, ...columns], y);
}

const product = (sizes: readonly number[]) => sizes.reduce((n, d) => n * d, 1);

/** Transposes and Reshapes that change nothing are not written. What is has a shape, which advice on kernels asks for. */
function createPut(emit: Emit, batches: number) {
  const put = (
    opType: string,
    v: Value,
    inputs: (Value | Tensor)[],
    shape: Shape | null,
    attributes = {},
  ) => {
    const dtype = dtypeOf(v);
    const type = dtype ? { type: tensorType(dtype, shape) } : {};
    return emit(opType, inputs, { attributes, ...type });
  };
  return {
    turn(v: Value, from: readonly string[], to: readonly string[]): Value {
      const perm = to.map((l) => from.indexOf(l));
      if (perm.every((axis, i) => axis === i)) return v;
      const shape = shapeOf(v);
      return put('Transpose', v, [v], shape && perm.map((axis) => shape[axis]!), { perm });
    },
    /** The `count` axes behind the batches in other sizes; 0 copies a batch's. */
    shape(v: Value, count: number, sizes: readonly number[]): Value {
      if (count === 1 && sizes.length === 1) return v;
      const target = [...Array<number>(batches).fill(0), ...sizes];
      const shape = shapeOf(v);
      const reshaped = shape && [...shape.slice(0, batches), ...sizes];
      return put('Reshape', v, [v, tensorOf('int64', [target.length], target)], reshaped);
    },
  };
}
