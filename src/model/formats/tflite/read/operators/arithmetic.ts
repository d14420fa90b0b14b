/** Arithmetic of two tensors that broadcast. */
import type { Value } from '../../../../ir/model.ts';
import { binary, type Emitter, extended, floorDivide, floorModulo } from '../../../emit/index.ts';
import {
  activated,
  inputOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
  pairOf,
} from './operator.ts';

/** The first two inputs; where one is a constant in fewer bits, with the rank of the other. */
export function broadcastPair(call: OperatorCall): [Value, Value] {
  const { e } = call;
  const [a, b] = pairOf(call);
  return [extended(e, a, e.rank(b)), extended(e, b, e.rank(a))];
}

const pair =
  (write: (e: Emitter, a: Value, b: Value) => Value): Operator =>
  (call) =>
    write(call.e, ...broadcastPair(call));

const same = (opType: string): Operator => pair((e, a, b) => binary(e, opType, a, b));

const fused =
  (operator: Operator): Operator =>
  (call) =>
    activated(call, operator(call) as Value);

function squaredDifference(e: Emitter, a: Value, b: Value): Value {
  const difference = binary(e, 'Sub', a, b);
  return e.emit('Mul', [difference, difference]);
}

const sum: Operator = (call) =>
  Array.from({ length: call.inputCount }, (_, i) => inputOf(call, i)).reduce((a, b) =>
    binary(call.e, 'Add', a, b),
  );

export const arithmeticOperators: OperatorTable = {
  ADD: fused(same('Add')),
  SUB: fused(same('Sub')),
  MUL: fused(same('Mul')),
  // Whole numbers towards zero, as in ONNX.
  DIV: fused(same('Div')),
  ADD_N: sum,
  FLOOR_DIV: pair((e, a, b) => floorDivide(e, a, b)),
  FLOOR_MOD: pair(floorModulo),
  MAXIMUM: same('Max'),
  MINIMUM: same('Min'),
  POW: same('Pow'),
  SQUARED_DIFFERENCE: pair(squaredDifference),
  STABLEHLO_ADD: same('Add'),
  STABLEHLO_MULTIPLY: same('Mul'),
  STABLEHLO_MAXIMUM: same('Max'),
  STABLEHLO_MINIMUM: same('Min'),
};
