/** Finds normalisations and softmaxes that are written out in small ops. Their squares and sums leave float16 long
 *  before what goes in and comes out does; fused ops (LayerNormalization, Softmax) keep a float32 core by themselves.
 *    x − mean(x), squared, mean, + ε, √, ÷       and       exp(x − max), sum, ÷ */
import { constantOf, isOp, type Node, readers, type Value } from '../../model/ir/model.ts';
import { numbers } from '../../model/ir/tensor.ts';

const sums = ['ReduceMean', 'ReduceSum', 'ReduceSumSquare', 'GlobalAveragePool'];
const norm = 'inside-a-normalisation';
const softmax = 'inside-a-softmax';

/** Nodes that should stay float32, with the reason. */
export function normalisationNodes(nodes: readonly Node[]): Map<Node, string> {
  const found = new Map<Node, string>();
  for (const node of nodes) {
    if (isRoot(node)) addNorm(node, found);
    if (isOp(node, 'ReduceSum', 'ReduceSumSquare')) addSum(node, found);
  }
  return found;
}

/** √, x^½ and x^−½. */
function isRoot(node: Node): boolean {
  if (isOp(node, 'Sqrt')) return true;
  const exponent = isOp(node, 'Pow') ? constantOf(node.inputs[1]) : null;
  return exponent !== null && numbers(exponent).every((e) => Math.abs(e) === 0.5);
}

/** From the root back to the mean of squares and the difference squared; forward to where it divides. */
function addNorm(root: Node, found: Map<Node, string>): void {
  const path = [root];
  let at = producerOf(root.inputs[0]);
  while (at && isOp(at, 'Add', 'Mul', 'Div', 'Max', 'Clip')) {
    path.push(at);
    at = producerOf(at.inputs.find((v) => v && !constantOf(v)));
  }
  if (!at || !isOp(at, ...sums)) return;
  path.push(at);
  const square = isOp(at, 'ReduceSumSquare') ? at : producerOf(at.inputs[0]);
  if (square && isOp(square, 'Pow', 'Mul', 'ReduceSumSquare')) {
    path.push(square);
    const difference = producerOf(square.inputs[0]);
    if (difference && isOp(difference, 'Sub')) {
      path.push(difference);
      const mean = producerOf(difference.inputs[1]);
      if (mean && isOp(mean, ...sums)) path.push(mean);
    }
  }
  for (const node of [...path, ...followers(root.outputs[0]!)]) found.set(node, norm);
}

/** The divisions, and a reciprocal with the products that read it. */
function followers(v: Value): Node[] {
  return readers(v).flatMap((r) => {
    if (isOp(r, 'Reciprocal')) return [r, ...followers(r.outputs[0]!)];
    if (isOp(r, 'Div')) {
      const one = constantOf(r.inputs[0]);
      return one ? [r, ...followers(r.outputs[0]!)] : [r];
    }
    return isOp(r, 'Mul') ? [r] : [];
  });
}

/** Sums grow with what they run over. With an Exp before it and a Div behind it, a softmax. */
function addSum(sum: Node, found: Map<Node, string>): void {
  if (!found.has(sum)) found.set(sum, `sum-over-many: ${sum.opType}`);
  const power = producerOf(sum.inputs[0]);
  if (!power || !isOp(power, 'Exp')) return;
  const difference = producerOf(power.inputs[0]);
  const before = difference && isOp(difference, 'Sub') ? [difference] : [];
  for (const node of [sum, power, ...before, ...followers(sum.outputs[0]!)]) found.set(node, softmax);
}

const producerOf = (v: Value | null | undefined): Node | null => v?.producer ?? null;
