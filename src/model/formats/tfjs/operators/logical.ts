/** Comparisons, truth values, choices. */
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { binary, cast, type Emitter, select, unsqueeze } from '../../emit/index.ts';
import { inputOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const comparison =
  (opType: string): Operator =>
  (call) =>
    binary(call.e, opType, ...pairOf(call));

const logical =
  (opType: string): Operator =>
  (call) => {
    const { e } = call;
    return e.emit(
      opType,
      pairOf(call).map((v) => cast(e, v, 'bool')),
    );
  };

const chosen: Operator = (call) => select(call.e, inputOf(call, 0), inputOf(call, 1), inputOf(call, 2));

/** Bit by bit of int32: each number as its 32 bits without a sign, in int64. */
function bitwiseAnd(e: Emitter, a: Value, b: Value): Value {
  const whole = 2 ** 32;
  const powers = e.constant(
    tensorOf(
      'int64',
      [32],
      Array.from({ length: 32 }, (_, i) => 2 ** i),
    ),
  );
  const two = e.scalar('int64', 2);
  const bits = (x: Value) => {
    const unsigned = e.emit('Mod', [cast(e, x, 'int64'), e.scalar('int64', whole)]);
    return e.emit('Mod', [e.emit('Div', [unsqueeze(e, unsigned, -1), powers]), two]);
  };
  const both = e.emit('Mul', [e.emit('Mul', [bits(a), bits(b)]), powers]);
  const sum = e.emit('ReduceSum', [both, e.integers(-1)], { keepdims: 0 });
  const negative = e.emit('GreaterOrEqual', [sum, e.scalar('int64', whole / 2)]);
  const signed = e.emit('Where', [negative, e.emit('Sub', [sum, e.scalar('int64', whole)]), sum]);
  return cast(e, signed, 'int32');
}

export const logicalOperators: OperatorTable = {
  Equal: comparison('Equal'),
  NotEqual: (call) => call.e.emit('Not', [binary(call.e, 'Equal', ...pairOf(call))]),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: logical('And'),
  LogicalOr: logical('Or'),
  LogicalNot: (call) => call.e.emit('Not', [cast(call.e, inputOf(call, 0), 'bool')]),
  Select: chosen,
  SelectV2: chosen,
  BitwiseAnd: (call) => bitwiseAnd(call.e, ...pairOf(call)),
};
