/** Padding of tensors. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast, concat, reshape } from './movement.ts';

/** Pads that are known, one pair an axis. */
export type Pads = readonly (readonly [before: number, after: number])[];

/** Constant cells around x; 0 by default. @param value  scalar of x's type */
export function pad(e: Emitter, x: Value, pads: Pads, value?: Value): Value {
  if (pads.every(([before, after]) => before === 0 && after === 0)) return x;
  const flat = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
  return e.emit('Pad', [x, e.integers(...flat), value ?? e.scalar(e.dtype(x), 0)]);
}

/** The same with pads that are computed: int [rank, 2], before and after of each axis. */
export function padBy(e: Emitter, x: Value, pads: Value, value?: Value): Value {
  const known = e.data(pads);
  if (known?.every((v) => typeof v === 'number')) return pad(e, x, pairs(known as number[]), value);
  const columns = e.emit('Transpose', [cast(e, pads, 'int64')], { perm: [1, 0] });
  return e.emit('Pad', [x, reshape(e, columns, [-1]), value ?? e.scalar(e.dtype(x), 0)]);
}

/** [before, after, before, after, …] in pairs. */
export const pairs = (flat: readonly number[]): Pads =>
  Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);

/** Mirrored cells. 'reflect': without the edge cell, 'symmetric': with it. */
export function mirrorPad(e: Emitter, x: Value, pads: Pads, mode: 'reflect' | 'symmetric'): Value {
  return pads.reduce((padded, [before, after], axis) => {
    if (before === 0 && after === 0) return padded;
    const skip = mode === 'reflect' ? 1 : 0;
    const last = -1 - skip;
    const parts = [
      ...(before > 0 ? [backwards(e, padded, axis, before - 1 + skip, skip)] : []),
      padded,
      ...(after > 0 ? [backwards(e, padded, axis, last, last - after + 1)] : []),
    ];
    return concat(e, parts, axis);
  }, x);
}

/** Elements from `from` down to `to`, both included, in this order; negative counts from the end. */
const backwards = (e: Emitter, x: Value, axis: number, from: number, to: number): Value =>
  e.emit('Slice', [
    x,
    e.integers(from),
    e.integers(to === 0 ? Number.MIN_SAFE_INTEGER : to - 1),
    e.integers(axis),
    e.integers(-1),
  ]);
