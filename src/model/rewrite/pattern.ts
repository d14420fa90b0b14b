/** Patterns: small trees of ops that a rule looks for, read like the equation they stand for.
 *    const x = value(), w = constant(), conv = op('Conv', [x, w]), relu = op('Relu', [conv])
 *  A pattern object that stands in two places must meet the same thing in both. */
import type { Attribute, AttributeInit } from '../ir/attribute.ts';
import type { Node, Value } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';

declare const bound: unique symbol;

/** What a condition answers: true, false (quietly no match), or the reason why a near match is left alone. */
export type Verdict = boolean | string;

/** A value with a tensor that no caller can override. */
export type Constant = Value & { readonly constant: Tensor };

interface Typed<T> {
  readonly [bound]?: T;
}

interface ValuePattern extends Typed<Value> {
  readonly kind: 'value';
  readonly where?: ((value: Value) => Verdict) | undefined;
}

interface ConstantPattern extends Typed<Constant> {
  readonly kind: 'constant';
  readonly where?: (value: Constant) => Verdict;
  /** Reason to report when the value is computed; without it, a computed value quietly doesn't match. */
  readonly otherwise?: string;
}

export interface OpPattern extends Typed<Node> {
  readonly kind: 'op';
  readonly types: readonly string[];
  readonly inputs: readonly Pattern[];
  readonly options: OpOptions;
}

interface OutputPattern extends Typed<Value> {
  readonly kind: 'output';
  readonly of: OpPattern;
  readonly index: number;
}

interface OptionalPattern<T = unknown> extends Typed<T | null> {
  readonly kind: 'optional';
  readonly of: Pattern;
}

interface EitherPattern<T = unknown> extends Typed<T> {
  readonly kind: 'either';
  readonly of: readonly Pattern[];
}

export type Pattern =
  | ValuePattern
  | ConstantPattern
  | OpPattern
  | OutputPattern
  | OptionalPattern
  | EitherPattern;

/** What `match.get(pattern)` returns. */
export type Bound<P extends Pattern> = P extends Typed<infer T> ? T : never;

interface OpOptions {
  /** Wanted attributes: a value to equal, or a condition (which sees undefined when the attribute is absent). */
  readonly attributes?: Readonly<Record<string, AttributeInit | ((a: Attribute | undefined) => Verdict)>>;
  readonly where?: (node: Node) => Verdict;
  /** Two inputs in either order; by default as the op is. */
  readonly commutative?: boolean;
  /** Further inputs may follow those listed. */
  readonly rest?: boolean;
  /** The node stays (others may read it): it is not removed, and not checked for other readers. */
  readonly shared?: boolean;
}

/** Any value. */
export const value = (where?: (value: Value) => Verdict): ValuePattern => ({
  kind: 'value',
  where,
});

export const constant = (
  options: { where?: (value: Constant) => Verdict; otherwise?: string } = {},
): ConstantPattern => ({ kind: 'constant', ...options });

/** A node of one of the types ('Conv', 'com.microsoft:Gelu'); as an input, its first output. */
export const op = (
  types: string | readonly string[],
  inputs: readonly Pattern[],
  options: OpOptions = {},
): OpPattern => ({ kind: 'op', types: typeof types === 'string' ? [types] : types, inputs, options });

/** The node's output number `index`, for nodes with several. */
export const output = (of: OpPattern, index: number): OutputPattern => ({ kind: 'output', of, index });

/** An input that may be absent; bound to null then. */
export const optional = <P extends Pattern>(of: P): OptionalPattern<Bound<P>> => ({ kind: 'optional', of });

/** The first alternative that matches. Ask `match.has(alternative)` which one it was. */
export const either = <P extends readonly Pattern[]>(...of: P): EitherPattern<Bound<P[number]>> => ({
  kind: 'either',
  of,
});

/** Ops of two inputs whose order doesn't matter. */
export const commutativeOps: ReadonlySet<string> = new Set([
  'Add',
  'Mul',
  'And',
  'Or',
  'Xor',
  'Equal',
  'BitwiseAnd',
  'BitwiseOr',
  'BitwiseXor',
]);
