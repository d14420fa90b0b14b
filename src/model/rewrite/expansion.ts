/** Arithmetic around an activation as a polynomial: one form for all the orders in which exporters write the same sum of products.
 *    ½·x·(1 + t),  x·(½ + ½·t),  (x + x·t)/2   ⇒   ½·x + ½·x·t */
import { isGraphOutput, isOp, type Node, type Value } from '../ir/model.ts';
import { combine, type Polynomial, product } from '../ops/polynomial.ts';
import { scalarOf } from './arguments.ts';

interface Expansion {
  readonly polynomial: Polynomial;
  /** What was multiplied and added, the last first. */
  readonly nodes: ReadonlySet<Node>;
}

/** Deeper sums than any activation is written with. */
const deepest = 8;
const highestPower = 3;

/** @param symbols  values to stop at, and what to call them
 *  @returns null where anything but these and numbers is in it */
export function expand(value: Value, symbols: ReadonlyMap<Value, string>): Expansion | null {
  const nodes = new Set<Node>();
  const polynomial = walk(value, symbols, nodes, 0);
  return polynomial && { polynomial, nodes };
}

function walk(
  value: Value | null | undefined,
  symbols: ReadonlyMap<Value, string>,
  nodes: Set<Node>,
  depth: number,
): Polynomial | null {
  if (!value || depth > deepest) return null;
  const symbol = symbols.get(value);
  if (symbol !== undefined) return new Map([[symbol, 1]]);
  const number = scalarOf(value);
  if (number !== null) return new Map(number === 0 ? [] : [['', number]]);
  const node = value.producer;
  if (!node || !isOp(node, 'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Neg')) return null;
  nodes.add(node);
  const next = (i: number) => walk(node.inputs[i], symbols, nodes, depth + 1);
  const a = next(0);
  if (!a) return null;
  if (isOp(node, 'Neg')) return combine(new Map(), a, -1);
  if (isOp(node, 'Div', 'Pow')) return byNumber(node, a);
  const b = next(1);
  if (!b) return null;
  return isOp(node, 'Mul') ? product(a, b) : combine(a, b, isOp(node, 'Sub') ? -1 : 1);
}

function byNumber(node: Node, a: Polynomial): Polynomial | null {
  const n = scalarOf(node.inputs[1]);
  if (n === null) return null;
  if (isOp(node, 'Div')) return n === 0 ? null : product(a, new Map([['', 1 / n]]));
  if (!Number.isInteger(n) || n < 1 || n > highestPower) return null;
  return Array.from({ length: n - 1 }).reduce<Polynomial>((p) => product(p, a), a);
}

/** Values that are not numbers, from `value` back through sums and products, the nearest first. */
export function valuesBehind(value: Value): readonly Value[] {
  const found = new Set([value]);
  let front = [value];
  for (let depth = 0; depth < deepest && front.length > 0; depth++) {
    const behind = front.flatMap(({ producer }) =>
      producer && isOp(producer, 'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Neg') ? producer.inputs : [],
    );
    front = behind.flatMap((v) => (v && !found.has(v) && scalarOf(v) === null ? [v] : []));
    for (const v of front) found.add(v);
  }
  return [...found];
}

/** Coefficients are often written with seven digits. */
const tolerance = 2e-6;

export function isNearly(p: Polynomial, q: Polynomial): boolean {
  const close = (a: number, b: number) => Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
  return [...new Set([...p.keys(), ...q.keys()])].every((k) => close(p.get(k) ?? 0, q.get(k) ?? 0));
}

/** Whether anything but `nodes` reads what they make, the root's result apart. */
export const isReadOutside = (nodes: ReadonlySet<Node>, root: Node): boolean =>
  [...nodes].some(
    (n) =>
      n !== root &&
      n.outputs.some((v) => v && (isGraphOutput(v) || v.uses.some((u) => !u.node || !nodes.has(u.node)))),
  );
