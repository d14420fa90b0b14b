/** Gradient of a convolution's weight: dW[m, c, k] = Σ over n, o of dY[n, m, o] · X[n, c, o·stride + k·dilation − pad].
 *  A matrix product over o of dY with X shifted by every tap k. What differs is how the shifted copies are made, which
 *  is most of the time; each way was measured against the usual one, a Conv with the output as
 *  kernel, which onnxruntime runs as a matrix product with as many columns as taps: 2 to 6 times slower. */
import type { Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import type { Emitter } from '../emitter.ts';

/** How a kernel slides; one entry a spatial axis, pads all begins then all ends. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly group: number;
}

const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);
const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** @param x  [N, G·Cg, …space]  @param dy  [N, G·Mg, …out]
 *  @param dims  [G·Mg, Cg, …kernel], the shape of the result */
export function weightGradient(e: Emitter, x: Value, dy: Value, dims: readonly number[], w: Window): Value {
  const [m = 1, cg = 1, ...kernel] = dims;
  const n = e.dims(x)[0] as number;
  const batched = (v: Value, channels: number) =>
    e.reshape(v, [n * w.group, channels, ...e.dims(v).slice(2)]);
  const [pictures, gradients] = [batched(x, cg), batched(dy, m / w.group)];
  const [depthwise, dense] = [cg === 1 && m === w.group, w.strides.every((s) => s === 1)];
  const summed =
    depthwise && dense && product(kernel) <= 9
      ? perTap(e, pictures, gradients, n, w)
      : dense
        ? shifted(e, pictures, gradients, n, w)
        : columns(e, pictures, gradients, n, w);
  return e.reshape(summed, [m, cg, ...kernel]);
}

/** One filter a channel and few taps: multiply and sum for each tap. @returns [G, …kernel] */
function perTap(e: Emitter, x: Value, dy: Value, n: number, w: Window): Value {
  const [batch = 1, , ...out] = e.dims(dy);
  const sums = taps(w.kernel).map((tap) => {
    const weighed = e.op('Mul', [window(e, x, tap, out, w), dy]);
    return e.op('ReduceSum', [e.reshape(weighed, [batch, product(out)]), e.ints([1])], { keepdims: 1 });
  });
  const side = e.op('Concat', sums, { axis: 1 });
  return overBatch(e, side, n);
}

/** Stride 1: X shifted along some axes times dY shifted along the others, so that 3 + 3 copies do for 3·3 taps.
 *  @returns [G, Mg, Cg, …kernel] */
function shifted(e: Emitter, x: Value, dy: Value, n: number, w: Window): Value {
  const [[batch = 1, cg = 1, ...space], [, mg = 1, ...out]] = [e.dims(x), e.dims(dy)];
  const rank = space.length;
  const [first = 1, ...rest] = w.kernel;
  const shared = first * mg + product(rest) * cg < first * product(rest) * cg;
  // The positions that the product sums over: X's rows along an axis where dY is shifted, else the output's.
  const over = out.map((o, i) => (i === 0 && shared ? (space[0] as number) : o));
  const ones = w.kernel.map(() => 1);
  const tapsOfX = taps(shared ? [1, ...rest] : w.kernel);
  const tapsOfY = taps(shared ? [first, ...ones.slice(1)] : ones);
  const [countX, countY, positions] = [tapsOfX.length, tapsOfY.length, product(over)];

  const apart = batch === n && countX * cg * countY * mg > 3 * positions * (cg + mg);
  const ordered = (v: Value, channels: number, size: readonly number[]) =>
    apart
      ? e.reshape(e.transpose(e.reshape(v, [n, channels, product(size)]), [1, 0, 2]), [channels, n, ...size])
      : v;
  const stack = (copies: Value[], channels: number) => {
    const all = copies.length === 1 ? (copies[0] as Value) : e.op('Concat', copies, { axis: apart ? 0 : 1 });
    return e.reshape(
      all,
      apart ? [copies.length * channels, n * positions] : [batch, copies.length * channels, positions],
    );
  };
  const [orderedX, orderedY] = [ordered(x, cg, space), ordered(dy, mg, out)];
  const b = stack(
    tapsOfX.map((tap) => {
      const begin = tap.map((t, i) =>
        i === 0 && shared ? 0 : (w.pads[i] as number) - t * (w.dilations[i] as number),
      );
      return moved(e, orderedX, begin, over);
    }),
    cg,
  );
  const a = stack(
    tapsOfY.map((tap) => {
      const begin = tap.map((t, i) =>
        i === 0 && shared ? t * (w.dilations[i] as number) - (w.pads[i] as number) : 0,
      );
      return moved(e, orderedY, begin, over);
    }),
    mg,
  );
  // Few positions make many small products: one over all samples is quicker, at the price of two transpositions.
  const sum = apart
    ? e.op('Gemm', [a, b], { transB: 1 })
    : overBatch(e, e.op('MatMul', [a, e.transpose(b, [0, 2, 1])]), n);
  const parts = e.reshape(sum, [batch / n, countY, mg, countX, cg]);
  const ordered5 = e.transpose(parts, [0, 2, 4, 1, 3]);
  return e.reshape(ordered5, [batch / n, mg, cg, ...(rank > 0 ? w.kernel : [])]);
}

/** Any stride: the columns are picked by a convolution whose filters have a single 1, one filter a tap.
 *  @returns [G, Mg, Cg, …kernel] */
function columns(e: Emitter, x: Value, dy: Value, n: number, w: Window): Value {
  const [batch = 1, cg = 1, ...space] = e.dims(x);
  const [, mg = 1, ...out] = e.dims(dy);
  const count = product(w.kernel);
  const pick = new Float32Array(count * count);
  for (let t = 0; t < count; t++) pick[t * count + t] = 1;
  const picked = e.op(
    'Conv',
    [e.reshape(x, [batch * cg, 1, ...space]), e.constant(tensorOf('float32', [count, 1, ...w.kernel], pick))],
    { kernel_shape: w.kernel, strides: w.strides, dilations: w.dilations, pads: w.pads },
  );
  // A transposed convolution's dY may reach one window further than X has elements.
  const fitted = moved(
    e,
    picked,
    out.map(() => 0),
    out,
  );
  const cols = e.reshape(fitted, [batch, cg * count, product(out)]);
  const rows = e.reshape(dy, [batch, mg, product(out)]);
  const sum = overBatch(e, e.op('MatMul', [cols, e.transpose(rows, [0, 2, 1])]), n);
  const parts = e.reshape(sum, [batch / n, cg * count, mg]);
  return e.reshape(e.transpose(parts, [0, 2, 1]), [batch / n, mg, cg, ...w.kernel]);
}

/** [N·G, …] summed over N: [G·…]. */
function overBatch(e: Emitter, v: Value, n: number): Value {
  const flat = e.reshape(v, [n, product(e.dims(v)) / n]);
  return e.op('ReduceSum', [flat, e.ints([0])], { keepdims: 0 });
}

/** Every position in the kernel, in its order. */
const taps = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>((all, size) => all.flatMap((t) => range(size).map((i) => [...t, i])), [[]]);

/** What tap `tap` sees of X, stride 1: [N, C, …out]. */
const window = (e: Emitter, x: Value, tap: readonly number[], out: readonly number[], w: Window) =>
  moved(
    e,
    x,
    tap.map((t, i) => (w.pads[i] as number) - t * (w.dilations[i] as number)),
    out,
  );

/** Spatial axes (all but the first two) moved by `begin` elements, zeros coming in, and cut or filled to `size`. */
function moved(e: Emitter, v: Value, begin: readonly number[], size: readonly number[]): Value {
  const have = e.dims(v).slice(2);
  const end = have.map((h, i) => (size[i] as number) - h - (begin[i] as number));
  if ([...begin, ...end].every((p) => p === 0)) return v;
  return e.op('Pad', [v, e.ints([0, 0, ...begin, 0, 0, ...end])]);
}
