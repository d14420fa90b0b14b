/** Operators that compute element by element. TensorFlow.js broadcasts as ONNX does. */
import { intAttribute } from '../../../../ir/attribute.ts';
import { type DType, dtypes } from '../../../../ir/dtype.ts';
import { dtypeOf } from '../../../../ir/model.ts';
import { scalarOf } from '../../../../rewrite/arguments.ts';
import { type Emitter, refuse, type TfOperator, type TfOperators, typeOf } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { tfType } from '../stored.ts';

const unary =
  (op: string): TfOperator =>
  (node, e) =>
    e.op(op, [e.input(node, 0)]);

const binary =
  (op: string): TfOperator =>
  (node, e) =>
    e.op(op, [e.input(node, 0), e.input(node, 1)]);

const compare =
  (op: string): TfOperator =>
  (node, e) =>
    e.op(op, [e.input(node, 0), e.input(node, 1)], {}, 'bool');

/** Max, Min, Sum: of any number of inputs. */
const variadic =
  (op: string): TfOperator =>
  (node, e) => {
    const [first, ...rest] = node.inputs.map((_, i) => e.input(node, i));
    if (rest.length === 0) return e.op('Identity', [first!]);
    return rest.reduce((a, b) => e.op(op, [a, b]), first!);
  };

const mean: TfOperator = (node, e) => {
  const sum = variadic('AddV2')(node, e) as Ref;
  return e.op('RealDiv', [sum, e.float(node.inputs.length)]);
};

/** ONNX rounds integer quotients towards zero, TensorFlow.js down. */
const div: TfOperator = (node, e) => {
  const [a, b] = [e.input(node, 0), e.input(node, 1)];
  if (typeOf(node.outputs[0]) !== 'int32') return e.op('RealDiv', [a, b]);
  const size = e.op('FloorDiv', [e.op('Abs', [a]), e.op('Abs', [b])]);
  return e.op('Mul', [e.op('Mul', [e.op('Sign', [a]), e.op('Sign', [b])]), size]);
};

/** fmod = 0: the sign of the divisor; fmod = 1: the sign of the dividend. */
const mod: TfOperator = (node, e) => {
  const [a, b] = [e.input(node, 0), e.input(node, 1)];
  if (intAttribute(node, 'fmod', 0) === 0) return e.op('FloorMod', [a, b]);
  return e.op('Mul', [e.op('Sign', [a]), e.op('FloorMod', [e.op('Abs', [a]), e.op('Abs', [b])])]);
};

const pow: TfOperator = (node, e) => {
  const exponent = scalarOf(node.inputs[1]);
  const x = e.input(node, 0);
  if (exponent === 2) return e.op('Square', [x]);
  if (x.dtype === 'float32' && exponent === 0.5) return e.op('Sqrt', [x]);
  const y = e.input(node, 1);
  return e.op('Pow', [x, y.dtype === x.dtype ? y : cast(e, y, x.dtype)]);
};

export const cast = (e: Emitter, x: Ref, to: Ref['dtype']): Ref =>
  x.dtype === to
    ? x
    : to === 'bool'
      ? isNotZero(e, x)
      : e.op('Cast', [x], { SrcT: { type: x.dtype }, DstT: { type: to } }, to);

const isNotZero = (e: Emitter, x: Ref): Ref =>
  e.op('NotEqual', [x, x.dtype === 'int32' ? e.int(0) : e.float(0)], {}, 'bool');

const dtypeNames = new Map(Object.entries(dtypes).map(([name, { code }]) => [code, name as DType]));

/** Integers of fewer bits wrap around in ONNX; here they keep their value, which is the same where it fits. */
const castTo: TfOperator = (node, e) => {
  const dtype = dtypeNames.get(intAttribute(node, 'to', 1)) ?? dtypeOf(node.outputs[0]) ?? 'float32';
  const x = e.input(node, 0);
  const to = tfType(dtype, `the result of Cast "${node.name}"`);
  return x.dtype === to ? e.op('Identity', [x]) : cast(e, x, to);
};

const not: TfOperator = (node, e) => e.op('LogicalNot', [e.input(node, 0)]);

const isInf: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const [negative, positive] = ['detect_negative', 'detect_positive'].map(
    (a) => intAttribute(node, a, 1) !== 0,
  );
  const infinite = e.op('IsInf', [x], {}, 'bool');
  if (negative && positive) return infinite;
  if (!negative && !positive) return e.op('Less', [x, x], {}, 'bool');
  const signed = e.op(positive ? 'Greater' : 'Less', [x, e.float(0)], {}, 'bool');
  return e.op('LogicalAnd', [infinite, signed]);
};

/** Bounds may be computed while running. */
const clip: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const bound = (name: string, index: number) => {
    const value = node.inputs[index];
    if (value) return e.ref(value);
    const a = node.attributes.get(name);
    return a?.type === 'float' ? e.float(a.value) : null;
  };
  const [low, high] = [bound('min', 1), bound('max', 2)];
  if (scalarOf(node.inputs[1]) === 0 && x.dtype === 'float32') {
    if (!high) return e.op('Relu', [x]);
    if (scalarOf(node.inputs[2]) === 6) return e.op('Relu6', [x]);
  }
  // TensorFlow.js refuses bounds that cross; ONNX then gives the upper one.
  const [least, most] = [scalarOf(node.inputs[1]), scalarOf(node.inputs[2])];
  const ordered = least !== null && most !== null && least <= most;
  if (low && high && ordered && x.dtype === 'float32') return e.op('ClipByValue', [x, low, high]);
  const raised = low ? e.op('Maximum', [x, low]) : x;
  return high ? e.op('Minimum', [raised, high]) : raised === x ? e.op('Identity', [x]) : raised;
};

const xor: TfOperator = (node, e) => {
  const [a, b] = [0, 1].map((i) => cast(e, e.input(node, i), 'int32'));
  return e.op('NotEqual', [a!, b!], {}, 'bool');
};

/** Bools are compared as integers: not every backend compares them. */
const equal: TfOperator = (node, e) => {
  const [a, b] = [0, 1].map((i) => {
    const x = e.input(node, i);
    return x.dtype === 'bool' ? cast(e, x, 'int32') : x;
  });
  return e.op('Equal', [a!, b!], {}, 'bool');
};

const where: TfOperator = (node, e) =>
  e.op('SelectV2', [e.input(node, 0), e.input(node, 1), e.input(node, 2)], {}, e.input(node, 1).dtype);

const identity: TfOperator = (node, e) => e.input(node, 0);

/** Outputs beyond the first exist in training. */
const dropout: TfOperator = (node, e) => {
  if (node.outputs[1]?.uses.length) refuse(node, 'its mask is read');
  const training = node.inputs[2];
  if (training && scalarOf(training) !== 0) refuse(node, 'it may run in training mode');
  const x = e.input(node, 0);
  return [x, null];
};

const castLike: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const to = typeOf(node.outputs[0]);
  return x.dtype === to ? e.op('Identity', [x]) : cast(e, x, to);
};

const same = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, unary(name)]));

export const elementwise: TfOperators = {
  ...same(
    'Abs',
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atanh',
    'Ceil',
    'Cos',
    'Cosh',
    'Erf',
    'Exp',
    'Floor',
  ),
  ...same('Log', 'Neg', 'Reciprocal', 'Round', 'Sign', 'Sin', 'Sinh', 'Sqrt', 'Tan'),
  Add: binary('AddV2'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: div,
  Mod: mod,
  Pow: pow,
  Max: variadic('Maximum'),
  Min: variadic('Minimum'),
  Sum: variadic('AddV2'),
  Mean: mean,
  Cast: castTo,
  CastLike: castLike,
  Clip: clip,
  Not: not,
  And: binary('LogicalAnd'),
  Or: binary('LogicalOr'),
  Xor: xor,
  Equal: equal,
  Greater: compare('Greater'),
  GreaterOrEqual: compare('GreaterEqual'),
  Less: compare('Less'),
  LessOrEqual: compare('LessEqual'),
  IsNaN: (node, e) => e.op('IsNan', [e.input(node, 0)], {}, 'bool'),
  IsInf: isInf,
  Where: where,
  Identity: identity,
  Dropout: dropout,
};
