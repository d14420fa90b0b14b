/** Scales and zero points of QuantizeLinear and DequantizeLinear, as int8 tensors have them. */
import type { Node, Value } from '../../../ir/model.ts';
import { type Steps, stepsBehind, stepsOf, zeroPointIn } from '../../../ir/steps.ts';
import type { Quantization } from './graph.ts';

const gridIn = (steps: Steps | null): Quantization | null =>
  steps && { scale: [steps.scale], zeroPoint: [zeroPointIn('int8', steps)], axis: 0 };

/** What a node of one constant scale for a whole tensor of 8-bit integers has. @returns null for other nodes */
export const gridOf = (node: Node): Quantization | null => gridIn(stepsOf(node));

/** The one grid to which all readers of a value quantise it, at once or moved; null where anything else reads it. */
export const gridBehind = (value: Value): Quantization | null => gridIn(stepsBehind(value));

/** Numbers that the codes of an int8 grid stand for. */
export function rangeOf({ scale, zeroPoint }: Quantization): { readonly low: number; readonly high: number } {
  return { low: (-128 - zeroPoint[0]!) * scale[0]!, high: (127 - zeroPoint[0]!) * scale[0]! };
}
