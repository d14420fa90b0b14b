/** Float weights as a file stores them, and as operators read them: bare, or behind a Cast between float types, an
 *  Identity, a Transpose. Half-precision weights behind a Cast are how many exporters write a network that computes in
 *  float32; a Transpose is how a table of tokens is read by the layer that scores them. */

import { intAttribute } from '../ir/attribute.ts';
import { dtypes } from '../ir/dtype.ts';
import { constantOf, isOp, type Node, type Use, type Value } from '../ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../ir/tensor.ts';
import { constantBehind } from './constant-behind.ts';
import { transposePermutation } from './defaults.ts';
import { type NodeWeight, weightAt } from './weights.ts';

/** Types that a weight may be trained and stored in. */
const floatTypes = ['float32', 'float16', 'bfloat16', 'float64'] as const;

export const isFloatWeight = (t: Tensor): boolean => (floatTypes as readonly string[]).includes(t.dtype);

export interface StoredWeight {
  /** The initializer. */
  readonly value: Value;
  /** As stored: float32, float16, bfloat16 or float64. */
  readonly tensor: Tensor;
  /** Axis i of what the reader sees is axis order[i] of the tensor. */
  readonly order: readonly number[];
  /** Between the two, the node nearest to the constant first. */
  readonly path: readonly Node[];
}

/** The float weight behind a value. @returns null when it is computed while running, or holds no floats, or is
 *  stored in another way (integers that are expanded, a palette) */
export function storedWeight(value: Value | null | undefined): StoredWeight | null {
  const behind = constantBehind(value);
  if (!behind || !constantOf(behind.value) || !isFloatWeight(behind.tensor)) return null;
  const order = orderAfter(behind.tensor, behind.through);
  return order && { value: behind.value, tensor: behind.tensor, order, path: behind.through };
}

/** Axes of the tensor in the order that they have after these nodes; null where one does more than retype and turn. */
function orderAfter(tensor: Tensor, path: readonly Node[]): number[] | null {
  let order = tensor.dims.map((_, i) => i);
  for (const node of path) {
    if (!keepsWeight(node)) return null;
    const turned = isOp(node, 'Transpose') && transposePermutation(node, order.length);
    if (turned) order = turned.map((axis) => order[axis] as number);
  }
  return order;
}

/** Whether a weight is still the weight behind the node. */
function keepsWeight(node: Node): boolean {
  if (isOp(node, 'Identity', 'Transpose')) return true;
  const to = intAttribute(node, 'to');
  return isOp(node, 'Cast') && floatTypes.some((dtype) => dtypes[dtype].code === to);
}

/** A reading of a stored weight, at the end of its path. */
export interface WeightRead {
  /** The node and the input that it reads, or the output of a graph. */
  readonly use: Use;
  readonly path: readonly Node[];
  readonly order: readonly number[];
  /** What the operator's row says; null where it is not a weight there, 'unknown-operator' where nobody knows. */
  readonly weight: NodeWeight | 'unknown-operator' | null;
}

/** Everything that reads a weight through this use, paths followed to their ends. */
export function readsThrough(use: Use, tensor: Tensor, path: readonly Node[] = []): WeightRead[] {
  const { node } = use;
  if (node && keepsWeight(node)) {
    const further = [...path, node];
    return node.outputs[0]!.uses.flatMap((next) => readsThrough(next, tensor, further));
  }
  const order = orderAfter(tensor, path) as number[];
  return [{ use, path, order, weight: node ? weightAt(node, use.index) : null }];
}

const asFloat32 = new WeakMap<Tensor, Tensor>();

/** The tensor in float32; the very same tensor for the same one. */
export function inFloat32(t: Tensor): Tensor {
  if (t.dtype === 'float32') return t;
  const known = asFloat32.get(t) ?? tensorOf('float32', t.dims, float32Values(t));
  asFloat32.set(t, known);
  return known;
}
