/** The activation inside a fused operator as an operator of its own. */
import { type AttributeInit, float, textAttribute } from '../../ir/attribute.ts';
import type { DType } from '../../ir/dtype.ts';
import { dtypeOf, type Node, type Value } from '../../ir/model.ts';
import { scalar } from '../../ir/tensor.ts';
import type { Emit } from '../rule.ts';

/** Names of an activation's parameters, in the order of FusedConv's activation_params. */
const parameterNames: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  Softplus: [],
  Softsign: [],
  LeakyRelu: ['alpha'],
  Elu: ['alpha'],
  ThresholdedRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  Selu: ['alpha', 'gamma'],
  Clip: ['min', 'max'],
  Silu: [],
};

/** What a fused operator says about its activation. */
interface FusedActivation {
  /** '' for none. */
  readonly name: string;
  /** Element type of what it is applied to. */
  readonly dtype: DType;
  /** In FusedConv's order, or by ONNX's names; what is absent has ONNX's default. */
  readonly parameters: readonly number[] | Readonly<Record<string, number>>;
}

/** @returns activation(x); null where the activation has no standard form */
export function emitActivation(emit: Emit, x: Value, activation: FusedActivation): Value | null {
  const { name, parameters, dtype } = activation;
  if (name === '') return x;
  const known = Object.hasOwn(parameterNames, name) ? parameterNames[name] : undefined;
  if (!known) return null;
  const given = byName(known, parameters);
  if (name === 'Silu') return emit('Mul', [x, emit('Sigmoid', [x])]);
  if (name === 'Clip' && emit.opset >= 11) return clip(emit, x, given, dtype);
  return emit(name, [x], { attributes: given });
}

const byName = (names: readonly string[], values: FusedActivation['parameters']) =>
  Object.fromEntries(
    names.flatMap((name, i): [string, AttributeInit][] => {
      const value = Array.isArray(values) ? values[i] : (values as Record<string, number>)[name];
      return value === undefined ? [] : [[name, float(value)]];
    }),
  );

/** Since opset 11 the bounds are inputs, of the type of x. */
function clip(emit: Emit, x: Value, bounds: Readonly<Record<string, AttributeInit>>, dtype: DType): Value {
  const bound = (name: string) => {
    const a = bounds[name] as { value: number } | undefined;
    return a ? scalar(dtype, a.value) : null;
  };
  return emit('Clip', [x, bound('min'), bound('max')]);
}

/** The activation of a fused convolution, with its parameters in `activation_params`; null as above. */
export function activated(node: Node, emit: Emit, x: Value): Value | null {
  const given = node.attributes.get('activation_params');
  return emitActivation(emit, x, {
    name: textAttribute(node, 'activation', ''),
    parameters: given?.type === 'floats' ? given.value : [],
    dtype: dtypeOf(node.inputs[0]) ?? 'float32',
  });
}
