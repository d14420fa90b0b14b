/** Integer polynomials over symbols, and their text: what the arithmetic of dims.ts works on. */
import type { Dim } from '../ir/type.ts';

/** Sum of monomials: atoms sorted and joined by newline → coefficient. '' is the constant term. */
export type Polynomial = ReadonlyMap<string, number>;

/** Longer expressions are given up (null): nobody reads them, and they slow everything down. */
const longest = 160;

// --- polynomials -----------------------------------------------------------------------------------------------

export const toPolynomial = (d: number | string): Polynomial =>
  typeof d === 'number' ? constant(d) : parse(d);
const constant = (n: number): Polynomial => new Map(n === 0 ? [] : [['', n]]);
export const atomsOf = (key: string) => (key === '' ? [] : key.split('\n'));

export function combine(p: Polynomial, q: Polynomial, sign: number): Polynomial {
  const sum = new Map(p);
  for (const [k, c] of q) {
    const n = (sum.get(k) ?? 0) + sign * c;
    if (n === 0) sum.delete(k);
    else sum.set(k, n);
  }
  return sum;
}

export function product(p: Polynomial, q: Polynomial): Polynomial {
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

export function floorQuotient(p: Polynomial, q: Polynomial): Polynomial | null {
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

// --- text ------------------------------------------------------------------------------------------------------

export function fromPolynomial(p: Polynomial): Dim {
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
export type Call = (typeof calls)[number];

export function atomOf(name: Call, p: Polynomial, q: Polynomial): Polynomial | null {
  const wrap = (x: Polynomial) => (x.size > 1 ? `(${write(x)})` : write(x));
  const text =
    name === 'floor' ? `floor(${wrap(p)}/${wrap(q)})` : `${name}(${[write(p), write(q)].sort().join(', ')})`;
  return text.length > longest ? null : new Map([[text, 1]]);
}

/** Takes "floor(x/2)", "min(a, b)" … apart; null when the text is not one such call. */
export function callOf(atom: string): { name: Call; args: (number | string)[] } | null {
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

/** Text that is not an expression of ours is one symbol. */
export const parse = (text: string): Polynomial => parsePolynomial(text) ?? new Map([[text, 1]]);

/** The same few expressions are read over and over while a model is inferred. */
const parsed = new Map<string, Polynomial | null>();

function parsePolynomial(text: string): Polynomial | null {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const reader = { text, at: 0 };
  const p = readSum(reader);
  const result = p && reader.at === text.length ? p : null;
  if (parsed.size > 10_000) parsed.clear();
  parsed.set(text, result);
  return result;
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
