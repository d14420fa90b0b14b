/** Pools over channels-last values of one to three spatial axes. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast, toChannelsFirst, toChannelsLast } from './movement.ts';
import { spatialSizes, type Window, windowAttributes } from './padding.ts';

export interface PoolOptions extends Window {
  readonly channelsFirst?: boolean | undefined;
}

/** The largest of each window; padding counts as −∞. [batch, …spatial, channels] → the same with fewer places. */
export const maxPool = (e: Emitter, x: Value, options: PoolOptions): Value =>
  pooled(e, 'MaxPool', x, options);

/** The mean of each window, of those of its cells that lie inside. */
export const averagePool = (e: Emitter, x: Value, options: PoolOptions): Value =>
  pooled(e, 'AveragePool', x, options);

/** Neither kernel takes int32. */
function pooled(e: Emitter, opType: string, x: Value, options: PoolOptions): Value {
  const first = options.channelsFirst ? x : toChannelsFirst(e, x);
  const dtype = e.dtype(x);
  const y = e.emit(opType, [cast(e, first, 'float32')], windowAttributes(e, options, spatialSizes(e, first)));
  const back = cast(e, y, dtype);
  return options.channelsFirst ? back : toChannelsLast(e, back);
}

/** Over all places. @param keep  leave axes of size 1; [batch, channels] otherwise */
export function globalPool(
  e: Emitter,
  kind: 'max' | 'average',
  x: Value,
  keep = false,
  channelsFirst = false,
): Value {
  const rank = e.rank(x);
  const first = channelsFirst ? 2 : 1;
  return e.emit(kind === 'max' ? 'ReduceMax' : 'ReduceMean', [x], {
    axes: Array.from({ length: rank - 2 }, (_, i) => i + first),
    keepdims: keep ? 1 : 0,
  });
}
