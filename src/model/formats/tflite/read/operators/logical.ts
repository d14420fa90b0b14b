/** Comparisons, truth values, choices, bits. */
import type { Value } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import { binary, cast, type Emitter, floorDivide, reshape, select, unsqueeze } from '../../../emit/index.ts';
import { inputOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const pair =
  (write: (e: Emitter, a: Value, b: Value) => Value): Operator =>
  (call) =>
    write(call.e, ...pairOf(call));

const plain = (opType: string): Operator => pair((e, a, b) => e.emit(opType, [a, b]));

/** onnxruntime compares no truth values by order, and has no kernel for small integers. */
const comparison = (opType: string): Operator => pair((e, a, b) => binary(e, opType, a, b));

const truths = (opType: string): Operator =>
  pair((e, a, b) => (e.dtype(a) === 'bool' ? e.emit(opType, [a, b]) : e.refuse(`bits of ${e.dtype(a)}`)));

/** A condition of one axis chooses rows. Source: tflite/kernels/select.cc. */
const selectRows: Operator = (call) => {
  const { e } = call;
  const [condition, a] = pairOf(call);
  const rank = e.rank(a);
  const rows = e.rank(condition) === 1 && rank > 1;
  const shaped = rows ? reshape(e, condition, [-1, ...Array<number>(rank - 1).fill(1)]) : condition;
  return select(e, shaped, a, inputOf(call, 2));
};

/** Bit by bit: each number as its bits without a sign, in int64. */
function exclusiveOr(e: Emitter, a: Value, b: Value): Value {
  const dtype = e.dtype(a);
  const width = { int8: 8, uint8: 8, int16: 16, uint16: 16, int32: 32 }[dtype as string];
  if (!width) return e.refuse(`bits of ${dtype}`);
  const powers = e.constant(
    tensorOf(
      'int64',
      [width],
      Array.from({ length: width }, (_, i) => 2 ** i),
    ),
  );
  const two = e.scalar('int64', 2);
  const bits = (x: Value) => {
    const unsigned = e.emit('Mod', [cast(e, x, 'int64'), e.scalar('int64', 2 ** width)]);
    return e.emit('Mod', [e.emit('Div', [unsqueeze(e, unsigned, -1), powers]), two]);
  };
  const different = e.emit('Mod', [e.emit('Add', [bits(a), bits(b)]), two]);
  const sum = e.emit('ReduceSum', [e.emit('Mul', [different, powers]), e.integers(-1)], { keepdims: 0 });
  if (dtype.startsWith('uint')) return cast(e, sum, dtype);
  const negative = e.emit('GreaterOrEqual', [sum, e.scalar('int64', 2 ** (width - 1))]);
  const signed = e.emit('Where', [negative, e.emit('Sub', [sum, e.scalar('int64', 2 ** width)]), sum]);
  return cast(e, signed, dtype);
}

/** ⌊a / 2ᵇ⌋; b is pressed into the width of the type. Source: tflite/kernels/right_shift.cc. */
function rightShift(e: Emitter, a: Value, b: Value): Value {
  const dtype = e.dtype(a);
  const width = { int8: 8, uint8: 8, int16: 16, uint16: 16, int32: 32, uint32: 32 }[dtype as string];
  if (!width) return e.refuse(`bits of ${dtype}`);
  const places = e.emit('Clip', [cast(e, b, 'int64'), e.scalar('int64', 0), e.scalar('int64', width - 1)]);
  const power = e.emit('Pow', [e.scalar('int64', 2), places]);
  return cast(e, floorDivide(e, cast(e, a, 'int64'), power), dtype);
}

export const logicalOperators: OperatorTable = {
  EQUAL: comparison('Equal'),
  NOT_EQUAL: (call) => call.e.emit('Not', [binary(call.e, 'Equal', ...pairOf(call))]),
  GREATER: comparison('Greater'),
  GREATER_EQUAL: comparison('GreaterOrEqual'),
  LESS: comparison('Less'),
  LESS_EQUAL: comparison('LessOrEqual'),
  LOGICAL_AND: plain('And'),
  LOGICAL_OR: plain('Or'),
  LOGICAL_NOT: (call) => call.e.emit('Not', [inputOf(call, 0)]),
  SELECT: selectRows,
  SELECT_V2: (call) => select(call.e, inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)),
  STABLEHLO_AND: truths('And'),
  BITWISE_XOR: pair(exclusiveOr),
  RIGHT_SHIFT: pair(rightShift),
};
