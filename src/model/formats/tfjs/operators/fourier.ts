/** Discrete Fourier transforms of rows. onnxruntime's DFT is exact to float precision for powers of two alone: for other lengths the
 *  angles of its chirps, which grow with the square of the index, lose what float32 can't hold (of a length of 1000 the result
 *  was off by 9e-5 of its largest, measured against float64). Those are two products with small constant matrices:
 *    j = b·j₁ + j₂, k = k₁ + a·k₂:  X[k] = Σ_j₂ W_b^(j₂k₂) · W_n^(j₂k₁) · Σ_j₁ W_a^(j₁k₁) · x[j],  n = a·b, W_n = e^(−2πi/n)
 *  Source: Cooley and Tukey 1965; ONNX DFT-17. */
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { concat, type Emitter, reshape, slice, squeeze, transpose, unsqueeze } from '../../emit/index.ts';

/** Real and imaginary parts, each [rows, n]. */
export interface Parts {
  readonly real: Value;
  readonly imaginary: Value;
}

/** Of a factor of the length: its matrices are stored in the file. */
const largestFactor = 1024;

/** @param inverse  divided by the length @throws a refusal for lengths with a prime factor above 1024 */
export function fourierOfRows(e: Emitter, x: Parts, length: number, inverse: boolean): Parts {
  if (Number.isInteger(Math.log2(length))) return byDft(e, x, inverse);
  let short = Math.floor(Math.sqrt(length));
  while (length % short !== 0) short--;
  const long = length / short;
  if (long > largestFactor)
    e.refuse(
      `a transform of length ${length}, which is no power of two and has a factor above ${largestFactor}`,
    );
  return byProducts(e, x, short, long, inverse);
}

function byDft(e: Emitter, { real, imaginary }: Parts, inverse: boolean): Parts {
  const pairs = concat(e, [unsqueeze(e, real, 2), unsqueeze(e, imaginary, 2)], 2);
  const y = e.emit('DFT', [pairs], { axis: 1, inverse: inverse ? 1 : 0 });
  const part = (index: number) => squeeze(e, slice(e, y, 2, index, index + 1), 2);
  return { real: part(0), imaginary: part(1) };
}

/** W^(r·c) for each row and column. @param period  W = e^(∓2πi/period) */
function twiddles(e: Emitter, rows: number, columns: number, period: number, inverse: boolean): Parts {
  const table = (of: (angle: number) => number) =>
    e.constant(
      tensorOf(
        'float32',
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => {
          const turn = (Math.floor(i / columns) * (i % columns)) % period;
          return of((2 * Math.PI * turn) / period);
        }),
      ),
      'fourier',
    );
  return { real: table(Math.cos), imaginary: table((a) => (inverse ? Math.sin(a) : -Math.sin(a))) };
}

/** (a + bi)(c + di), elementwise or as a product of matrices. */
function times(e: Emitter, op: 'Mul' | 'MatMul', x: Parts, y: Parts): Parts {
  const product = (a: Value, b: Value) => e.emit(op, [a, b]);
  return {
    real: e.emit('Sub', [product(x.real, y.real), product(x.imaginary, y.imaginary)]),
    imaginary: e.emit('Add', [product(x.real, y.imaginary), product(x.imaginary, y.real)]),
  };
}

const both = (x: Parts, change: (value: Value) => Value): Parts => ({
  real: change(x.real),
  imaginary: change(x.imaginary),
});

function byProducts(e: Emitter, x: Parts, a: number, b: number, inverse: boolean): Parts {
  const n = a * b;
  const cut = both(x, (value) => reshape(e, value, [-1, a, b]));
  const inner = times(e, 'MatMul', twiddles(e, a, a, a, inverse), cut);
  const turned = a === 1 ? inner : times(e, 'Mul', inner, twiddles(e, a, b, n, inverse));
  const outer = times(e, 'MatMul', turned, twiddles(e, b, b, b, inverse));
  const y = both(outer, (value) => reshape(e, transpose(e, value, [0, 2, 1]), [-1, n]));
  return inverse ? both(y, (value) => e.emit('Mul', [value, e.scalar('float32', 1 / n)])) : y;
}
