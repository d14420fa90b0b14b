/** Arguments that are attributes in old operator sets and inputs in newer ones, read in one way.
 *  null: present, but computed at run time. undefined: absent. */
import { intsAttribute } from '../ir/attribute.ts';
import { constantOf, type Node, shapeOf, type Value } from '../ir/model.ts';
import { numbers, type Tensor } from '../ir/tensor.ts';

/** Integers from attribute `name`, else from the constant at input `index`. */
export function intsArgument(node: Node, name: string, index: number): number[] | null | undefined {
  const attribute = intsAttribute(node, name);
  if (attribute) return attribute;
  const value = node.inputs[index];
  if (!value) return undefined;
  const tensor = constantOf(value);
  return tensor ? numbers(tensor) : null;
}

/** Numbers of a constant input; null when computed, undefined when absent. */
export function constantNumbers(value: Value | null | undefined): number[] | null | undefined {
  if (!value) return undefined;
  const tensor = constantOf(value);
  return tensor && tensor.dtype !== 'string' ? numbers(tensor) : null;
}

/** The one element of a constant; null for anything else. */
export function scalarOf(value: Value | null | undefined): number | null {
  const tensor = constantOf(value);
  if (!tensor || tensor.dtype === 'string' || tensor.dims.some((d) => d !== 1)) return null;
  return numbers(tensor)[0] ?? null;
}

export const rankOf = (value: Value | null | undefined): number | null => shapeOf(value)?.length ?? null;

/** axis in 0…rank−1. */
export const normalAxis = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** A constant that has the same value along all axes but `axis` of a tensor of rank `rank` (NumPy broadcasting): its
 *  `count` values, a scalar repeated. null when it varies elsewhere, or would widen the tensor. */
export function perChannel(tensor: Tensor, rank: number, axis: number, count: number): Float64Array | null {
  const { dims } = tensor;
  if (dims.length > rank) return null;
  const at = axis - (rank - dims.length);
  for (const [i, d] of dims.entries()) if (d !== 1 && (i !== at || d !== count)) return null;
  const values = numbers(tensor);
  return Float64Array.from({ length: count }, (_, i) => (values.length === 1 ? values[0]! : values[i]!));
}

/** Explicit pads [begin…, end…] of a Conv or pool; null under auto_pad, where they follow from the size. */
export function explicitPads(node: Node, spatialRank: number): number[] | null {
  const mode = node.attributes.get('auto_pad');
  const text = mode?.type === 'string' ? new TextDecoder().decode(mode.value) : 'NOTSET';
  if (text === 'VALID') return new Array<number>(2 * spatialRank).fill(0);
  if (text !== 'NOTSET' && text !== '') return null;
  return intsAttribute(node, 'pads', new Array<number>(2 * spatialRank).fill(0));
}
