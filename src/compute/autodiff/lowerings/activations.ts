/** Activations with a second input, and Swish, which onnxruntime knows as QuickGelu. */
import { float, floatAttribute } from '../../../model/ir/attribute.ts';
import type { Lowering, LoweringTable } from '../rule.ts';

/** max(x, 0) + slope·min(x, 0). onnxruntime's own kernel branches at every element and is several times slower. */
const prelu: Lowering = (c) => {
  const above = c.op('Relu', [c.input(0)]);
  const below = c.op('Sub', [c.input(0), above]);
  return [c.op('Add', [above, c.op('Mul', [below, c.input(1)])])];
};

export const activationLowerings: LoweringTable = {
  PRelu: prelu,
  'com.microsoft:BiasGelu': (c) => [c.op('com.microsoft:Gelu', [c.op('Add', [c.input(0), c.input(1)])])],
  'com.microsoft:FastGelu': (c) =>
    c.has(1) ? [c.op('com.microsoft:FastGelu', [c.op('Add', [c.input(0), c.input(1)])])] : null,
  Swish: (c) => [
    c.op('com.microsoft:QuickGelu', [c.input(0)], { alpha: float(floatAttribute(c.node, 'alpha', 1)) }),
  ],
};
