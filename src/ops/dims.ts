/** Arithmetic on symbolic dimensions. A dimension that follows from symbols is written as an expression over them
 *  in one canonical form, so that equal sizes have equal text wherever the algebra can see it:
 *    integer polynomials            "4*N", "N*T + 1", "-H + 8"
 *    floor division                 "floor((H + 1)/2)"  (⌈a/b⌉ is ⌊(a+b−1)/b⌋; nested floors are joined)
 *    min, max, broadcast            "min(512, T)"; broadcast(a, b) is b where a is 1 and a otherwise
 *  A file's own symbol may hold any characters; where it would not read back as a name it stands in backticks.
 *  Symbols are taken to be ≥ 0. null is "unknown" and absorbs everything. */
import type { Dim } from '../ir/type.ts';
import { shapeConflict } from '../support/diagnostics.ts';

/** Values for symbols: a symbol that is missing leaves the dimension unknown. */
export type Bindings = Readonly<Record<string, number>>;

/** Sum of monomials: atoms sorted and joined by newline → coefficient. '' is the constant term. */
type Polynomial = ReadonlyMap<string, number>;

/** Longer expressions are given up (null): nobody reads them, and they slow everything down. */
const longest = 160;

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

// --- polynomials -----------------------------------------------------------------------------------------------

function lift(a: Dim, b: Dim, f: (p: Polynomial, q: Polynomial) => Polynomial | null): Dim {
  if (a === null || b === null) return null;
  const result = f(toPolynomial(a), toPolynomial(b));
  return result && fromPolynomial(result);
}

const toPolynomial = (d: number | string): Polynomial => (typeof d === 'number' ? constant(d) : parse(d));
const constant = (n: number): Polynomial => new Map(n === 0 ? [] : [['', n]]);
const atomsOf = (key: string) => (key === '' ? [] : key.split('\n'));
const canonical = (d: number | string) => fromPolynomial(toPolynomial(d));

function combine(p: Polynomial, q: Polynomial, sign: number): Polynomial {
  const sum = new Map(p);
  for (const [k, c] of q) {
    const n = (sum.get(k) ?? 0) + sign * c;
    if (n === 0) sum.delete(k);
    else sum.set(k, n);
  }
  return sum;
}

function product(p: Polynomial, q: Polynomial): Polynomial {
  let sum: Polynomial = new Map();
  for (const [k, c] of p)
    for (const [l, d] of q) sum = combine(sum, new Map([[joined([...atomsOf(k), ...atomsOf(l)]), c * d]]), 1);
  return sum;
}

const joined = (atoms: string[]) => atoms.sort().join('\n');

/** Monomials from the highest to the constant. */
const ordered = (p: Polynomial) =>
  [...p].sort(([a], [b]) => atomsOf(b).length - atomsOf(a).length || (a < b ? -1 : a > b ? 1 : 0));

/** p/q when it is a polynomial again, by long division on the leading terms; else null. */
function exactQuotient(p: Polynomial, q: Polynomial): Polynomial | null {
  const [lead] = ordered(q);
  if (!lead) return null;
  let rest = p;
  let quotient: Polynomial = new Map();
  for (let step = 0; rest.size > 0; step++) {
    const [top] = ordered(rest);
    const atoms = withoutAtoms(atomsOf(top![0]), atomsOf(lead[0]));
    if (!atoms || top![1] % lead[1] !== 0 || step > 20) return null;
    const term: Polynomial = new Map([[joined(atoms), top![1] / lead[1]]]);
    quotient = combine(quotient, term, 1);
    rest = combine(rest, product(term, q), -1);
  }
  return quotient;
}

function withoutAtoms(from: string[], gone: string[]): string[] | null {
  const left = [...from];
  for (const atom of gone) {
    const at = left.indexOf(atom);
    if (at < 0) return null;
    left.splice(at, 1);
  }
  return left;
}

function floorQuotient(p: Polynomial, q: Polynomial): Polynomial | null {
  const exact = exactQuotient(p, q);
  if (exact) return exact;
  const divisor = q.get('');
  if (q.size !== 1 || divisor === undefined || divisor < 0) return atomOf('floor', p, q);
  // ⌊(d·w + r)/d⌋ = w + ⌊r/d⌋: what divides comes out, the constant keeps a remainder in [0, d).
  const whole = new Map<string, number>();
  const rest = new Map<string, number>();
  for (const [k, c] of p) {
    const out = k === '' ? Math.floor(c / divisor) : c % divisor === 0 ? c / divisor : 0;
    if (out !== 0) whole.set(k, out);
    if (c !== out * divisor) rest.set(k, c - out * divisor);
  }
  const inner = flooredRest(rest, divisor);
  return inner && combine(whole, inner, 1);
}

function flooredRest(rest: Polynomial, divisor: number): Polynomial | null {
  const terms = [...rest].filter(([k]) => k !== '');
  if (terms.length === 0) return new Map();
  // ⌊(⌊n/a⌋ + r)/d⌋ = ⌊(n + r·a)/(a·d)⌋
  for (const [key, c] of terms) {
    const inner = c === 1 && atomsOf(key).length === 1 ? callOf(key) : null;
    if (inner?.name !== 'floor' || typeof inner.args[1] !== 'number') continue;
    const others = new Map(rest);
    others.delete(key);
    const top = combine(toPolynomial(inner.args[0]!), product(others, constant(inner.args[1])), 1);
    return floorQuotient(top, constant(inner.args[1] * divisor));
  }
  // ⌊(g·x + c)/(g·e)⌋ = ⌊(x + ⌊c/g⌋)/e⌋
  const shared = terms.reduce((g, [, c]) => gcd(g, Math.abs(c)), divisor);
  if (shared > 1) {
    const reduced = new Map(terms.map(([k, c]) => [k, c / shared]));
    const c = Math.floor((rest.get('') ?? 0) / shared);
    if (c !== 0) reduced.set('', c);
    return floorQuotient(reduced, constant(divisor / shared));
  }
  return atomOf('floor', rest, constant(divisor));
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Least value for symbols and sub-expressions ≥ 0; −∞ when some term is subtracted. */
function leastOf(d: Dim): number {
  if (typeof d === 'number') return d;
  if (d === null) return Number.NEGATIVE_INFINITY;
  const p = parse(d);
  for (const [k, c] of p) if (k !== '' && c < 0) return Number.NEGATIVE_INFINITY;
  return p.get('') ?? 0;
}

// --- text ------------------------------------------------------------------------------------------------------

function fromPolynomial(p: Polynomial): Dim {
  const [only] = p;
  if (!only) return 0;
  if (p.size === 1 && only[0] === '') return only[1];
  // A lone symbol of a file stays as the file has it.
  if (p.size === 1 && only[1] === 1 && atomsOf(only[0]).length === 1) return only[0];
  const text = write(p);
  return text.length > longest ? null : text;
}

function write(p: Polynomial): string {
  if (p.size === 0) return '0';
  return ordered(p)
    .map(([k, c], i) => {
      const size = Math.abs(c);
      const factors = atomsOf(k).map(quoted);
      const body =
        factors.length === 0 ? String(size) : [...(size === 1 ? [] : [size]), ...factors].join('*');
      return i === 0 ? (c < 0 ? `-${body}` : body) : c < 0 ? ` - ${body}` : ` + ${body}`;
    })
    .join('');
}

const word = /[^\s*+\-(),`/\d][^\s*+(),`/]*/y;
const isWord = (atom: string) => {
  word.lastIndex = 0;
  return word.exec(atom)?.[0] === atom;
};
const quoted = (atom: string) => (isWord(atom) || callOf(atom) ? atom : `\`${atom}\``);

const calls = ['floor', 'min', 'max', 'broadcast'] as const;
type Call = (typeof calls)[number];

function call(name: Call, a: number | string, b: number | string): Dim {
  const made = atomOf(name, toPolynomial(a), toPolynomial(b));
  return made && fromPolynomial(made);
}

function atomOf(name: Call, p: Polynomial, q: Polynomial): Polynomial | null {
  const wrap = (x: Polynomial) => (x.size > 1 ? `(${write(x)})` : write(x));
  const text =
    name === 'floor' ? `floor(${wrap(p)}/${wrap(q)})` : `${name}(${[write(p), write(q)].sort().join(', ')})`;
  return text.length > longest ? null : new Map([[text, 1]]);
}

/** Whether `part` is one of the choices of the min or broadcast `whole`, so that broadcasting both gives `whole`'s
 *  counterpart: for broadcast(a, b) the whole, for min(a, b) the part (a valid run has them equal, or 1). */
function isPartOf(part: string, whole: string): boolean {
  const inner = callOf(whole);
  if (inner?.name === 'broadcast') return inner.args.some((x) => isSame(x, part));
  const other = callOf(part);
  return other?.name === 'min' && other.args.some((x) => isSame(x, whole));
}

/** Takes "floor(x/2)", "min(a, b)" … apart; null when the text is not one such call. */
function callOf(atom: string): { name: Call; args: (number | string)[] } | null {
  const name = calls.find((c) => atom.startsWith(`${c}(`));
  if (!name || !atom.endsWith(')')) return null;
  const inside = atom.slice(name.length + 1, -1);
  const at = splitPoint(inside, name === 'floor' ? '/' : ',');
  if (at < 0) return null;
  const args = [inside.slice(0, at), inside.slice(at + 1)].map((t) => {
    const p = parsePolynomial(t.trim());
    return p && fromPolynomial(p);
  });
  return args.every((a) => a !== null) ? { name, args: args as (number | string)[] } : null;
}

function splitPoint(text: string, mark: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth < 0) return -1;
    if (text[i] === '`') i = text.indexOf('`', i + 1);
    if (i < 0) return -1;
    if (depth === 0 && text[i] === mark) return i;
  }
  return -1;
}

/** Text that is no expression of ours is one symbol. */
const parse = (text: string): Polynomial => parsePolynomial(text) ?? new Map([[text, 1]]);

function parsePolynomial(text: string): Polynomial | null {
  const reader = { text, at: 0 };
  const p = readSum(reader);
  return p && reader.at === text.length ? p : null;
}

interface Reader {
  readonly text: string;
  at: number;
}

function readSum(r: Reader): Polynomial | null {
  let sign = 1;
  if (r.text[r.at] === '-') {
    sign = -1;
    r.at++;
  }
  let sum: Polynomial = new Map();
  for (;;) {
    const term = readProduct(r);
    if (!term) return null;
    sum = combine(sum, term, sign);
    const next = /^\s*([+-])\s*/.exec(r.text.slice(r.at));
    if (!next) return sum;
    sign = next[1] === '+' ? 1 : -1;
    r.at += next[0].length;
  }
}

function readProduct(r: Reader): Polynomial | null {
  let result = readFactor(r);
  while (result) {
    const next = /^\s*\*\s*/.exec(r.text.slice(r.at));
    if (!next) return result;
    r.at += next[0].length;
    const factor = readFactor(r);
    result = factor && product(result, factor);
  }
  return null;
}

function readFactor(r: Reader): Polynomial | null {
  const rest = r.text.slice(r.at);
  const number = /^\d+/.exec(rest);
  if (number) {
    r.at += number[0].length;
    return constant(Number(number[0]));
  }
  if (rest[0] === '(') {
    r.at++;
    const inner = readSum(r);
    if (!inner || r.text[r.at] !== ')') return null;
    r.at++;
    return inner;
  }
  const quotes = /^`([^`]+)`/.exec(rest);
  if (quotes) {
    r.at += quotes[0].length;
    return new Map([[quotes[1]!, 1]]);
  }
  if (calls.some((c) => rest.startsWith(`${c}(`))) {
    const end = closing(rest);
    const atom = rest.slice(0, end + 1);
    if (end < 0 || !callOf(atom)) return null;
    r.at += atom.length;
    return new Map([[atom, 1]]);
  }
  word.lastIndex = 0;
  const name = word.exec(rest)?.[0];
  if (!name) return null;
  r.at += name.length;
  return new Map([[name, 1]]);
}

function closing(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return i;
  }
  return -1;
}
