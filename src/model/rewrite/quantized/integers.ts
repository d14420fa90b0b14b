/** Integers of few bits as whole numbers in float32, which holds them exactly up to 2^24, as their sums. */
import { constantOf, dtypeOf, shapeOf, type Value } from '../../ir/model.ts';
import { elementCount, float32Values, numbers, scalar, type Tensor, tensorOf } from '../../ir/tensor.ts';
import type { Emit } from '../rule.ts';

/** What float32 holds exactly, and every whole number below. */
export const largestExact = 2 ** 24;

const ones = (dims: readonly number[]): Tensor =>
  tensorOf('float32', dims, new Float32Array(elementCount(dims)).fill(1));

/** Integers less their zero point, as floats.
 *  @param axis  along which there may be a zero point for each index */
export function centred(emit: Emit, x: Value, zero: Value | null, axis = 1): Value {
  const dims = (zero && shapeOf(zero)?.map(Number)) ?? [];
  return emit('DequantizeLinear', [x, ones(dims), zero], { attributes: { axis } });
}

/** Real numbers that integers stand for. */
export const real = (emit: Emit, x: Value, scale: Value | Tensor, zero: Value | null): Value =>
  emit('DequantizeLinear', [x, scale, zero]);

/** Real numbers as integers. @param like  of the type that integers without a zero point have */
export const quantized = (
  emit: Emit,
  x: Value,
  scale: Value | Tensor,
  { zero, like }: { readonly zero: Value | null; readonly like: Value },
): Value => emit('QuantizeLinear', [x, scale, zero ?? scalar(dtypeOf(like) ?? 'uint8', 0)]);

/** Rounded and moved to the zero point. */
export const rounded = (
  emit: Emit,
  x: Value,
  to: { readonly zero: Value | null; readonly like: Value },
): Value => quantized(emit, x, scalar('float32', 1), to);

/** Numbers of constant scales; null when one is computed while running. */
export function scalesOf(...values: readonly (Value | null)[]): Float32Array[] | null {
  const found = values.map((v) => (v ? constantOf(v) : null));
  return found.every((t) => t !== null) ? found.map((t) => float32Values(t)) : null;
}

/** a·b/c in float32, as runtimes compute the factor that takes sums of products to the result's steps. Of a and b, one may
 *  have several numbers. */
export function ratioOf(a: Float32Array, b: Float32Array, c: number): Float32Array {
  const at = (list: Float32Array, i: number) => list[list.length === 1 ? 0 : i]!;
  return Float32Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
    Math.fround(Math.fround(at(a, i) * at(b, i)) / c),
  );
}

/** A bias in int32 as floats. */
export const asFloats = (bias: Value | null): Tensor | null => {
  const t = bias && constantOf(bias);
  return t ? tensorOf('float32', t.dims, numbers(t)) : null;
};
