/** Operators on one element at a time. */
import { intAttribute } from '../../../../ir/attribute.ts';
import { type DType, dtypes } from '../../../../ir/dtype.ts';
import { dtypeOf, type Node } from '../../../../ir/model.ts';
import { scalarOf } from '../../../../rewrite/arguments.ts';
import type { BuiltinOperator } from '../../codes.ts';
import type { TfliteOptions } from '../../options.ts';
import type { Emitter, LiteRow, LiteRows } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { liteType } from '../stored.ts';
import { binary, cast, compare, logical, scaled, select, shifted, squared, unary } from './arithmetic.ts';

/** Sums and products; integers of any scales. */
const arithmetic = (op: 'ADD' | 'SUB' | 'MUL' | 'DIV', integers = true): LiteRow => ({
  fuses: true,
  ...(integers ? { integers: { kind: 'free', data: () => 'all' } as const } : {}),
  emit: (node, e) => binary(e, op, e.input(node, 0), e.input(node, 1), e.result(), e.activation),
});

type Make = (x: LiteTensor, e: Emitter, node: Node) => LiteTensor;

/** y = f(x) in floats. */
const made = (make: Make): LiteRow => ({ emit: (node, e) => make(e.input(node, 0), e, node) });

const one = (op: BuiltinOperator, options?: TfliteOptions): LiteRow =>
  made((x, e) => unary(e, op, x, options));

const two = (make: (e: Emitter, a: LiteTensor, b: LiteTensor, node: Node) => LiteTensor): LiteRow => ({
  emit: (node, e) => make(e, e.input(node, 0), e.input(node, 1), node),
});

/** Max, Min, Sum: of any number of inputs. */
const many = (op: 'MAXIMUM' | 'MINIMUM' | 'ADD'): LiteRow => ({
  emit(node, e) {
    const [first, ...rest] = node.inputs.map((_, i) => e.input(node, i));
    return rest.reduce((a, b) => binary(e, op, a, b), first!);
  },
});

const mean: LiteRow = {
  emit: (node, e) => scaled(e, many('ADD').emit(node, e) as LiteTensor, 1 / node.inputs.length),
};

/** fmod = 0: the sign of the divisor; fmod = 1: the sign of the dividend. */
const mod = two((e, a, b, node) => {
  if (intAttribute(node, 'fmod', 0) === 0) return binary(e, 'FLOOR_MOD', a, b);
  const size = binary(e, 'FLOOR_MOD', unary(e, 'ABS', a, 'AbsOptions'), unary(e, 'ABS', b, 'AbsOptions'));
  return binary(e, 'MUL', unary(e, 'SIGN', a, 'SignOptions'), size);
});

const pow: LiteRow = {
  emit(node, e) {
    const exponent = scalarOf(node.inputs[1]);
    const x = e.input(node, 0);
    if (exponent === 1) return x;
    if (exponent === 2) return squared(e, x);
    if (exponent === 3) return binary(e, 'MUL', squared(e, x), x);
    if (x.type === 'float32' && exponent === 0.5) return unary(e, 'SQRT', x);
    if (x.type === 'float32' && exponent === -0.5) return unary(e, 'RSQRT', x);
    if (x.type === 'float32' && exponent === -1) return binary(e, 'DIV', e.float(1), x);
    return binary(e, 'POW', x, cast(e, e.input(node, 1), x.type));
  },
};

const dtypeNames = new Map(Object.entries(dtypes).map(([name, { code }]) => [code, name as DType]));

const castTo: LiteRow = {
  emit(node, e) {
    const dtype = dtypeNames.get(intAttribute(node, 'to', 1)) ?? dtypeOf(node.outputs[0]) ?? 'float32';
    return cast(e, e.input(node, 0), liteType(dtype, `the result of Cast "${node.name}"`));
  },
};

const castLike: LiteRow = { emit: (node, e) => cast(e, e.input(node, 0), e.result().type) };

const isInf: LiteRow = made((x, e, node) => {
  const [negative, positive] = ['detect_negative', 'detect_positive'].map(
    (a) => intAttribute(node, a, 1) !== 0,
  );
  const end = (value: number) => e.float(value);
  if (negative && positive)
    return compare(e, 'EQUAL', unary(e, 'ABS', x, 'AbsOptions'), end(Number.POSITIVE_INFINITY));
  if (!negative && !positive) return compare(e, 'LESS', x, x);
  return compare(e, 'EQUAL', x, end(positive ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY));
});

/** The error function is in GELU: erf(x) = 2·GELU(√2·x)/(√2·x) − 1, which is 0 at 0. */
const erf: Make = (x, e) => {
  const z = scaled(e, x, Math.SQRT2);
  const near = compare(e, 'LESS', unary(e, 'ABS', z, 'AbsOptions'), e.float(1e-20));
  const away = select(e, near, e.float(1e-20), z);
  const share = binary(e, 'DIV', e.op('GELU', [away], away, ['GeluOptions', { approximate: 0 }]), away);
  return shifted(e, scaled(e, share, 2), -1);
};

const exp = (e: Emitter, x: LiteTensor) => unary(e, 'EXP', x, 'ExpOptions');
const halves =
  (sign: 1 | -1): Make =>
  (x, e) => {
    const back = exp(e, scaled(e, x, -1));
    return scaled(e, binary(e, sign === 1 ? 'ADD' : 'SUB', exp(e, x), back), 0.5);
  };
/** √(1 − x²) */
const leg = (e: Emitter, x: LiteTensor) => unary(e, 'SQRT', binary(e, 'SUB', e.float(1), squared(e, x)));
const log = (e: Emitter, x: LiteTensor) => unary(e, 'LOG', x);
/** log(x + √(x² + c)) */
const areaLog =
  (c: number): Make =>
  (x, e) =>
    log(e, binary(e, 'ADD', x, unary(e, 'SQRT', shifted(e, squared(e, x), c))));

const trigonometry: LiteRows = {
  Sin: one('SIN'),
  Cos: one('COS', 'CosOptions'),
  Tan: made((x, e) => binary(e, 'DIV', unary(e, 'SIN', x), unary(e, 'COS', x, 'CosOptions'))),
  Atan: made((x, e) => binary(e, 'ATAN2', x, filledLike(e, x, 1))),
  Asin: made((x, e) => binary(e, 'ATAN2', x, leg(e, x))),
  Acos: made((x, e) => binary(e, 'ATAN2', leg(e, x), x)),
  Sinh: made(halves(-1)),
  Cosh: made(halves(1)),
  Asinh: made(areaLog(1)),
  Acosh: made(areaLog(-1)),
  Atanh: made((x, e) =>
    scaled(e, log(e, binary(e, 'DIV', shifted(e, x, 1), binary(e, 'SUB', e.float(1), x))), 0.5),
  ),
};

/** ATAN2 broadcasts nothing. */
const filledLike = (e: Emitter, x: LiteTensor, value: number): LiteTensor =>
  e.op('FILL', [e.int(x.shape), e.float(value)], x, ['FillOptions', {}]);

export const elementwise: LiteRows = {
  ...trigonometry,
  Add: arithmetic('ADD'),
  Sub: arithmetic('SUB'),
  Mul: arithmetic('MUL'),
  // XNNPACK has no quotient of integers.
  Div: arithmetic('DIV', false),
  Mod: mod,
  Pow: pow,
  Max: many('MAXIMUM'),
  Min: many('MINIMUM'),
  Sum: many('ADD'),
  Mean: mean,
  Sqrt: one('SQRT'),
  Exp: one('EXP', 'ExpOptions'),
  Log: one('LOG'),
  Abs: one('ABS', 'AbsOptions'),
  Neg: one('NEG', 'NegOptions'),
  Floor: one('FLOOR'),
  Ceil: one('CEIL'),
  Round: one('ROUND'),
  Sign: one('SIGN', 'SignOptions'),
  Reciprocal: made((x, e) => binary(e, 'DIV', e.float(1), x)),
  Erf: made(erf),
  Cast: castTo,
  CastLike: castLike,
  Not: one('LOGICAL_NOT', 'LogicalNotOptions'),
  And: two((e, a, b) => logical(e, 'LOGICAL_AND', a, b)),
  Or: two((e, a, b) => logical(e, 'LOGICAL_OR', a, b)),
  Xor: two((e, a, b) => compare(e, 'NOT_EQUAL', a, b)),
  Equal: two((e, a, b) => compare(e, 'EQUAL', a, b)),
  Greater: two((e, a, b) => compare(e, 'GREATER', a, b)),
  GreaterOrEqual: two((e, a, b) => compare(e, 'GREATER_EQUAL', a, b)),
  Less: two((e, a, b) => compare(e, 'LESS', a, b)),
  LessOrEqual: two((e, a, b) => compare(e, 'LESS_EQUAL', a, b)),
  IsNaN: made((x, e) => compare(e, 'NOT_EQUAL', x, x)),
  IsInf: isInf,
  Where: {
    emit: (node, e) => select(e, e.input(node, 0), e.input(node, 1), e.input(node, 2)),
  },
};
