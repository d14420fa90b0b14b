/** Element-wise operators: outputs as large as the (broadcast) inputs. */
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import { type DType, dtypeFromCode, dtypeFromName } from '../../ir/dtype.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { broadcasting, broadcastShapes, sameAsInput, tensor } from './common.ts';

/** One input, one output; every element is computed from its own alone. */
// biome-ignore format: a list of names reads best in rows
export const pointwise: readonly string[] = [
  'Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'BitwiseNot', 'Ceil', 'Celu', 'Clip', 'Cos', 'Cosh', 'Elu',
  'Erf', 'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu', 'Log', 'Mish', 'Neg', 'Not',
  'Reciprocal', 'Relu', 'Round', 'Selu', 'Shrink', 'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softplus', 'Softsign', 'Sqrt',
  'Swish', 'Tan', 'Tanh', 'ThresholdedRelu', 'com.microsoft:FastGelu', 'com.microsoft:Gelu', 'com.microsoft:QuickGelu',
];

/** Outputs as large as the input, for which an axis or a second tensor matters. */
// biome-ignore format: a list of names reads best in rows
const shaped = [
  'CumProd', 'CumSum', 'Hardmax', 'LogSoftmax', 'Softmax', 'Trilu', 'com.microsoft:QLinearSigmoid',
  'com.microsoft:QLinearLeakyRelu', 'com.microsoft:QLinearSoftmax', 'com.microsoft:Trilu',
];

/** Broadcasting; the first input's type. */
export const arithmetic: readonly string[] = [
  'Add',
  'BitShift',
  'BitwiseAnd',
  'BitwiseOr',
  'BitwiseXor',
  'Div',
  'Max',
  'Mean',
  'Min',
  'Mod',
  'Mul',
  'Pow',
  'Sub',
  'Sum',
];
export const comparisons: readonly string[] = [
  'And',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Or',
  'Xor',
];

const rows = (keys: readonly string[], rule: ShapeRule): ShapeTable =>
  Object.fromEntries(keys.map((k) => [k, rule]));

const toBool: ShapeRule = (c) => [tensor('bool', c.shape(0))];

/** dtype named by the attribute as a TensorProto code; before opset 6 as its name. */
const targetType = (c: ShapeContext, name = 'to'): DType | null => {
  const code = intAttribute(c.node, name);
  if (code === undefined) return dtypeFromName(textAttribute(c.node, name, '')) ?? null;
  return dtypeFromCode(code, `${c.node.opType}.${name}`);
};

export const elementwiseShapes: ShapeTable = {
  ...rows([...pointwise, ...shaped], sameAsInput),
  ...rows([...arithmetic, 'com.microsoft:BiasGelu'], broadcasting(0)),
  ...rows(comparisons, broadcasting('bool')),
  IsInf: toBool,
  IsNaN: toBool,
  PRelu: (c) => [c.type(0)],
  Where: (c) => [tensor(c.dtype(1) ?? c.dtype(2), broadcastShapes(c.shape(0), c.shape(1), c.shape(2)))],
  Cast: (c) => [tensor(targetType(c), c.shape(0))],
  CastLike: (c) => [tensor(c.dtype(1), c.shape(0))],
  BitCast: (c) => [tensor(targetType(c), c.shape(0))],
  Dropout: (c) => [c.type(0), tensor(c.opset < 10 ? c.dtype(0) : 'bool', c.shape(0))],
  Bernoulli: (c) => [tensor(targetType(c, 'dtype') ?? c.dtype(0), c.shape(0))],
  SwiGLU: sameAsInput,
};
