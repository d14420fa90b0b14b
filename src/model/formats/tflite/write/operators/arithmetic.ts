/** Arithmetic that operators are made of where LiteRT has none for them. Shapes follow from the operands. */
import { type BuiltinOperator, type TfliteType, tensorTypes } from '../../codes.ts';
import type { TfliteOptions } from '../../options.ts';
import { type Emitter, reshaped, shaped } from '../emitter.ts';
import type { LiteTensor, LiteType } from '../graph.ts';
import { broadcast, broadcastShape } from './broadcasting.ts';

type Arithmetic = 'ADD' | 'SUB' | 'MUL' | 'DIV';
type Binary = Arithmetic | 'MAXIMUM' | 'MINIMUM' | 'POW' | 'FLOOR_MOD' | 'FLOOR_DIV' | 'ATAN2';

const tables: Readonly<Record<Binary, TfliteOptions>> = {
  ADD: 'AddOptions',
  SUB: 'SubOptions',
  MUL: 'MulOptions',
  DIV: 'DivOptions',
  MAXIMUM: 'MaximumMinimumOptions',
  MINIMUM: 'MaximumMinimumOptions',
  POW: 'PowOptions',
  FLOOR_MOD: 'FloorModOptions',
  FLOOR_DIV: 'FloorDivOptions',
  ATAN2: 'ATan2Options',
};

const fusing: ReadonlySet<string> = new Set<Arithmetic>(['ADD', 'SUB', 'MUL', 'DIV']);

/** @param result  by default floats or integers as a is, of the broadcast shape
 *  @param activation  number of the one that is a part of it */
export function binary(
  e: Emitter,
  op: Binary,
  a: LiteTensor,
  b: LiteTensor,
  result: LiteType = shaped(a, broadcastShape(a.shape, b.shape)),
  activation = 0,
): LiteTensor {
  const values = fusing.has(op) ? { fusedActivationFunction: activation } : {};
  return broadcast(e, op, [a, b], result, [tables[op], values]);
}

type Comparison = 'EQUAL' | 'NOT_EQUAL' | 'LESS' | 'LESS_EQUAL' | 'GREATER' | 'GREATER_EQUAL';

const comparisons: Readonly<Record<Comparison, TfliteOptions>> = {
  EQUAL: 'EqualOptions',
  NOT_EQUAL: 'NotEqualOptions',
  LESS: 'LessOptions',
  LESS_EQUAL: 'LessEqualOptions',
  GREATER: 'GreaterOptions',
  GREATER_EQUAL: 'GreaterEqualOptions',
};

const boolOf = (shape: readonly number[]): LiteType => ({ type: 'bool', shape, quantization: null });

export const compare = (e: Emitter, op: Comparison, a: LiteTensor, b: LiteTensor): LiteTensor =>
  broadcast(e, op, [a, b], boolOf(broadcastShape(a.shape, b.shape)), [comparisons[op], {}]);

export const logical = (
  e: Emitter,
  op: 'LOGICAL_AND' | 'LOGICAL_OR',
  a: LiteTensor,
  b: LiteTensor,
): LiteTensor =>
  broadcast(e, op, [a, b], boolOf(broadcastShape(a.shape, b.shape)), [
    op === 'LOGICAL_AND' ? 'LogicalAndOptions' : 'LogicalOrOptions',
    {},
  ]);

/** Where a condition holds x, elsewhere y. */
export function select(e: Emitter, condition: LiteTensor, x: LiteTensor, y: LiteTensor): LiteTensor {
  const shape = broadcastShape(condition.shape, x.shape, y.shape);
  return broadcast(e, 'SELECT_V2', [condition, x, y], shaped(x, shape), ['SelectV2Options', {}]);
}

/** An operator on one element at a time, of floats as a rule. */
export const unary = (e: Emitter, op: BuiltinOperator, x: LiteTensor, options?: TfliteOptions): LiteTensor =>
  e.op(op, [x], shaped(x, x.shape), options ? [options, {}] : undefined);

/** A number of x's type. */
export const scalarLike = (e: Emitter, x: LiteTensor, value: number): LiteTensor =>
  x.type === 'int32' ? e.int(value) : e.float(value);

export const scaled = (e: Emitter, x: LiteTensor, by: number): LiteTensor =>
  by === 1 ? x : binary(e, 'MUL', x, scalarLike(e, x, by));
export const shifted = (e: Emitter, x: LiteTensor, by: number): LiteTensor =>
  by === 0 ? x : binary(e, 'ADD', x, scalarLike(e, x, by));

export const squared = (e: Emitter, x: LiteTensor): LiteTensor => binary(e, 'MUL', x, x);

export function cast(e: Emitter, x: LiteTensor, to: TfliteType): LiteTensor {
  if (x.type === to) return x;
  const type = { type: to, shape: x.shape, quantization: null };
  return e.op('CAST', [x], type, ['CastOptions', { inDataType: code(x.type), outDataType: code(to) }]);
}

type Reduction = 'MEAN' | 'SUM' | 'REDUCE_MAX' | 'REDUCE_MIN' | 'REDUCE_PROD' | 'REDUCE_ANY' | 'REDUCE_ALL';

/** Over axes of which none is negative; over none x as it is. */
export function reduced(
  e: Emitter,
  op: Reduction,
  x: LiteTensor,
  axes: readonly number[],
  keep: boolean,
): LiteTensor {
  if (axes.length === 0) return x;
  const kept = x.shape.map((d, axis) => (axes.includes(axis) ? 1 : d));
  const shape = keep ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  return e.op(op, [x, e.int(axes)], shaped(x, shape), ['ReducerOptions', { keepDims: keep ? 1 : 0 }]);
}

/** Elements or rows by constant or computed indices along an axis. */
export function gathered(e: Emitter, x: LiteTensor, indices: LiteTensor, axis: number): LiteTensor {
  const shape = x.shape.toSpliced(axis, 1, ...indices.shape);
  return e.op('GATHER', [x, indices], shaped(x, shape), ['GatherOptions', { axis, batchDims: 0 }]);
}

export const flattened = (e: Emitter, x: LiteTensor): LiteTensor =>
  reshaped(e, x, [x.shape.reduce((a, b) => a * b, 1)]);

const code = (type: TfliteType) => tensorTypes.indexOf(type);
