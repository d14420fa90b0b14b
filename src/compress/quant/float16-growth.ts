/** Finds what leaves float16 before what goes in and comes out does: squares at 256, exponentials at 11, sums over many. Where
 *  data was measured, its ranges decide; elsewhere these stay float32, with what follows up to where values are small again.
 *    Exp, but of x − max(x), of −|x| and the like · x², x³ …, but of sines and sigmoids, or before a Tanh (GELU)
 *    ReduceSum, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSumExp · GlobalAveragePool of 4096 elements and more
 *  Products end it: what they answer nobody knows without data. */
import { constantOf, isOp, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { numbers } from '../../model/ir/tensor.ts';
import type { Crossing, Crossings } from './float16-crossings.ts';

const most = 65504;
/** From here on a mean of usual activations, 16, is a sum that leaves float16: some kernels add up first. */
const manyElements = 4096;

/** Between −1 and 1, whatever goes in. */
const small = ['Sigmoid', 'HardSigmoid', 'Tanh', 'Softmax', 'Sin', 'Cos', 'Erf', 'Sign', 'Softsign'];
/** The same answer for what is large and what is infinite. */
const saturating = ['Tanh', 'Sigmoid', 'HardSigmoid', 'Erf'];
/** Behind these, values are small again. */
const shrinking = [...small, 'Log', 'LogSoftmax', 'Sqrt', 'Reciprocal', 'LayerNormalization', 'Softplus'];
const goingOn =
  `Add Sub Mul Sum Mean Max Neg Abs Relu LeakyRelu Pow Where Identity Concat Reshape Flatten Transpose Squeeze
  Unsqueeze Slice Split Gather Expand Tile Pad Div Clip Min ReduceMean ReduceSum ReduceMax ReduceMin GlobalAveragePool
  AveragePool MaxPool GlobalMaxPool`.split(/\s+/);

/** Nodes that should stay float32 and what is handed over that should, with the reason.
 *  @param measured  whether a value's range is known */
export function growing(
  nodes: readonly Node[],
  crossings: Crossings,
  measured: (v: Value) => boolean,
): Map<Node | Crossing, string> {
  const found = new Map<Node | Crossing, string>();
  for (const node of nodes) {
    const [output] = node.outputs;
    const source = output && !measured(output) ? sourceOf(node) : null;
    if (!source) continue;
    const { inside, ends } = regionOf(node, source.isSum, crossings);
    if (source.mayBeInfinite && ends.length > 0 && ends.every((n) => isOp(n, ...saturating))) continue;
    for (const x of inside) if (!found.has(x)) found.set(x, `may-overflow: ${source.what}`);
  }
  return found;
}

interface Source {
  readonly what: string;
  readonly isSum: boolean;
  /** Whether what follows may make up for it. */
  readonly mayBeInfinite: boolean;
}

function sourceOf(node: Node): Source | null {
  const [x = null, exponent] = node.inputs;
  if (isOp(node, 'Exp') && !isAtMost(x, Math.log(most)))
    return { what: 'exponentials leave float16 at 11', isSum: false, mayBeInfinite: false };
  const power = constantOf(exponent);
  const isPower =
    (isOp(node, 'Pow') && power !== null && numbers(power).some((e) => Math.abs(e) > 1)) ||
    (isOp(node, 'Mul') && x !== null && x === exponent);
  if (isPower && !isSmall(x))
    return { what: 'squares leave float16 at 256', isSum: false, mayBeInfinite: true };
  if (isOp(node, 'ReduceSum', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp'))
    return { what: `sums over many, ${node.opType}`, isSum: true, mayBeInfinite: false };
  const elements = isOp(node, 'GlobalAveragePool') ? elementsOf(x) : 0;
  return elements >= manyElements
    ? { what: `means are sums first, of ${elements} elements`, isSum: true, mayBeInfinite: false }
    : null;
}

function elementsOf(v: Value | null): number {
  const sizes = shapeOf(v)?.slice(2) ?? [];
  return sizes.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
}

/** The node, and what reads it up to where values are small again; `ends` are the readers that aren't passed, null for an
 *  output of the model. */
function regionOf(
  source: Node,
  isSum: boolean,
  crossings: Crossings,
): { inside: Set<Node | Crossing>; ends: (Node | null)[] } {
  const inside = new Set<Node | Crossing>([source]);
  const ends: (Node | null)[] = [];
  const open = [...source.outputs];
  for (let v = open.pop(); v !== undefined; v = open.pop())
    for (const use of v?.uses ?? []) {
      const crossing = crossings.taking(use);
      const reader = crossing ?? use.node;
      if (!reader) ends.push(null);
      else if (!inside.has(reader)) {
        const shrinks = use.node && (isOp(use.node, ...shrinking) || bounds(use.node, use.index, isSum));
        const goes = crossing !== undefined || (!shrinks && isOp(use.node, ...goingOn));
        if (shrinks || goes) inside.add(reader);
        if (goes) open.push(...(crossing ? crossing.gives : use.node!.outputs));
        else ends.push(use.node!);
      }
    }
  return { inside, ends };
}

/** Whether a reader makes small what it reads there: a divisor, what has an upper bound; of sums, what is divided. */
function bounds(reader: Node, index: number, isSum: boolean): boolean {
  if (isOp(reader, 'Div')) return isSum || index === 1;
  if (isOp(reader, 'Clip')) return isAtMost(reader.outputs[0] ?? null, most);
  const factor = isOp(reader, 'Mul') ? constantOf(reader.inputs[1 - index]) : null;
  return isSum && factor !== null && numbers(factor).every((f) => Math.abs(f) < 1);
}

const isSmall = (v: Value | null): boolean =>
  isOp(v?.producer, ...small) || (isOp(v?.producer, 'Clip') && isAtMost(v, 255));

/** Whether nothing above the limit can come out, for all that is known of the value's producer. */
function isAtMost(v: Value | null, limit: number): boolean {
  const node = v?.producer;
  if (!node) return false;
  if (isOp(node, ...small) || isOp(node, 'LogSoftmax')) return limit >= 1;
  if (isOp(node, 'Clip', 'Min')) {
    const bound = constantOf(node.inputs[isOp(node, 'Clip') ? 2 : 1]);
    return bound !== null && numbers(bound).every((b) => b <= limit);
  }
  if (isOp(node, 'Sub')) return isMaximumOf(node.inputs[1] ?? null, node.inputs[0] ?? null);
  return isOp(node, 'Neg') && isPositive(node.inputs[0] ?? null);
}

function isMaximumOf(v: Value | null, of: Value | null): boolean {
  const node = v?.producer;
  if (!node) return false;
  if (isOp(node, 'Identity', 'Unsqueeze', 'Reshape', 'Expand'))
    return isMaximumOf(node.inputs[0] ?? null, of);
  return isOp(node, 'ReduceMax') && node.inputs[0] === of;
}

const isPositive = (v: Value | null): boolean => {
  const node = v?.producer;
  if (!node) return false;
  return (
    isOp(node, 'Abs', 'Relu', 'Sqrt', 'Softplus', 'Exp', 'Sigmoid') ||
    (isOp(node, 'Mul') && node.inputs[0] === node.inputs[1])
  );
};
