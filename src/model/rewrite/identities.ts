/** Ops that can turn out to pass an input on unchanged, and when they do. Each row returns that input, or null.
 *  Where the shape matters, null unless it is known to stay: a broadcast constant could widen the result. */
import { floatAttribute, intAttribute, intsAttribute } from '../ir/attribute.ts';
import { dtypeFromCode } from '../ir/dtype.ts';
import { constantOf, dtypeOf, type Node, shapeOf, type Value } from '../ir/model.ts';
import { numbers } from '../ir/tensor.ts';
import type { Shape } from '../ir/type.ts';
import { constantNumbers, intsArgument, normalAxis, rankOf } from './arguments.ts';
import { isInferenceDropout } from './determinism.ts';
import { allPads } from './pads.ts';

type IdentityRow = (node: Node, opset: number) => Value | null;

const first = (node: Node) => node.inputs[0] ?? null;
const when =
  (condition: (node: Node, opset: number) => boolean): IdentityRow =>
  (node, opset) =>
    condition(node, opset) ? first(node) : null;

/** Ops that a single input makes meaningless. */
const single = when((n) => n.inputs.length === 1);

export const identities: Readonly<Record<string, IdentityRow>> = {
  Identity: when(() => true),
  Dropout: when(isInferenceDropout),
  Cast: when((n) => {
    const from = dtypeOf(first(n));
    return from !== null && dtypeFromCode(intAttribute(n, 'to', 0), 'Cast') === from;
  }),
  Concat: single,
  Sum: single,
  Max: single,
  Min: single,
  Mean: single,
  Add: (n) => neutralOperand(n, 0, 'either'),
  Sub: (n) => neutralOperand(n, 0, 'second'),
  Mul: (n) => neutralOperand(n, 1, 'either'),
  Div: (n) => neutralOperand(n, 1, 'second'),
  Pow: (n) => neutralOperand(n, 1, 'second'),
  Transpose: when((n) => {
    const perm = intsAttribute(n, 'perm');
    return perm ? perm.every((p, i) => p === i) : (rankOf(first(n)) ?? 2) <= 1;
  }),
  Reshape: when(keepsShape),
  Expand: when(keepsShape),
  Flatten: when((n) => rankOf(first(n)) === 2 && normalAxis(intAttribute(n, 'axis', 1), 2) === 1),
  Unsqueeze: when((n) => intsArgument(n, 'axes', 1)?.length === 0),
  Tile: when((n) => constantNumbers(n.inputs[1])?.every((r) => r === 1) ?? false),
  Slice: when(takesAll),
  Pad: when((n) => {
    const rank = rankOf(first(n));
    return rank !== null && (allPads(n, rank)?.every((p) => p === 0) ?? false);
  }),
  Clip: when(
    (n, opset) =>
      n.inputs.slice(1).every((v) => v === null) &&
      (opset >= 11 ||
        (floatAttribute(n, 'min', -3.4e38) <= -3.4e38 && floatAttribute(n, 'max', 3.4e38) >= 3.4e38)),
  ),
};

/** The operand beside a constant that is `neutral` throughout and does not widen it. */
function neutralOperand(node: Node, neutral: number, side: 'either' | 'second'): Value | null {
  for (const at of side === 'either' ? [1, 0] : [1]) {
    const tensor = constantOf(node.inputs[at]);
    const other = node.inputs[1 - at];
    if (!tensor || !other || tensor.dtype === 'string' || dtypeOf(node.inputs[0]) !== dtypeOf(node.inputs[1]))
      continue;
    if (keepsUnder(shapeOf(other), tensor.dims) && numbers(tensor).every((v) => v === neutral)) return other;
  }
  return null;
}

/** Whether a tensor of shape `shape` keeps it when broadcast with one of dims `dims`. */
function keepsUnder(shape: Shape | null, dims: readonly number[]): boolean {
  if (dims.length === 0) return true;
  if (!shape || dims.length > shape.length) return false;
  return dims.every((d, i) => d === 1 || d === shape[shape.length - dims.length + i]);
}

/** Input and output have the same fully known shape; symbols count as known where they are equal. */
function keepsShape(node: Node): boolean {
  const [before, after] = [shapeOf(node.inputs[0]), shapeOf(node.outputs[0])];
  if (!before || !after || before.length !== after.length) return false;
  return before.every((d, i) => d !== null && d === after[i]);
}

/** From the first to beyond the last element, forwards, on every axis it names. */
function takesAll(node: Node): boolean {
  const starts = intsArgument(node, 'starts', 1);
  const ends = intsArgument(node, 'ends', 2);
  const axes = intsArgument(node, 'axes', 3);
  const steps = constantNumbers(node.inputs[4]);
  if (!starts || !ends || axes === null || steps === null || steps?.some((s) => s !== 1)) return false;
  const shape = shapeOf(first(node));
  return starts.every((start, i) => {
    const axis = axes ? axes[i]! : i;
    const size = shape?.[normalAxis(axis, shape.length)];
    const end = ends[i]!;
    return start === 0 && (end >= 2 ** 31 - 1 || (typeof size === 'number' && end >= size));
  });
}
