/** Scales of int8 weights with which sums are exact on every processor, also on x86 without VNNI, which adds two products of
 *  uint8 and int8 in 16 bits.
 *    |q₀| + |q₁| ≤ 128 for neighbours:  255·q₀ + 255·q₁ < 2¹⁵
 *  Less resolution than eight bits where two large weights lie side by side, more than seven bits everywhere. */
import { mostPairSteps, mostPairSum } from '../../compute/engine/pair-sums.ts';
import { isDepthwise } from '../../model/ops/quantization.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';

/** @param sums  largest |w₀| + |w₁|, one an output
 *  @param axis  the per-channel axis, or null for one scale in all
 *  @returns the least scales that a weight may have, [channels] or [1] */
export function exactScales(sums: Float32Array, axis: number | null): Float32Array {
  const scales = sums.map((sum) => sum / mostPairSteps);
  return axis === null ? Float32Array.of(scales.reduce((a, b) => Math.max(a, b), 0)) : scales;
}

/** The axes of a product's weight as the kernel packs them: outputs, then the positions of a kernel, and its input channels as what moves
 *  fastest, for convolutions of integers run channels last.
 *  @returns null for filters of one channel each, which are not added in pairs */
export function packedOrder(product: NodeWeight, rank: number): number[] | null {
  if (isDepthwise(product)) return null;
  const channel = product.layout?.channel ?? 0;
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== channel);
  const [inputs, ...positions] = others;
  return product.layout?.kernel && inputs !== undefined
    ? [channel, ...positions, inputs]
    : [channel, ...others];
}

/** The larger of two lower bounds, slice by slice. */
export const largerScales = (a?: Float32Array, b?: Float32Array): Float32Array | undefined =>
  a && b ? a.map((s, i) => Math.max(s, b[i]!)) : (a ?? b);

/** Moves the larger of two neighbours towards zero, in place, where together they have too many steps.
 *  @param levels  int8, of a weight with these sizes
 *  @param order  its axes as the kernel packs them */
export function keepPairs(levels: Int32Array, dims: readonly number[], order: readonly number[]): void {
  const strides = dims.map((_, i) => dims.slice(i + 1).reduce((n, d) => n * d, 1));
  const packed = order.reduce<number[]>(
    (places, axis) =>
      places.flatMap((at) => Array.from({ length: dims[axis]! }, (_, i) => at + i * strides[axis]!)),
    [0],
  );
  const row = levels.length / dims[order[0]!]!;
  for (let i = 1; i < packed.length; i++) {
    if (i % row === 0) continue;
    const [a, b] = [packed[i - 1]!, packed[i]!];
    const [left, right] = [Math.abs(levels[a]!), Math.abs(levels[b]!)];
    const excess = left + right - mostPairSum;
    if (excess <= 0) continue;
    const at = left > right ? a : b;
    levels[at] = Math.sign(levels[at]!) * (Math.max(left, right) - excess);
  }
}
