/** Arithmetic where TensorFlow and ONNX differ. */
import { isFloat } from '../../ir/dtype.ts';
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast } from './movement.ts';

/** Both in the type that they are computed in: their own where it is one, float32 where one is, else int32. */
export function matched(e: Emitter, a: Value, b: Value): [Value, Value] {
  const [x, y] = [e.dtype(a), e.dtype(b)];
  if (x === y && x !== 'bool') return [a, b];
  const dtype = x === 'float32' || y === 'float32' ? 'float32' : 'int32';
  return [cast(e, a, dtype), cast(e, b, dtype)];
}

/** An operator of two inputs on their common type. */
export const binary = (e: Emitter, opType: string, a: Value, b: Value): Value =>
  e.emit(opType, matched(e, a, b));

/** a / b; whole numbers are divided downwards. */
export function divide(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  return isFloat(e.dtype(x)) ? e.emit('Div', [x, y]) : floorQuotient(e, x, y);
}

/** ⌊a / b⌋, in the type of a and b. */
export function floorDivide(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  if (!isFloat(e.dtype(x))) return floorQuotient(e, x, y);
  return e.emit('Floor', [e.emit('Div', [x, y])]);
}

/** ONNX divides towards zero; without the remainder (of the divisor's sign) that is downwards. */
const floorQuotient = (e: Emitter, a: Value, b: Value): Value =>
  e.emit('Div', [e.emit('Sub', [a, e.emit('Mod', [a, b])]), b]);

/** The remainder with the sign of the divisor. */
export function floorModulo(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  if (!isFloat(e.dtype(x))) return e.emit('Mod', [x, y]);
  const zero = e.scalar('float32', 0);
  const rest = e.emit('Mod', [x, y], { fmod: 1 });
  const same = e.emit('Equal', [e.emit('Less', [x, zero]), e.emit('Less', [y, zero])]);
  const shifted = e.emit('Mod', [e.emit('Add', [rest, y]), y], { fmod: 1 });
  return e.emit('Where', [same, rest, shifted]);
}

/** The angle of the point (x, y): atan(y/x), a half turn further where x < 0. */
export function atan2(e: Emitter, y: Value, x: Value): Value {
  const scalar = (value: number) => e.scalar('float32', value);
  const isZero = e.emit('Equal', [x, scalar(0)]);
  const angle = e.emit('Atan', [e.emit('Div', [y, e.emit('Where', [isZero, scalar(1), x])])]);
  const below = e.emit('Less', [y, scalar(0)]);
  const halfTurn = e.emit('Where', [below, scalar(-Math.PI), scalar(Math.PI)]);
  const turned = e.emit('Where', [e.emit('Less', [x, scalar(0)]), e.emit('Add', [angle, halfTurn]), angle]);
  const upright = e.emit('Mul', [e.emit('Sign', [y]), scalar(Math.PI / 2)]);
  return e.emit('Where', [isZero, upright, turned]);
}

/** a where the condition holds, else b; all three broadcast. */
export function select(e: Emitter, condition: Value, a: Value, b: Value): Value {
  // onnxruntime has no kernel for truth values.
  const dtype = e.dtype(a) === e.dtype(b) ? e.dtype(a) : null;
  const chosen = dtype === null || dtype === 'bool' ? matched(e, a, b) : [a, b];
  const y = e.emit('Where', [cast(e, condition, 'bool'), ...chosen]);
  return dtype === null ? y : cast(e, y, dtype);
}
