/** Pooling: every output's gradient goes back to what its window held. Max: to the largest element, the first of
 *  several as in PyTorch. Average: to all of them alike, by a transposed convolution with ones.
 *  X [N, C, …space]. Sources: ONNX MaxPool-12, AveragePool-19. */
import { intAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import { type ConvGeometry, convGeometry } from '../../../model/ops/defaults.ts';
import { overlaps, tiles } from '../pool-window.ts';
import type { GradientTable, RuleContext } from '../rule.ts';

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

export const pooling: GradientTable = {
  MaxPool(c) {
    const dy = c.gradient(0);
    if (!dy || !c.wants(0)) return [null];
    const dims = c.dims(c.input(0));
    const out = c.dims(dy).slice(2);
    const g = convGeometry(c.node) as ConvGeometry;
    if (!c.node.outputs[1] && tiles(g, dims.slice(2), out)) return [tiledMaximum(c, dy, g)];

    const flat = (v: Value) => c.reshape(v, [product(c.dims(v))]);
    const scattered = c.op('ScatterElements', [c.full([product(dims)], 0), flat(indicesOf(c)), flat(dy)], {
      axis: 0,
      reduction: overlaps(g) ? 'add' : 'none',
    });
    return [c.reshape(scattered, dims)];
  },

  /** Every element went to one place of the output, flat position input 1. */
  MaxUnpool(c) {
    const dy = c.gradient(0) as Value;
    const flat = c.reshape(dy, [product(c.dims(dy))]);
    return [c.op('Gather', [flat, c.input(1)], { axis: 0 }), null, null];
  },

  AveragePool(c) {
    const dims = c.dims(c.input(0));
    const space = dims.slice(2);
    const out = c.dims(c.output(0)).slice(2);
    const g = convGeometry(c.node) as ConvGeometry;
    const share = shares(g, space, out, intAttribute(c.node, 'count_include_pad', 0) !== 0);
    const dy = c.op('Mul', [c.gradient(0) as Value, c.constant(share)]);
    return [tiles(g, space, out) ? filled(c, enlarged(c, dy, g), space) : spread(c, dy, dims, g)];
  },

  GlobalAveragePool(c) {
    const dims = c.dims(c.input(0));
    const dy = c.op('Mul', [c.gradient(0) as Value, 1 / product(dims.slice(2))]);
    return [c.op('Expand', [dy, c.ints(dims)])];
  },
};

/** Side by side windows: an element has the gradient where it equals its window's maximum and no earlier one does.
 *  Asking MaxPool for the positions costs more than all these passes together. */
function tiledMaximum(c: RuleContext, dy: Value, g: ConvGeometry): Value {
  const space = c.dims(c.input(0)).slice(2);
  const out = c.dims(dy).slice(2);
  const covered = out.map((o, i) => o * (g.kernel[i] as number));
  const x = fitted(c, c.input(0), covered);
  const largest = c.op('Cast', [c.op('Equal', [x, enlarged(c, c.output(0), g)])], { to: 1 });
  const rank = c.op('Mul', [largest, c.constant(ranks(g.kernel, covered))]);
  const first = c.op('MaxPool', [rank], { kernel_shape: g.kernel, strides: g.strides });
  const chosen = c.op('Cast', [c.op('Equal', [rank, enlarged(c, first, g)])], { to: 1 });
  return filled(c, c.op('Mul', [chosen, enlarged(c, dy, g)]), space);
}

/** [1, 1, …covered]: in every window the number of elements from this one to the last, so the first has most. */
function ranks(kernel: readonly number[], covered: readonly number[]) {
  const size = product(kernel);
  const values = Float32Array.from({ length: product(covered) }, (_, at) => {
    let [rest, position, step] = [at, 0, 1];
    for (let i = covered.length - 1; i >= 0; i--) {
      position += ((rest % (covered[i] as number)) % (kernel[i] as number)) * step;
      rest = Math.floor(rest / (covered[i] as number));
      step *= kernel[i] as number;
    }
    return size - position;
  });
  return tensorOf('float32', [1, 1, ...covered], values);
}

/** Every element repeated over its window, windows side by side: [N, C, …out] → [N, C, …out·kernel].
 *  Nearest-neighbour Resize, which for four axes is many times quicker than Expand over axes of 1. */
function enlarged(c: RuleContext, v: Value, g: ConvGeometry): Value {
  const [n = 1, ch = 1, ...out] = c.dims(v);
  const flat = out.length === 1;
  const scales = [1, 1, ...g.kernel, ...(flat ? [1] : [])];
  const large = c.op(
    'Resize',
    [
      flat ? c.reshape(v, [n, ch, ...out, 1]) : v,
      null,
      c.constant(tensorOf('float32', [scales.length], scales)),
    ],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  );
  return c.reshape(large, [n, ch, ...out.map((o, i) => o * (g.kernel[i] as number))]);
}

/** The beginning of every spatial axis. */
function fitted(c: RuleContext, v: Value, size: readonly number[]): Value {
  const have = c.dims(v).slice(2);
  if (have.every((h, i) => h === size[i])) return v;
  const axes = range(size.length).map((i) => i + 2);
  return c.op('Slice', [v, c.ints(size.map(() => 0)), c.ints(size), c.ints(axes)]);
}

/** Zeros at the end of every spatial axis up to `size`. */
function filled(c: RuleContext, v: Value, size: readonly number[]): Value {
  const missing = c.dims(v).map((d, i) => (i < 2 ? 0 : (size[i - 2] as number) - d));
  if (missing.every((p) => p === 0)) return v;
  return c.op('Pad', [v, c.ints([...missing.map(() => 0), ...missing])]);
}

/** Flat positions of the maxima: the node's own second output where the lowering has asked for it. */
function indicesOf(c: RuleContext): Value {
  if (c.node.outputs[1] && intAttribute(c.node, 'storage_order', 0) === 0) return c.output(1);
  const attributes = { ...Object.fromEntries(c.node.attributes), storage_order: 0 };
  return c.ops('MaxPool', [c.input(0)], 2, attributes)[1] as Value;
}

/** 1 / how many elements each window averages, [1, 1, …out]. */
function shares(g: ConvGeometry, space: readonly number[], out: readonly number[], withPads: boolean) {
  const pads = g.pads as number[];
  const n = space.length;
  const counts = space.map((size, i) =>
    range(out[i] as number).map((o) => {
      const start = o * (g.strides[i] as number) - (pads[i] as number);
      const [low, high] = withPads ? [-(pads[i] as number), size + (pads[n + i] as number)] : [0, size];
      const seen = range(g.kernel[i] as number).map((k) => start + k * (g.dilations[i] as number));
      return seen.filter((at) => at >= low && at < high).length;
    }),
  );
  const values = counts.reduce<number[]>((all, axis) => all.flatMap((a) => axis.map((b) => a * b)), [1]);
  // One number does where all windows are alike.
  const alike = values.every((v) => v === values[0]);
  const shape = alike ? [] : [1, 1, ...out];
  return tensorOf(
    'float32',
    shape,
    (alike ? values.slice(0, 1) : values).map((v) => 1 / v),
  );
}

/** Adds each element of `dy` [N, C, …out] to all elements of its window in a tensor of `dims`. */
function spread(c: RuleContext, dy: Value, dims: readonly number[], g: ConvGeometry): Value {
  const [n = 1, ch = 1, ...space] = dims;
  const out = c.dims(dy).slice(2);
  const pads = g.pads as number[];
  const ones = c.constant(tensorOf('float32', [1, 1, ...g.kernel], Array(product(g.kernel)).fill(1)));
  // Beyond the end the last window may reach further than the pads say (ceil_mode), or not up to the end.
  const reach = out.map(
    (o, i) =>
      (o - 1) * (g.strides[i] as number) + ((g.kernel[i] as number) - 1) * (g.dilations[i] as number) + 1,
  );
  const ends = reach.map((r, i) => r - (pads[i] as number) - (space[i] as number));
  const summed = c.op('ConvTranspose', [c.reshape(dy, [n * ch, 1, ...out]), ones], {
    kernel_shape: g.kernel,
    strides: g.strides,
    dilations: g.dilations,
    pads: [...pads.slice(0, space.length), ...ends.map((e) => Math.max(0, e))],
    output_padding: ends.map((e) => Math.max(0, -e)),
  });
  return c.reshape(summed, dims);
}
