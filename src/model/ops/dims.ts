/** Arithmetic on symbolic dimensions. A dimension that follows from symbols is written as an expression over them
 *  in one canonical form, so that equal sizes have equal text wherever the algebra can see it:
 *    integer polynomials            "4*N", "N*T + 1", "-H + 8"
 *    floor division                 "floor((H + 1)/2)"  (⌈a/b⌉ is ⌊(a+b−1)/b⌋; nested floors are joined)
 *    min, max, broadcast            "min(512, T)"; broadcast(a, b) is b where a is 1 and a otherwise
 *  A file's own symbol may hold any characters; where it would not read back as a name it stands in backticks.
 *  Symbols are taken to be ≥ 0. null is "unknown" and absorbs everything. */

import { shapeConflict } from '../../support/diagnostics/graph.ts';
import type { Dim } from '../ir/type.ts';
import {
  atomOf,
  atomsOf,
  type Call,
  callOf,
  combine,
  floorQuotient,
  fromPolynomial,
  type Polynomial,
  parse,
  product,
  toPolynomial,
} from './polynomial.ts';

/** Values for symbols: a symbol that is missing leaves the dimension unknown. */
export type Bindings = Readonly<Record<string, number>>;

export const add = (a: Dim, b: Dim): Dim =>
  typeof a === 'number' && typeof b === 'number' ? a + b : lift(a, b, (p, q) => combine(p, q, 1));

export const subtract = (a: Dim, b: Dim): Dim =>
  typeof a === 'number' && typeof b === 'number' ? a - b : lift(a, b, (p, q) => combine(p, q, -1));

export function multiply(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 0 || b === 0) return 0;
  if (a === 1) return b;
  if (b === 1) return a;
  return lift(a, b, product);
}

export const productOf = (dims: readonly Dim[]): Dim => dims.reduce<Dim>(multiply, 1);

/** ⌊a/b⌋, exact where b divides a. Null for division by zero. */
export function divideFloor(a: Dim, b: Dim): Dim {
  if (b === 0) return null;
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b);
  return lift(a, b, floorQuotient);
}

export const divideCeil = (a: Dim, b: Dim): Dim => divideFloor(subtract(add(a, b), 1), b);

export const isSame = (a: Dim, b: Dim): boolean =>
  a !== null && b !== null && (a === b || (typeof a !== typeof b ? false : canonical(a) === canonical(b)));

/** Sign of a − b where it is certain for all symbols ≥ 0, else null. */
export function compare(a: Dim, b: Dim): -1 | 0 | 1 | null {
  if (a === null || b === null) return null;
  if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b) as -1 | 0 | 1;
  if (isSame(a, b)) return 0;
  if (leastOf(subtract(a, b)) > 0) return 1;
  if (leastOf(subtract(b, a)) > 0) return -1;
  return null;
}

export function minimum(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  if (leastOf(subtract(b, a)) >= 0) return a;
  if (leastOf(subtract(a, b)) >= 0) return b;
  return call('min', a, b);
}

export function maximum(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  if (leastOf(subtract(a, b)) >= 0) return a;
  if (leastOf(subtract(b, a)) >= 0) return b;
  return call('max', a, b);
}

/** Size of an axis after broadcasting. @throws SHAPE_CONFLICT when two known sizes differ and neither is 1 */
export function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === 'number' && typeof b === 'number') {
    if (a !== b) throw shapeConflict(`sizes ${a} and ${b} don't broadcast`);
    return a;
  }
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  if (a === null || b === null) return null;
  if (isSame(a, b) || isPartOf(b, a)) return a;
  if (isPartOf(a, b)) return b;
  return call('broadcast', a, b);
}

/** Two descriptions of one size: the more telling of them. @throws SHAPE_CONFLICT when both are numbers and differ */
export function unify(a: Dim, b: Dim): Dim {
  if (a === null) return b;
  if (b === null || a === b) return a;
  if (typeof a === 'number' && typeof b === 'number') throw shapeConflict(`sizes ${a} and ${b} differ`);
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return a.includes('(') && b.length < a.length ? b : a;
}

/** The number a dimension stands for, null when a symbol in it has no value. */
export function evaluate(dim: Dim, bindings: Bindings): number | null {
  if (typeof dim !== 'string') return dim;
  if (Object.hasOwn(bindings, dim)) return bindings[dim]!;
  let sum = 0;
  for (const [key, coefficient] of parse(dim)) {
    let term = coefficient;
    for (const atom of atomsOf(key)) {
      const value = evaluateAtom(atom, bindings);
      if (value === null) return null;
      term *= value;
    }
    sum += term;
  }
  return sum;
}

/** Names of the symbols that an expression rests on. */
export function symbolsOf(dim: Dim): string[] {
  if (typeof dim !== 'string') return [];
  const found = new Set<string>();
  for (const key of parse(dim).keys())
    for (const atom of atomsOf(key)) {
      const inner = callOf(atom);
      if (inner) for (const a of inner.args) for (const s of symbolsOf(a)) found.add(s);
      else found.add(atom);
    }
  return [...found];
}

function evaluateAtom(atom: string, bindings: Bindings): number | null {
  if (Object.hasOwn(bindings, atom)) return bindings[atom]!;
  const inner = callOf(atom);
  if (!inner) return null;
  const [a, b] = inner.args.map((x) => evaluate(x, bindings));
  if (a == null || b == null) return null;
  if (inner.name === 'floor') return Math.floor(a / b);
  if (inner.name === 'min') return Math.min(a, b);
  if (inner.name === 'max') return Math.max(a, b);
  return a === 1 ? b : a;
}

const canonical = (d: number | string) => fromPolynomial(toPolynomial(d));

function lift(a: Dim, b: Dim, f: (p: Polynomial, q: Polynomial) => Polynomial | null): Dim {
  // A damaged model may lack the axis that a rule reads.
  if (a == null || b == null) return null;
  const result = f(toPolynomial(a), toPolynomial(b));
  return result && fromPolynomial(result);
}

/** Least value for symbols and sub-expressions ≥ 0; −∞ when some term is subtracted. */
function leastOf(d: Dim): number {
  if (typeof d === 'number') return d;
  if (d === null) return Number.NEGATIVE_INFINITY;
  const p = parse(d);
  for (const [k, c] of p) if (k !== '' && c < 0) return Number.NEGATIVE_INFINITY;
  return p.get('') ?? 0;
}

function call(name: Call, a: number | string, b: number | string): Dim {
  const made = atomOf(name, toPolynomial(a), toPolynomial(b));
  return made && fromPolynomial(made);
}

/** Whether `part` is one of the choices of the min or broadcast `whole`, so that broadcasting both gives `whole`'s
 *  counterpart: for broadcast(a, b) the whole, for min(a, b) the part (a valid run has them equal, or 1). */
function isPartOf(part: string, whole: string): boolean {
  const inner = callOf(whole);
  if (inner?.name === 'broadcast') return inner.args.some((x) => isSame(x, part));
  const other = callOf(part);
  return other?.name === 'min' && other.args.some((x) => isSame(x, whole));
}
