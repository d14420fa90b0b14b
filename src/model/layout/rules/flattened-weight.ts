/** A tensor that is flattened and then multiplied by constant matrices: the rows of the matrices follow its axes.
 *    flatten(x)·W  =  flatten(xᵀ)·W',   W' has the rows of W in the order in which xᵀ is flattened */
import { intAttribute } from '../../ir/attribute.ts';
import { setInput } from '../../ir/edit.ts';
import { constantOf, isOp, type Node, opKey, shapeOf, type Value } from '../../ir/model.ts';
import { elementCount, lazyTensor, type Tensor } from '../../ir/tensor.ts';
import { transposeTensor } from '../../ir/transpose.ts';
import type { Shape } from '../../ir/type.ts';
import { pointwise } from '../../ops/shapes/elementwise.ts';
import type { Permutation } from '../permutation.ts';
import type { Edit } from '../rule.ts';
import { axisGroups } from './axis-groups.ts';

/** The matrix that a reader multiplies with. */
interface Factor {
  readonly node: Node;
  readonly tensor: Tensor;
  /** Whether it is stored as [out, in]. */
  readonly transposed: boolean;
}

const passing = new Set([...pointwise, 'Dropout']);

/** Matrices that the last axis of a value is multiplied with, if nothing else ever reads it but element by element. */
function factorsBehind(v: Value): Factor[] | null {
  const found: Factor[] = [];
  for (const { node, index } of v.uses) {
    if (!node || index !== 0) return null;
    if (passing.has(opKey(node)) && node.outputs.length === 1) {
      const further = factorsBehind(node.outputs[0]!);
      if (!further) return null;
      found.push(...further);
      continue;
    }
    const factor = factorOf(node);
    if (!factor) return null;
    found.push(factor);
  }
  return found;
}

function factorOf(node: Node): Factor | null {
  const tensor = constantOf(node.inputs[1]);
  if (!isOp(node, 'MatMul', 'Gemm') || tensor?.dims.length !== 2 || node.inputs[1]!.uses.length > 1)
    return null;
  if (intAttribute(node, 'transA', 0) !== 0) return null;
  return { node, tensor, transposed: intAttribute(node, 'transB', 0) !== 0 };
}

/** How the axes that end up in the flattened one are permuted among themselves: sizes as they were, and their new order.
 *  null where others are permuted too, or a size isn't known. */
function flattenedOrder(
  before: Shape,
  after: Shape,
  perm: Permutation,
): { dims: number[]; order: number[] } | null {
  const last = axisGroups(before, after)?.at(-1);
  if (last?.outputs.length !== 1 || last.outputs[0] !== after.length - 1) return null;
  const long = perm.filter((axis) => before[axis] !== 1);
  const head = long.slice(0, -last.inputs.length);
  const dims = last.inputs.map((axis) => before[axis]!);
  if (head.some((axis, i) => last.inputs.includes(axis) || (i > 0 && head[i - 1]! > axis))) return null;
  if (!dims.every((d) => typeof d === 'number')) return null;
  return { dims, order: long.slice(-last.inputs.length).map((axis) => last.inputs.indexOf(axis)) };
}

/** Whether the matrices behind a flattening node can follow a permutation of its input. */
export function canFollow(node: Node, perm: Permutation): boolean {
  const [before, after] = [shapeOf(node.inputs[0]), shapeOf(node.outputs[0])];
  const flattened = before && after && flattenedOrder(before, after, perm);
  const factors = flattened && factorsBehind(node.outputs[0]!);
  if (!factors?.length) return false;
  return factors.every(
    ({ tensor, transposed }) => tensor.dims[transposed ? 1 : 0] === elementCount(flattened!.dims),
  );
}

/** Puts the rows of the matrices behind the node in order. */
export function followFlattened(node: Node, perm: Permutation, edit: Edit): void {
  const { dims, order } = flattenedOrder(shapeOf(node.inputs[0])!, shapeOf(node.outputs[0])!, perm)!;
  for (const { node: product, tensor, transposed } of factorsBehind(node.outputs[0]!)!) {
    const weight = product.inputs[1]!;
    setInput(product, 1, edit.constant(weight, withRows(tensor, transposed, dims, order)));
  }
}

function withRows(t: Tensor, transposed: boolean, dims: readonly number[], order: readonly number[]): Tensor {
  const [rows, columns] = t.dims as [number, number];
  const unfolded = lazyTensor(t.dtype, transposed ? [rows, ...dims] : [...dims, columns], () => t.bytes());
  const moved = transposeTensor(
    unfolded,
    transposed ? [0, ...order.map((i) => i + 1)] : [...order, order.length],
  );
  return lazyTensor(t.dtype, t.dims, () => moved.bytes());
}
