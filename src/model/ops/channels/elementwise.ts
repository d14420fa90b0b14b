/** Element-wise operators: every axis with its like, broadcasting aside. */
import { intAttribute } from '../../ir/attribute.ts';
import {
  broadcastAxes,
  type ChannelRule,
  type ChannelTable,
  type LinkContext,
  normal,
  sameAxes,
} from './rule.ts';

// biome-ignore format: a list of names reads best in rows
const unary = [
  'Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'BitwiseNot', 'Cast', 'Ceil', 'Celu', 'Clip', 'Cos', 'Cosh',
  'Elu', 'Erf', 'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'Identity', 'IsInf', 'IsNaN', 'LeakyRelu', 'Log',
  'Mish', 'Neg', 'Not', 'Reciprocal', 'Relu', 'Round', 'Selu', 'Shrink', 'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softplus',
  'Softsign', 'Sqrt', 'Swish', 'Tan', 'Tanh', 'ThresholdedRelu', 'CastLike', 'com.microsoft:FastGelu',
  'com.microsoft:Gelu', 'com.microsoft:QuickGelu',
];

// biome-ignore format: a list of names reads best in rows
const broadcasting = [
  'Add', 'And', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'Div', 'Equal', 'Greater', 'GreaterOrEqual', 'Less',
  'LessOrEqual', 'Max', 'Mean', 'Min', 'Mod', 'Mul', 'Or', 'Pow', 'PRelu', 'Sub', 'Sum', 'Where', 'Xor',
  'com.microsoft:BiasGelu',
];

/** The first input and every output; the rest are scalars (Clip's limits) or a bias along the last axis (FastGelu). */
const single: ChannelRule = (c) => {
  const [input] = c.node.inputs;
  for (const output of c.node.outputs) sameAxes(c, input, output);
  if (c.node.domain !== '')
    for (const extra of c.node.inputs.slice(1)) broadcastAxes(c, extra, c.node.outputs[0]);
};

const broadcast: ChannelRule = (c) => {
  // Before opset 7 `axis` says where the smaller operand's axes start.
  const axis = c.opset < 7 ? intAttribute(c.node, 'axis') : undefined;
  const [output] = c.node.outputs;
  c.node.inputs.forEach((v, i) => {
    const rank = c.shape(v)?.length;
    if (axis === undefined || i === 0 || !v || !output || rank === undefined) broadcastAxes(c, v, output);
    else for (let k = 0; k < rank; k++) c.same(v, k, output, normal(axis, c.shape(output)?.length ?? 0) + k);
  });
};

/** Scale and zero point along `axis`, or one number for all. Block-wise ones are left alone. */
const quantization: ChannelRule = (c) => {
  const [x, scale, zero] = c.node.inputs;
  const [y] = c.node.outputs;
  if (!x || !y) return;
  sameAxes(c, x, y);
  const rank = c.shape(x)?.length ?? 0;
  const axis = normal(intAttribute(c.node, 'axis', 1), rank);
  for (const p of [scale, zero]) linkParameter(c, p, y, axis);
};

function linkParameter(
  c: LinkContext,
  p: (typeof c.node.inputs)[number] | undefined,
  y: NonNullable<typeof p>,
  axis: number,
) {
  const shape = c.shape(p);
  if (!p || !shape) return;
  if (shape.length === 1 && (shape[0] !== 1 || c.shape(y)?.[axis] === 1)) c.same(p, 0, y, axis);
  else if (shape.length > 1) {
    c.pinAll(p, 'quantised-in-blocks');
    c.pinAll(y, 'quantised-in-blocks');
  }
}

const rows = (keys: readonly string[], rule: ChannelRule): ChannelTable =>
  Object.fromEntries(keys.map((key) => [key, rule]));

export const elementwiseChannels: ChannelTable = {
  ...rows(unary, single),
  ...rows(broadcasting, broadcast),
  Dropout: (c) => {
    for (const output of c.node.outputs) sameAxes(c, c.node.inputs[0], output);
  },
  QuantizeLinear: quantization,
  DequantizeLinear: quantization,
  'com.microsoft:QuantizeLinear': quantization,
  'com.microsoft:DequantizeLinear': quantization,
};
