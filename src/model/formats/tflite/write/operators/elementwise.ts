/** Operators on one element at a time. */
import type { Node } from '../../../../ir/model.ts';
import type { BuiltinOperator } from '../../codes.ts';
import type { TfliteOptions } from '../../options.ts';
import type { Emitter, LiteRow, LiteRows } from '../emitter.ts';
import type { LiteTensor, LiteType } from '../graph.ts';

type Arithmetic = 'ADD' | 'SUB' | 'MUL' | 'DIV';

const arithmeticOptions: Readonly<Record<Arithmetic, TfliteOptions>> = {
  ADD: 'AddOptions',
  SUB: 'SubOptions',
  MUL: 'MulOptions',
  DIV: 'DivOptions',
};

export const binary = (
  e: Emitter,
  op: Arithmetic,
  a: LiteTensor,
  b: LiteTensor,
  result: LiteType,
  fusedActivationFunction = 0,
): LiteTensor => e.op(op, [a, b], result, [arithmeticOptions[op], { fusedActivationFunction }]);

const arithmetic = (op: Arithmetic, integers = true): LiteRow => ({
  fuses: true,
  ...(integers ? { integers: { kind: 'free', data: () => 'all' } as const } : {}),
  emit: (node, e) => binary(e, op, e.input(node, 0), e.input(node, 1), e.result(), e.activation),
});

const unary = (op: BuiltinOperator, options?: TfliteOptions): LiteRow => ({
  emit: (node: Node, e: Emitter) =>
    e.op(op, [e.input(node, 0)], e.result(), options ? [options, {}] : undefined),
});

export const elementwise: LiteRows = {
  Add: arithmetic('ADD'),
  Sub: arithmetic('SUB'),
  Mul: arithmetic('MUL'),
  // XNNPACK has no quotient of integers.
  Div: arithmetic('DIV', false),
  Sqrt: unary('SQRT'),
  Exp: unary('EXP', 'ExpOptions'),
  Log: unary('LOG'),
  Abs: unary('ABS', 'AbsOptions'),
  Neg: unary('NEG', 'NegOptions'),
  Floor: unary('FLOOR'),
  Ceil: unary('CEIL'),
};
