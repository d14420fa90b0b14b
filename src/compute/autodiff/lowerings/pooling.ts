/** Pooling in the forms that have a gradient rule: MaxPool hands out where its maxima are, the rest are written as
 *  MaxPool or averages. X [N, C, …space]. Sources: ONNX MaxPool-12, GlobalMaxPool-1, LpPool-18. */
import { intAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import { type ConvGeometry, convGeometry } from '../../../model/ops/defaults.ts';
import { tiles } from '../pool-window.ts';
import type { LoweringContext, LoweringTable } from '../rule.ts';

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

export const pooling: LoweringTable = {
  MaxPool(c) {
    if (c.mode !== 'train' || c.node.outputs[1]) return null;
    const [space, out] = [c.input(0), c.node.outputs[0] as Value].map((v) => c.dims(v).slice(2)) as [
      number[],
      number[],
    ];
    // Windows side by side have a quicker way back that needs no positions.
    if (tiles(convGeometry(c.node) as ConvGeometry, space, out)) return null;
    const attributes = { ...Object.fromEntries(c.node.attributes), storage_order: 0 };
    return [c.ops('MaxPool', [c.input(0)], 2, attributes)[0] as Value];
  },

  GlobalMaxPool(c) {
    const x = c.input(0);
    const [n = 1, ch = 1, ...space] = c.dims(x);
    // One axis: the runtime's MaxPool knows no more than three.
    const flat = c.reshape(x, [n, ch, product(space)]);
    const pooled = c.ops('MaxPool', [flat], 2, { kernel_shape: [product(space)] })[0] as Value;
    return [c.reshape(pooled, c.dims(c.node.outputs[0] as Value))];
  },

  /** (Σ |x|ᵖ)^(1/p) = (k · mean |x|ᵖ)^(1/p), pads counted. */
  LpPool(c) {
    const kernel = product(convGeometry(c.node)?.kernel ?? []);
    const { p: _, ...window } = Object.fromEntries(c.node.attributes);
    const power = intAttribute(c.node, 'p', 2);
    const mean = c.op('AveragePool', [raised(c, power)], { ...window, count_include_pad: 1 });
    return [rooted(c, c.op('Mul', [mean, kernel]), power)];
  },

  GlobalLpPool(c) {
    const axes = c.dims(c.input(0)).flatMap((_, i) => (i < 2 ? [] : [i]));
    const power = intAttribute(c.node, 'p', 2);
    const sum = c.op('ReduceSum', [raised(c, power), c.ints(axes)], { keepdims: 1 });
    return [rooted(c, sum, power)];
  },
};

function raised(c: LoweringContext, power: number): Value {
  const x = c.input(0);
  if (power === 2) return c.op('Mul', [x, x]);
  const size = c.op('Abs', [x]);
  return power === 1 ? size : c.op('Pow', [size, power]);
}

const rooted = (c: LoweringContext, sum: Value, power: number): Value =>
  power === 1 ? sum : power === 2 ? c.op('Sqrt', [sum]) : c.op('Pow', [sum, 1 / power]);
