/** Products of matrices. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { transpose } from './movement.ts';

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Added with broadcasting. */
  readonly bias?: Value | null | undefined;
}

/** a · b over the last two axes, those before broadcast. a […, m, k], b […, k, n] → […, m, n]. */
export function matmul(e: Emitter, a: Value, b: Value, options: MatmulOptions = {}): Value {
  const { transposeA = false, transposeB = false, bias } = options;
  const y = e.emit('MatMul', [transposeA ? transposeLast(e, a) : a, transposeB ? transposeLast(e, b) : b]);
  return bias ? e.emit('Add', [y, bias]) : y;
}

/** The last two axes exchanged. */
export function transposeLast(e: Emitter, x: Value): Value {
  const rank = e.rank(x);
  const leading = Array.from({ length: rank - 2 }, (_, i) => i);
  return transpose(e, x, [...leading, rank - 1, rank - 2]);
}
