/** Pieces that most gradient rules are made of. */
import { intAttribute } from '../../../model/ir/attribute.ts';
import { dtypes } from '../../../model/ir/dtype.ts';
import { constantOf, dtypeOf, opKey, type Value } from '../../../model/ir/model.ts';
import { elementCount, numbers, tensorOf } from '../../../model/ir/tensor.ts';
import { gradientSetting } from '../../../support/diagnostics/gradients.ts';
import type { LoweringContext, RuleContext } from '../rule.ts';

/** The gradient of the only output. */
export const incoming = (c: RuleContext): Value => c.gradient(0) as Value;

/** Sizes of input `i`. */
export const dimsOf = (c: RuleContext, i = 0): readonly number[] => c.dims(c.input(i));

/** What the gradient of each operand is before the sum over broadcast axes; computed only where it is wanted. */
export function operands(c: RuleContext, ...parts: ((g: Value) => Value)[]): (Value | null)[] {
  const g = incoming(c);
  return parts.map((part, i) => (c.wants(i) ? c.sumTo(part(g), dimsOf(c, i)) : null));
}

/** Numbers of a constant input; undefined when it is left out. @throws GRADIENT_SETTING when it is computed */
export function constantInput(
  c: RuleContext | LoweringContext,
  index: number,
  name: string,
): number[] | undefined {
  const value = c.node.inputs[index];
  if (!value) return undefined;
  const tensor = constantOf(value);
  if (tensor) return numbers(tensor);
  throw refused(
    c,
    `"${name}" must be a constant; it is computed by ${value.producer?.opType ?? 'the caller'}`,
  );
}

export const refused = (c: RuleContext | LoweringContext, what: string) =>
  gradientSetting(opKey(c.node), c.node.name || (c.node.outputs[0]?.name ?? ''), what);

/** An axis counted from the front. */
export const fromFront = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

export const axisAttribute = (c: RuleContext, fallback: number, rank = dimsOf(c).length) =>
  fromFront(intAttribute(c.node, 'axis', fallback), rank);

/** `g` where `mask` holds, 0 elsewhere. Mul by a cast mask: onnxruntime's Where takes twice as long. */
export const gate = (c: RuleContext, g: Value, mask: Value): Value => c.op('Mul', [g, indicator(c, mask)]);

/** 1 where a boolean tensor holds, 0 elsewhere. */
export const indicator = (c: RuleContext, mask: Value): Value => c.op('Cast', [mask], { to: 1 });

/** Adds each row of `rows` [n, k] to row `index[i]` of a zero table [count, k]; `index` [n] may repeat.
 *  ScatterElements, because onnxruntime's ScatterND adds rows of one index from several threads at once and loses some;
 *  a small table (token types, characters) is quicker as a product with the one-hot matrix. */
export function addRows(c: RuleContext, rows: Value, index: Value, count: number): Value {
  const [n = 0, k = 0] = c.dims(rows);
  if (count <= Math.min(128, 4 * k)) {
    const marks = c.constant(tensorOf('float32', [2], [0, 1]));
    // There is no kernel for int32 indices beside an int64 depth.
    const wide = dtypeOf(index) === 'int64' ? index : c.op('Cast', [index], { to: dtypes.int64.code });
    return c.op('MatMul', [c.op('OneHot', [wide, c.ints([count]), marks], { axis: 0 }), rows]);
  }
  const spread = c.op('Expand', [c.reshape(index, [n, 1]), c.ints([n, k])]);
  return c.op('ScatterElements', [c.full([count, k], 0), spread, rows], { axis: 0, reduction: 'add' });
}

/** Sizes before, of and after an axis, as one number each. */
export const around = (dims: readonly number[], axis: number): [number, number, number] => [
  elementCount(dims.slice(0, axis)),
  dims[axis] ?? 1,
  elementCount(dims.slice(axis + 1)),
];

/** y[…, j, …] = Σᵢ weights[j·from + i]·x[…, i, …] along one axis: a matrix product. `weights` is [to, from]. */
export function mixAxis(c: RuleContext | LoweringContext, x: Value, axis: number, weights: Value): Value {
  const dims = c.dims(x);
  const [to = 0] = c.dims(weights);
  const [before, size, after] = around(dims, axis);
  const out = dims.map((d, i) => (i === axis ? to : d));
  if (after === 1)
    return c.reshape(c.op('Gemm', [c.reshape(x, [before, size]), weights], { transB: 1 }), out);
  return c.reshape(c.op('MatMul', [weights, c.reshape(x, [before, size, after])]), out);
}
