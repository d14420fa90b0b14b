/** Element-wise operators: outputs as large as the (broadcast) inputs. */
import { intAttribute } from '../../ir/attribute.ts';
import { type DType, dtypeFromCode } from '../../ir/dtype.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { broadcasting, broadcastShapes, sameAsInput, tensor } from './common.ts';

// biome-ignore format: a list of names reads best in rows
const unary = [
  'Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'BitwiseNot', 'Ceil', 'Celu', 'Clip', 'Cos', 'Cosh',
  'CumProd', 'CumSum', 'Elu', 'Erf', 'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'Hardmax', 'Identity',
  'LeakyRelu', 'Log', 'LogSoftmax', 'Mish', 'Neg', 'Not', 'Reciprocal', 'Relu', 'Round', 'Selu', 'Shrink',
  'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softmax', 'Softplus', 'Softsign', 'Sqrt', 'Swish', 'Tan', 'Tanh',
  'ThresholdedRelu', 'Trilu', 'com.microsoft:FastGelu', 'com.microsoft:Gelu', 'com.microsoft:QuickGelu',
  'com.microsoft:QLinearSigmoid', 'com.microsoft:QLinearLeakyRelu', 'com.microsoft:QLinearSoftmax',
  'com.microsoft:Trilu',
];

const arithmetic = [
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
  'com.microsoft:BiasGelu',
];
const comparisons = ['And', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Or', 'Xor'];

const rows = (keys: readonly string[], rule: ShapeRule): ShapeTable =>
  Object.fromEntries(keys.map((k) => [k, rule]));

const toBool: ShapeRule = (c) => [tensor('bool', c.shape(0))];

/** dtype named by the attribute as a TensorProto code. */
const targetType = (c: ShapeContext, name = 'to'): DType | null => {
  const code = intAttribute(c.node, name);
  return code === undefined ? null : dtypeFromCode(code, `${c.node.opType}.${name}`);
};

export const elementwiseShapes: ShapeTable = {
  ...rows(unary, sameAsInput),
  ...rows(arithmetic, broadcasting(0)),
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
