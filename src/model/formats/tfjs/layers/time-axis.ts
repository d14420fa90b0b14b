/** Layers that take no time, on sequences: time becomes part of the batch and comes back. */
import type { Value } from '../../../ir/model.ts';
import { concat, type Emitter, reshape } from '../../emit/index.ts';

/** [batch, time, …] → [batch · time, …]. */
export function mergeTime(e: Emitter, x: Value): Value {
  const rest = e.sizes(x).slice(2);
  if (rest.every((d) => typeof d === 'number')) return reshape(e, x, [-1, ...(rest as number[])]);
  return e.emit('Reshape', [x, concat(e, [e.integers(-1), e.emit('Shape', [x], { start: 2 })], 0)]);
}

/** [batch · time, …] → [batch, time, …]. @param like  a value of that batch and time */
export function splitTime(e: Emitter, y: Value, like: Value): Value {
  const time = e.sizes(like)[1];
  const rest = e.sizes(y).slice(1);
  if (typeof time === 'number' && rest.every((d) => typeof d === 'number'))
    return reshape(e, y, [-1, time, ...(rest as number[])]);
  const leading = e.emit('Shape', [like], { start: 0, end: 2 });
  return e.emit('Reshape', [y, concat(e, [leading, e.emit('Shape', [y], { start: 1 })], 0)]);
}
