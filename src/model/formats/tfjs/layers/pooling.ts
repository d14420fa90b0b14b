/** Pools over windows and over everything.
 *  Source: keras src/layers/pooling; tfjs-layers src/layers/pooling.ts. */
import type { Value } from '../../../ir/model.ts';
import { averagePool, globalPool, maxPool } from '../../emit/index.ts';
import { channelsFirst, flag, oneOf, sizes } from './config.ts';
import { classes, type LayerCall, type LayerTable } from './layer.ts';

const windowed =
  (pool: typeof maxPool, rank: number) =>
  (call: LayerCall): Value => {
    const { e, x, config } = call;
    if (e.rank(x) !== rank + 2) config.fail(`its input has ${e.rank(x)} axes, not ${rank + 2}`);
    const kernel = config.read(
      'pool_size',
      sizes(rank),
      Array.from({ length: rank }, () => 2),
    );
    return pool(e, x, {
      kernel,
      strides: config.read('strides', sizes(rank), kernel),
      padding: config.read('padding', oneOf('valid', 'same'), 'valid'),
      channelsFirst: channelsFirst(config),
    });
  };

const overall =
  (kind: 'max' | 'average', rank: number) =>
  ({ e, x, config }: LayerCall): Value => {
    if (e.rank(x) !== rank + 2) config.fail(`its input has ${e.rank(x)} axes, not ${rank + 2}`);
    return globalPool(e, kind, x, config.read('keepdims', flag, false), channelsFirst(config));
  };

const named = (pattern: string, rank: number) => pattern.replaceAll('*', String(rank));

export const poolingLayers: LayerTable = Object.assign(
  {},
  ...[1, 2, 3].map((rank) => ({
    ...classes(named('MaxPooling*D MaxPool*D', rank), { write: windowed(maxPool, rank) }),
    ...classes(named('AveragePooling*D AvgPool*D', rank), { write: windowed(averagePool, rank) }),
    ...classes(named('GlobalMaxPooling*D GlobalMaxPool*D', rank), { write: overall('max', rank) }),
    ...classes(named('GlobalAveragePooling*D GlobalAvgPool*D', rank), { write: overall('average', rank) }),
  })),
);
