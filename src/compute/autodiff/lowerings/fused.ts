/** Operators that a runtime's optimiser fused, taken apart again. */
import {
  type Attribute,
  float,
  floatAttribute,
  intAttribute,
  textAttribute,
} from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import type { Attributes } from '../emitter.ts';
import type { Lowering, LoweringContext, LoweringTable } from '../rule.ts';

/** Activation by the name in a fused node's attribute, parameters in onnxruntime's order; null for an unknown one. */
function activated(c: LoweringContext, x: Value, parameters: readonly number[]): Value | null {
  const name = textAttribute(c.node, 'activation', '');
  const named = (...names: string[]): Attributes =>
    Object.fromEntries(
      names.flatMap((n, i) => (parameters[i] === undefined ? [] : [[n, float(parameters[i])]])),
    );
  if (name === '') return x;
  if (['Relu', 'Tanh', 'Sigmoid', 'Softplus', 'Softsign'].includes(name)) return c.op(name, [x]);
  if (['LeakyRelu', 'Elu', 'ThresholdedRelu'].includes(name)) return c.op(name, [x], named('alpha'));
  if (name === 'HardSigmoid') return c.op(name, [x], named('alpha', 'beta'));
  if (name === 'Clip') return c.op(name, [x, parameters[0] ?? null, parameters[1] ?? null]);
  return null;
}

const without = (c: LoweringContext, ...names: string[]): Record<string, Attribute> =>
  Object.fromEntries([...c.node.attributes].filter(([name]) => !names.includes(name)));

/** activation(Conv(x, w, b) + z). */
const conv: Lowering = (c) => {
  const inputs = c.has(2) ? [c.input(0), c.input(1), c.input(2)] : [c.input(0), c.input(1)];
  const y = c.op('Conv', inputs, without(c, 'activation', 'activation_params'));
  const given = c.node.attributes.get('activation_params');
  const parameters = given?.type === 'floats' ? given.value : [];
  const out = activated(c, c.has(3) ? c.op('Add', [y, c.input(3)]) : y, parameters);
  return out && [out];
};

const gemm: Lowering = (c) => {
  const own = ['activation_alpha', 'activation_beta', 'activation_gamma'];
  const parameters = own.filter((n) => c.node.attributes.has(n)).map((n) => floatAttribute(c.node, n, 0));
  const y = c.op('Gemm', c.node.inputs, without(c, 'activation', ...own));
  const out = activated(c, y, parameters);
  return out && [out];
};

/** α·A'·B': transBatch moves the leading axis to the place before the last, trans then swaps the last two. */
const matMul: Lowering = (c) => {
  const arranged = (index: number, which: 'A' | 'B') => {
    const value = c.input(index);
    const axes = c.dims(value).map((_, i) => i);
    if (axes.length < 2) return value;
    const batch = intAttribute(c.node, `transBatch${which}`, 0) !== 0 && axes.length > 2;
    const moved = batch ? [...axes.slice(1, -1), 0, axes.at(-1) as number] : axes;
    const swap = intAttribute(c.node, `trans${which}`, 0) !== 0;
    const perm = swap ? [...moved.slice(0, -2), moved.at(-1) as number, moved.at(-2) as number] : moved;
    return c.transpose(value, perm);
  };
  const alpha = floatAttribute(c.node, 'alpha', 1);
  const y = c.op('MatMul', [arranged(0, 'A'), arranged(1, 'B')]);
  return [alpha === 1 ? y : c.op('Mul', [y, alpha])];
};

export const fusedLowerings: LoweringTable = {
  'com.microsoft:FusedConv': conv,
  'com.microsoft:FusedGemm': gemm,
  'com.microsoft:FusedMatMul': matMul,
  'com.microsoft:TransposeMatMul': matMul,
};
