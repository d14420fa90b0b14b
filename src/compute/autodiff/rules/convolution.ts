/** Convolutions. With ∗ for "slide over": Y = W ∗ X + b ⇒ dX is the transposed convolution of dY by W, dW slides dY
 *  over X (strides and dilations change roles), db sums dY over batch and space. ConvTranspose is the same read
 *  backwards. X [N, G·Cg, …space], W [G·Mg, Cg, …kernel], dY [N, G·Mg, …out].
 *  Sources: ONNX Conv-11, ConvTranspose-11; Dumoulin & Visin 2016, arXiv:1603.07285. */
import type { Value } from '../../../model/ir/model.ts';
import { type ConvGeometry, convGeometry } from '../../../model/ops/defaults.ts';
import type { GradientTable, RuleContext } from '../rule.ts';
import { type Window, weightGradient } from './convolution-weight.ts';

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
const extent = (w: Window, i: number) => ((w.kernel[i] as number) - 1) * (w.dilations[i] as number) + 1;

export const convolution: GradientTable = {
  Conv(c) {
    const dy = c.gradient(0) as Value;
    const geometry = convGeometry(c.node) as ConvGeometry;
    const w = windowOf(geometry, geometry.pads as number[]);
    return [
      c.wants(0) ? convInputGradient(c, dy, c.input(1), c.dims(c.input(0)), w) : null,
      c.wants(1) ? weightGradient(c, c.input(0), dy, c.dims(c.input(1)), w) : null,
      c.wants(2) ? biasGradient(c, dy) : null,
    ];
  },

  ConvTranspose(c) {
    const dy = c.gradient(0) as Value;
    const w = transposedWindow(c);
    return [
      c.wants(0) ? transposedInputGradient(c, dy, w) : null,
      // Seen from dY, X is what the forward convolution would have made of it.
      c.wants(1) ? weightGradient(c, dy, c.input(0), c.dims(c.input(1)), w) : null,
      c.wants(2) ? biasGradient(c, dy) : null,
    ];
  },
};

const windowOf = (g: ConvGeometry, pads: readonly number[]): Window => ({
  kernel: g.kernel,
  strides: g.strides,
  dilations: g.dilations,
  pads,
  group: g.group,
});

/** dY [N, M, …] and W to dX of `dims`. */
function convInputGradient(
  c: RuleContext,
  dy: Value,
  weight: Value,
  dims: readonly number[],
  w: Window,
): Value {
  const out = c.dims(dy).slice(2);
  const n = out.length;
  const pads = w.pads.map((p, i) => extent(w, i % n) - 1 - p);
  const dense = w.strides.every((s) => s === 1) && pads.every((p) => p >= 0);
  const [m = 1, cg = 1] = c.dims(weight);
  // With few filters the transposed convolution is quicker; one filter a channel is a fast path of its own.
  if (dense && (cg >= 8 || (cg === 1 && m === w.group)))
    return c.op('Conv', [dy, turned(c, weight, w)], {
      kernel_shape: w.kernel,
      dilations: w.dilations,
      pads,
      group: w.group,
    });
  // What the forward pass never reached: less than a stride at the end of every axis.
  const outputPadding = out.map(
    (o, i) =>
      (dims[i + 2] as number) +
      (w.pads[i] as number) +
      (w.pads[n + i] as number) -
      ((o - 1) * (w.strides[i] as number) + extent(w, i)),
  );
  return c.op('ConvTranspose', [dy, weight], {
    kernel_shape: w.kernel,
    strides: w.strides,
    dilations: w.dilations,
    pads: w.pads,
    output_padding: outputPadding,
    group: w.group,
  });
}

/** The kernel of the convolution from outputs to inputs: [G·Mg, Cg, …k] → [G·Cg, Mg, …k] with the taps reversed. */
function turned(c: RuleContext, weight: Value, w: Window): Value {
  const [m = 1, cg = 1, ...kernel] = c.dims(weight);
  const [mg, taps] = [m / w.group, product(kernel)];
  const apart = c.reshape(weight, [w.group, mg, cg, taps]);
  const backwards =
    taps === 1 ? apart : c.op('Slice', [apart, c.ints([-1]), c.ints([-taps - 1]), c.ints([3]), c.ints([-1])]);
  return c.reshape(c.transpose(backwards, [0, 2, 1, 3]), [w.group * cg, mg, ...kernel]);
}

function transposedInputGradient(c: RuleContext, dy: Value, w: Window): Value {
  const made = c.op('Conv', [dy, c.input(1)], {
    kernel_shape: w.kernel,
    strides: w.strides,
    dilations: w.dilations,
    pads: w.pads,
    group: w.group,
  });
  return cropTo(c, made, c.dims(c.input(0)));
}

/** The beginning of every axis. Output padding of a stride and more gives the gradient windows that X hasn't. */
function cropTo(c: RuleContext, v: Value, dims: readonly number[]): Value {
  const have = c.dims(v);
  const axes = have.flatMap((d, i) => (d === dims[i] ? [] : [i]));
  if (axes.length === 0) return v;
  const ends = axes.map((a) => dims[a] as number);
  return c.op('Slice', [v, c.ints(axes.map(() => 0)), c.ints(ends), c.ints(axes)]);
}

/** Window of a ConvTranspose, with the pads that its output's size implies where they aren't written out. */
function transposedWindow(c: RuleContext): Window {
  const g = convGeometry(c.node) as ConvGeometry;
  if (g.autoPad === 'NOTSET' && !g.outputShape) return windowOf(g, g.pads as number[]);
  const given = c.dims(c.input(0)).slice(2);
  const made = c.dims(c.output(0)).slice(2);
  const totals = made.map((size, i) =>
    Math.max(
      0,
      ((given[i] as number) - 1) * (g.strides[i] as number) +
        (g.outputPadding[i] as number) +
        extent({ ...g, pads: [] }, i) -
        size,
    ),
  );
  const begin = totals.map((t) => (g.autoPad === 'SAME_UPPER' ? Math.floor(t / 2) : Math.ceil(t / 2)));
  return windowOf(g, [...begin, ...totals.map((t, i) => t - (begin[i] as number))]);
}

/** dY [N, M, …] summed over all axes but the second: reduce, keep, reduce, which onnxruntime sums quickly. */
function biasGradient(c: RuleContext, dy: Value): Value {
  const [n = 1, m = 1, ...space] = c.dims(dy);
  const flat = c.reshape(dy, [n, m, product(space)]);
  return c.op('ReduceSum', [flat, c.ints([0, 2])], { keepdims: 0 });
}
