/** GELU as exporters write it out, made one operator again: LiteRT has a kernel for it, and none for the error function.
 *    x·½·(1 + erf(x/√2)),  the three factors in any order   ⇒   Gelu(x)
 *  Left alone: where anything else reads what is between. Source: ONNX Gelu-20. */
import { addNode, replaceAllUses } from '../../../ir/edit.ts';
import { isOp, type Model, type Node, readers, type Value } from '../../../ir/model.ts';
import { graphsOf } from '../../../ir/walk.ts';
import { scalarOf } from '../../../rewrite/arguments.ts';
import { removeDead } from '../../../rewrite/known-sizes.ts';

/** Edits a lowered model in place, of an opset that has Gelu. */
export function joinGelu(model: Model): void {
  for (const graph of graphsOf(model)) {
    for (const node of [...graph.nodes]) {
      const found = isOp(node, 'Erf') ? geluAround(node) : null;
      const y = found?.root.outputs[0];
      if (!found || !y) continue;
      const gelu = addNode(graph, { opType: 'Gelu', name: found.root.name, inputs: [found.x] }, found.root);
      gelu.outputs[0]!.type = y.type;
      replaceAllUses(y, gelu.outputs[0]!);
    }
    removeDead(graph);
  }
}

/** The number that a node joins with another operand; null where it joins none. */
function withNumber(node: Node, op: string): { readonly number: number; readonly other: Value } | null {
  if (!isOp(node, op)) return null;
  const [a, b] = node.inputs;
  const [left, right] = [scalarOf(a), scalarOf(b)];
  if (right !== null && a) return { number: right, other: a };
  return left !== null && b && op !== 'Div' ? { number: left, other: b } : null;
}

const near = (a: number, b: number) => Math.abs(a - b) < 1e-4;

/** What is under the error function, times √2. */
function argumentOf(value: Value | null | undefined): Value | null {
  const node = value?.producer;
  if (!node) return null;
  const [divided, scaled] = [withNumber(node, 'Div'), withNumber(node, 'Mul')];
  if (divided && near(divided.number, Math.SQRT2)) return divided.other;
  return scaled && near(scaled.number, Math.SQRT1_2) ? scaled.other : null;
}

/** The node that alone reads a value. */
function only(value: Value | null | undefined): Node | null {
  if (value?.uses.length !== 1) return null;
  return readers(value)[0] ?? null;
}

function geluAround(erf: Node): { readonly x: Value; readonly root: Node } | null {
  const x = argumentOf(erf.inputs[0]);
  const sum = only(erf.outputs[0]);
  const one = sum && withNumber(sum, 'Add');
  const first = sum && only(sum.outputs[0]);
  if (!x || !one || one.number !== 1 || !first || !isOp(first, 'Mul')) return null;
  const half = withNumber(first, 'Mul');
  const second = only(first.outputs[0]);
  if (half?.number === 0.5)
    return second && isOp(second, 'Mul') && second.inputs.includes(x) ? { x, root: second } : null;
  const other = first.inputs.find((v) => v !== sum.outputs[0]);
  if (other === x) return second && withNumber(second, 'Mul')?.number === 0.5 ? { x, root: second } : null;
  const halved = other?.producer ? withNumber(other.producer, 'Mul') : null;
  return halved?.number === 0.5 && halved.other === x ? { x, root: first } : null;
}
