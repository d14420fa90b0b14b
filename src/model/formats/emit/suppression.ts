/** Non-maximum suppression. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast, reshape, slice, toScalar, unsqueeze } from './movement.ts';

export interface SuppressionOptions {
  /** Most boxes that stay: any integer scalar. */
  readonly most: Value;
  /** A box that overlaps a better one by so much is dropped. */
  readonly overlap: Value;
  /** Boxes must score more. */
  readonly above?: Value | undefined;
}

/** Indices of the boxes that stay, best first, int64 [n]. Boxes [n, 4] as y, x, y, x of any two opposite corners. */
export function boxesKept(e: Emitter, boxes: Value, scores: Value, options: SuppressionOptions): Value {
  const above = options.above ? toScalar(e, options.above) : e.scalar('float32', Number.NEGATIVE_INFINITY);
  const found = e.emit('NonMaxSuppression', [
    unsqueeze(e, boxes, 0),
    unsqueeze(e, scores, 0, 1),
    cast(e, reshape(e, options.most, [1]), 'int64'),
    reshape(e, options.overlap, [1]),
    reshape(e, above, [1]),
  ]);
  return reshape(e, slice(e, found, 1, 2, 3), [-1]);
}

/** TensorFlow drops a box from the limit on, ONNX above it: the next smaller float32 is the same limit there. */
export function limitFrom(e: Emitter, given: Value): Value {
  const limit = toScalar(e, given);
  const known = e.data(limit)?.[0];
  if (typeof known !== 'number') return limit;
  if (known <= 0) e.refuse('an overlap limit of 0');
  return e.scalar('float32', previousFloat(known));
}

/** The next smaller float32 of a positive one. */
export function previousFloat(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer);
  bits[0]! -= 1;
  return new Float32Array(bits.buffer)[0]!;
}
