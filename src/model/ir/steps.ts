/** Scales of integers: what QuantizeLinear and DequantizeLinear of one scale a tensor say. */
import { intAttribute } from './attribute.ts';
import { constantOf, dtypeOf, isOp, type Node, type Value } from './model.ts';
import { numbers } from './tensor.ts';

/** Integers of 8 bits that stand for (code − zeroPoint)·scale. */
export interface Steps {
  readonly dtype: 'uint8' | 'int8';
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The zero point of the same numbers in another type: uint8 less 128 is int8. */
export const zeroPointIn = (dtype: Steps['dtype'], { dtype: own, zeroPoint }: Steps): number =>
  dtype === own ? zeroPoint : dtype === 'int8' ? zeroPoint - 128 : zeroPoint + 128;

/** Whether the same numbers stand at the same places, in either type. */
export const sameSteps = (a: Steps, b: Steps): boolean =>
  a.scale === b.scale && zeroPointIn('int8', a) === zeroPointIn('int8', b);

/** What a node of one constant scale for a whole tensor of 8-bit integers has. @returns null for other nodes */
export function stepsOf(node: Node): Steps | null {
  if (!isOp(node, 'QuantizeLinear', 'DequantizeLinear') || intAttribute(node, 'block_size', 0) !== 0)
    return null;
  const scale = constantOf(node.inputs[1]);
  const zero = node.inputs[2] ? constantOf(node.inputs[2]) : undefined;
  // What says no type is of unsigned integers (ONNX QuantizeLinear).
  const codes = isOp(node, 'QuantizeLinear') ? node.outputs[0] : node.inputs[0];
  const dtype = zero?.dtype ?? dtypeOf(codes) ?? 'uint8';
  if ((dtype !== 'uint8' && dtype !== 'int8') || !scale || zero === null) return null;
  if (scale.dims.some((d) => d !== 1)) return null;
  return { dtype, scale: numbers(scale)[0]!, zeroPoint: zero ? numbers(zero)[0]! : 0 };
}

/** What only moves elements: integers can be made before it as well as behind. */
const moving = ['Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'] as const;

/** The one scale with which all readers of a value quantise it (or, of integers, dequantise it), at once or moved; null where
 *  anything else reads it. */
export function stepsBehind(
  value: Value,
  by: 'QuantizeLinear' | 'DequantizeLinear' = 'QuantizeLinear',
): Steps | null {
  let found: Steps | null = null;
  const home = value.producer?.graph ?? value.uses[0]?.node?.graph;
  for (const { node, index } of value.uses) {
    // A branch or body computes in floats with what it is handed.
    if (node?.graph !== home) return null;
    const next = node && index === 0 && isOp(node, ...moving) ? node.outputs[0] : null;
    const steps = next ? stepsBehind(next, by) : node && isOp(node, by) && index === 0 ? stepsOf(node) : null;
    if (!steps || (found && !sameSteps(found, steps))) return null;
    found = steps;
  }
  return found;
}

/** The scale with which a value was dequantised (or, of integers, quantised), at once or before it was moved. */
export function stepsBefore({ producer }: Value): Steps | null {
  if (!producer) return null;
  if (isOp(producer, ...moving)) return producer.inputs[0] ? stepsBefore(producer.inputs[0]) : null;
  return stepsOf(producer);
}
