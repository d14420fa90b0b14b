/** Scales and zero points of QuantizeLinear and DequantizeLinear, as int8 tensors have them. */
import { intAttribute } from '../../../ir/attribute.ts';
import { constantOf, dtypeOf, isOp, type Node, type Value } from '../../../ir/model.ts';
import { numbers } from '../../../ir/tensor.ts';
import { scalarOf } from '../../../rewrite/arguments.ts';
import { type Quantization, sameQuantization } from './graph.ts';

/** What a node of one constant scale for a whole tensor of 8-bit integers has. @returns null for other nodes */
export function gridOf(node: Node): Quantization | null {
  if (!isOp(node, 'QuantizeLinear', 'DequantizeLinear') || intAttribute(node, 'block_size', 0) !== 0)
    return null;
  const dtype = isOp(node, 'QuantizeLinear') ? dtypeOf(node.outputs[0]) : dtypeOf(node.inputs[0]);
  const scale = scalarOf(node.inputs[1]);
  if (scale === null || (dtype !== 'uint8' && dtype !== 'int8')) return null;
  const given = node.inputs[2] ? constantOf(node.inputs[2]) : undefined;
  if (given === null) return null;
  const zero = given ? numbers(given)[0]! : 0;
  return { scale: [scale], zeroPoint: [dtype === 'uint8' ? zero - 128 : zero], axis: 0 };
}

/** What only moves elements: integers can be made before it as well as behind. */
const moving = ['Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'] as const;

/** The one grid to which all readers of a value quantise it, at once or moved; null where anything else reads it. */
export function gridBehind(value: Value): Quantization | null {
  let found: Quantization | null = null;
  for (const { node, index } of value.uses) {
    // A branch or body computes in floats with what it is handed.
    if (node && node.graph !== value.producer?.graph) return null;
    const next = node && index === 0 && isOp(node, ...moving) ? node.outputs[0] : null;
    const grid = next ? gridBehind(next) : node && isOp(node, 'QuantizeLinear') ? gridOf(node) : null;
    if (!grid || (found && !sameQuantization(found, grid))) return null;
    found = grid;
  }
  return found;
}

/** Numbers that the codes of an int8 grid stand for. */
export function rangeOf({ scale, zeroPoint }: Quantization): { readonly low: number; readonly high: number } {
  return { low: (-128 - zeroPoint[0]!) * scale[0]!, high: (127 - zeroPoint[0]!) * scale[0]! };
}
