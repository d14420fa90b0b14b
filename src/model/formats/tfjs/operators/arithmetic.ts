/** Add to SquaredDifference: arithmetic of two tensors that broadcast. */
import type { Value } from '../../../ir/model.ts';
import { binary, cast, divide, type Emitter, floorDivide, floorModulo, matched } from '../../emit/index.ts';
import { inputOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const same =
  (opType: string): Operator =>
  (call) =>
    binary(call.e, opType, ...pairOf(call));

const pair =
  (write: (e: Emitter, a: Value, b: Value) => Value): Operator =>
  (call) =>
    write(call.e, ...pairOf(call));

/** a / b, and 0 where b is 0. */
function divideNoNan(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  const dtype = e.dtype(x);
  const isZero = e.emit('Equal', [y, e.scalar(dtype, 0)]);
  // Dividing whole numbers by 0 ends onnxruntime.
  const quotient = divide(e, x, e.emit('Where', [isZero, e.scalar(dtype, 1), y]));
  return e.emit('Where', [isZero, e.scalar(dtype, 0), quotient]);
}

function squaredDifference(e: Emitter, a: Value, b: Value): Value {
  const difference = binary(e, 'Sub', a, b);
  return e.emit('Mul', [difference, difference]);
}

export const arithmeticOperators: OperatorTable = {
  Add: same('Add'),
  AddV2: same('Add'),
  BiasAdd: same('Add'),
  AddN: (call) => call.inputs.slice(1).reduce((sum, x) => binary(call.e, 'Add', sum, x), inputOf(call, 0)),
  Sub: same('Sub'),
  Mul: same('Mul'),
  RealDiv: pair(divide),
  Div: pair(divide),
  DivNoNan: pair(divideNoNan),
  // TensorFlow.js answers in int32, whatever it divides.
  FloorDiv: pair((e, a, b) => cast(e, floorDivide(e, a, b), 'int32')),
  Mod: pair(floorModulo),
  FloorMod: pair(floorModulo),
  Maximum: same('Max'),
  Minimum: same('Min'),
  Pow: same('Pow'),
  SquaredDifference: pair(squaredDifference),
};
