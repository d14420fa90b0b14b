/** Arithmetic where TensorFlow.js and ONNX differ. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast } from './movement.ts';

/** Both in the type that TensorFlow.js computes them in: float32 where one is, else int32. */
export function matched(e: Emitter, a: Value, b: Value): [Value, Value] {
  const dtype = [a, b].some((v) => e.dtype(v) === 'float32') ? 'float32' : 'int32';
  return [cast(e, a, dtype), cast(e, b, dtype)];
}

/** An operator of two inputs on their common type. */
export const binary = (e: Emitter, opType: string, a: Value, b: Value): Value =>
  e.emit(opType, matched(e, a, b));

/** a / b; whole numbers are divided downwards. */
export function divide(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  return e.dtype(x) === 'int32' ? floorQuotient(e, x, y) : e.emit('Div', [x, y]);
}

/** ⌊a / b⌋ as int32, of floats too. */
export function floorDivide(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  if (e.dtype(x) === 'int32') return floorQuotient(e, x, y);
  return cast(e, e.emit('Floor', [e.emit('Div', [x, y])]), 'int32');
}

/** ONNX divides towards zero; without the remainder (of the divisor's sign) that is downwards. */
const floorQuotient = (e: Emitter, a: Value, b: Value): Value =>
  e.emit('Div', [e.emit('Sub', [a, e.emit('Mod', [a, b])]), b]);

/** The remainder with the sign of the divisor. */
export function floorModulo(e: Emitter, a: Value, b: Value): Value {
  const [x, y] = matched(e, a, b);
  if (e.dtype(x) === 'int32') return e.emit('Mod', [x, y]);
  const zero = e.scalar('float32', 0);
  const rest = e.emit('Mod', [x, y], { fmod: 1 });
  const same = e.emit('Equal', [e.emit('Less', [x, zero]), e.emit('Less', [y, zero])]);
  const shifted = e.emit('Mod', [e.emit('Add', [rest, y]), y], { fmod: 1 });
  return e.emit('Where', [same, rest, shifted]);
}
