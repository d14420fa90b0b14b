/** Complex numbers and Fourier transforms. ONNX has no complex tensors: a value is real and imaginary parts along a last axis of
 *  2, as DFT takes them, and a note says so. What isn't in `complexOperators` is refused where such a value comes.
 *  Source: tfjs-core src/ops/spectral, src/ops/complex.ts; ONNX DFT-17. */
import type { Value } from '../../../ir/model.ts';
import { defineNote } from '../../../ir/note.ts';
import {
  cast,
  concat,
  type Emitter,
  reshape,
  shapeOfValue,
  sizeOfAxis,
  slice,
  squeeze,
  toList,
  unsqueeze,
} from '../../emit/index.ts';
import { fourierOfRows, type Parts } from './fourier.ts';
import { axisWithin, inputOf, numbersOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const paired = defineNote<Value, true>('tfjs-complex');

/** Whether a value's last axis is real and imaginary part. */
export const isComplex = (value: Value): boolean => paired.has(value);

/** Says that the last axis of a value is real and imaginary part. */
export function asComplex(value: Value): Value {
  paired.set(value, true);
  return value;
}

const join = (e: Emitter, real: Value, imaginary: Value): Value =>
  asComplex(concat(e, [unsqueeze(e, real, -1), unsqueeze(e, imaginary, -1)], -1));

function part(e: Emitter, x: Value, index: 0 | 1): Value {
  if (!isComplex(x)) e.refuse('real numbers, where complex ones were expected');
  return squeeze(e, slice(e, x, e.rank(x) - 1, index, index + 1), -1);
}

/** A real tensor with imaginary parts of 0. */
function lifted(e: Emitter, x: Value): Value {
  if (isComplex(x)) return x;
  const real = cast(e, x, 'float32');
  return join(e, real, zerosLike(e, real));
}

const zerosLike = (e: Emitter, x: Value): Value =>
  e.emit('Expand', [e.scalar('float32', 0), shapeOfValue(e, x)]);

const elementwise =
  (opType: string): Operator =>
  (call) => {
    const [a, b] = pairOf(call).map((x) => lifted(call.e, x)) as [Value, Value];
    return asComplex(call.e.emit(opType, [a, b]));
  };

/** (a + bi)(c + di) = ac − bd + (ad + bc)i. */
const product: Operator = (call) => {
  const { e } = call;
  const [x, y] = pairOf(call).map((v) => lifted(e, v)) as [Value, Value];
  const [a, b, c, d] = [part(e, x, 0), part(e, x, 1), part(e, y, 0), part(e, y, 1)];
  const times = (p: Value, q: Value) => e.emit('Mul', [p, q]);
  const real = e.emit('Sub', [times(a, c), times(b, d)]);
  return join(e, real, e.emit('Add', [times(a, d), times(b, c)]));
};

/** To real numbers: their real part, as TensorFlow.js casts. */
const toReal: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const dtype = attributes.dtype('DstT');
  if (dtype === 'complex64') return lifted(e, x);
  if (dtype === null || dtype === 'string') return e.refuse(`a cast to ${attributes.typeName('DstT')}`);
  return cast(e, part(e, x, 0), dtype);
};

const same: Operator = (call) => inputOf(call, 0);

const reshaped: Operator = (call) => {
  const { e } = call;
  const shape = cast(e, toList(e, inputOf(call, 1)), 'int64');
  return asComplex(reshape(e, inputOf(call, 0), concat(e, [shape, e.integers(2)], 0)));
};

const expandDims: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  return asComplex(unsqueeze(e, x, axisWithin(call, numbersOf(call, 1, 'its axis')[0]!, e.rank(x))));
};

/** The last axis of a real tensor, whose length has to be known. */
function lengthOf(e: Emitter, x: Value): number {
  const length = e.sizes(x).at(-1);
  return typeof length === 'number' ? length : e.refuse('the length of a transform is not known');
}

/** [..., n] → [rows, n]. */
const rowsOf = (e: Emitter, x: Value, length: number): Value => reshape(e, x, [-1, length]);

const partsOf = (e: Emitter, x: Value): Parts => {
  const whole = lifted(e, x);
  return { real: part(e, whole, 0), imaginary: part(e, whole, 1) };
};

const fourier =
  (inverse: boolean): Operator =>
  (call) => {
    const { e } = call;
    const { real, imaginary } = partsOf(e, inputOf(call, 0));
    const length = lengthOf(e, real);
    const rows = { real: rowsOf(e, real, length), imaginary: rowsOf(e, imaginary, length) };
    const y = fourierOfRows(e, rows, length, inverse);
    const shape = shapeOfValue(e, real);
    return join(e, reshape(e, y.real, shape), reshape(e, y.imaginary, shape));
  };

/** The first half, which says all of a real signal. TensorFlow.js takes the length from the signal, whatever the node says. */
const ofReal: Operator = (call) => {
  const { e } = call;
  const x = cast(e, inputOf(call, 0), 'float32');
  const length = lengthOf(e, x);
  const real = rowsOf(e, x, length);
  const y = fourierOfRows(e, { real, imaginary: zerosLike(e, real) }, length, false);
  const half = Math.floor(length / 2) + 1;
  const shape = concat(e, [e.emit('Shape', [x], { end: -1 }), e.integers(half)], 0);
  const [re, im] = [y.real, y.imaginary].map((v) => reshape(e, slice(e, v, 1, 0, half), shape));
  return join(e, re!, im!);
};

/** The signal whose first half of coefficients is given: the others are their conjugates. Two axes, or three where the input
 *  has three, as TensorFlow.js has it. */
const toSignal: Operator = (call) => {
  const { e } = call;
  const x = partsOf(e, inputOf(call, 0));
  const half = lengthOf(e, x.real);
  const length = half <= 2 ? half : 2 * (half - 1);
  const [real, imaginary] = [x.real, x.imaginary].map((value) => rowsOf(e, value, half)) as [Value, Value];
  const mirrored = (value: Value) =>
    e.emit('Slice', [value, e.integers(-2), e.integers(0), e.integers(1), e.integers(-1)]);
  const whole =
    half <= 2
      ? { real, imaginary }
      : {
          real: concat(e, [real, mirrored(real)], 1),
          imaginary: concat(e, [imaginary, e.emit('Neg', [mirrored(imaginary)])], 1),
        };
  const signal = fourierOfRows(e, whole, length, true).real;
  if (e.rank(x.real) !== 3) return signal;
  const [batch, count] = [sizeOfAxis(e, x.real, 0), sizeOfAxis(e, x.real, 1)];
  return reshape(e, signal, concat(e, [batch, count, e.integers(length)], 0));
};

const magnitude: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  if (!isComplex(x)) return e.emit('Abs', [x]);
  return e.emit('ReduceL2', [x], { axes: [-1], keepdims: 0 });
};

/** Operators that take complex numbers. */
export const complexOperators: OperatorTable = {
  Real: (call) => part(call.e, inputOf(call, 0), 0),
  Imag: (call) => part(call.e, inputOf(call, 0), 1),
  ComplexAbs: magnitude,
  FFT: fourier(false),
  IFFT: fourier(true),
  IRFFT: toSignal,
  Add: elementwise('Add'),
  AddV2: elementwise('Add'),
  Sub: elementwise('Sub'),
  Mul: product,
  Cast: toReal,
  Reshape: reshaped,
  ExpandDims: expandDims,
  Identity: same,
  StopGradient: same,
};

/** Those of them, and those that make complex numbers, which no others are called like. */
export const spectralOperators: OperatorTable = {
  Complex: (call) => join(call.e, ...(pairOf(call).map((x) => cast(call.e, x, 'float32')) as [Value, Value])),
  Real: complexOperators['Real']!,
  Imag: complexOperators['Imag']!,
  ComplexAbs: magnitude,
  FFT: fourier(false),
  IFFT: fourier(true),
  RFFT: ofReal,
  IRFFT: toSignal,
};
