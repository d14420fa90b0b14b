/** Pools. */
import type { Value } from '../../../../ir/model.ts';
import { averagePool, type Emitter, maxPool, type PoolOptions } from '../../../emit/index.ts';
import {
  activated,
  inputOf,
  int,
  type Operator,
  type OperatorCall,
  type OperatorTable,
  paddingOf,
} from './operator.ts';

const windowOf = (call: OperatorCall): PoolOptions => ({
  kernel: [int(call, 'filterHeight'), int(call, 'filterWidth')],
  strides: [int(call, 'strideH'), int(call, 'strideW')],
  padding: paddingOf(call),
});

const pool =
  (write: (e: Emitter, x: Value, options: PoolOptions) => Value): Operator =>
  (call) =>
    activated(call, write(call.e, inputOf(call, 0), windowOf(call)));

/** The root of the mean of squares. */
const l2Pool = (e: Emitter, x: Value, options: PoolOptions): Value =>
  e.emit('Sqrt', [averagePool(e, e.emit('Mul', [x, x]), options)]);

export const poolingOperators: OperatorTable = {
  AVERAGE_POOL_2D: pool(averagePool),
  MAX_POOL_2D: pool(maxPool),
  L2_POOL_2D: pool(l2Pool),
};
