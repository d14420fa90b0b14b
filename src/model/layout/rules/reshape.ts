/** Reshape and Flatten, where axes that are joined or split stay together. */
import { intAttribute } from '../../ir/attribute.ts';
import { setAttribute, setInput } from '../../ir/edit.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import type { Shape } from '../../ir/type.ts';
import { normalAxis } from '../../rewrite/arguments.ts';
import { knownTarget } from '../../rewrite/reshape-target.ts';
import { isIdentity, type Permutation, permuted } from '../permutation.ts';
import type { Edit, LayoutRule, LayoutTable, Port, Ports } from '../rule.ts';
import { axisGroups, groupOrder } from './axis-groups.ts';
import { outputOrder } from './axis-links.ts';
import { canFollow, followFlattened } from './flattened-weight.ts';

interface Shapes {
  readonly before: Shape;
  readonly after: Shape;
}

function shapesOf(node: Node): Shapes | null {
  const [before, after] = [shapeOf(node.inputs[0]), shapeOf(node.outputs[0])];
  return before && after ? { before, after } : null;
}

interface Orders {
  readonly input: Permutation;
  readonly output: Permutation;
}

/** Permutations of both sides when one is permuted; axes of size 1 on the other side stay beside their neighbours. */
function orders({ before, after }: Shapes, at: Port, perm: Permutation): Orders | null {
  const groups = axisGroups(before, after);
  const isInput = at.side === 'input';
  if (!groups || perm.length !== (isInput ? before : after).length) return null;
  const found = groupOrder(
    perm,
    groups.map(({ inputs, outputs }) =>
      isInput ? { from: inputs, to: outputs } : { from: outputs, to: inputs },
    ),
  );
  if (!found) return null;
  const other = isInput ? after : before;
  const all = outputOrder(
    found,
    other.map((_, axis) => (found.includes(axis) ? axis : null)),
  );
  return isInput ? { input: perm, output: all } : { input: all, output: perm };
}

const ports = (node: Node, { input, output }: Orders): Ports => ({
  inputs: node.inputs.map((_, i) => (i === 0 ? input : null)),
  outputs: [output],
  constants: [],
});

const newTarget = ({ before, after }: Shapes, { input, output }: Orders) =>
  knownTarget(permuted(before, input), permuted(after, output));

/** The orders of both sides; where axes would be torn apart, the output stays if matrices behind it can follow. */
function followed(node: Node, shapes: Shapes, at: Port, perm: Permutation): Orders | null {
  const found = orders(shapes, at, perm);
  if (found) return found;
  const follows = at.side === 'input' && perm.length === shapes.before.length && canFollow(node, perm);
  return follows ? { input: perm, output: shapes.after.map((_, axis) => axis) } : null;
}

/** Has the matrices follow, where they have to. */
function follow(node: Node, shapes: Shapes, perm: Permutation, edit: Edit): void {
  if (!orders(shapes, { side: 'input', index: 0 }, perm)) followFlattened(node, perm, edit);
}

const reshape: LayoutRule = {
  ports(node, at, perm) {
    const shapes = at.index === 0 ? shapesOf(node) : null;
    const found = shapes && followed(node, shapes, at, perm);
    return found && newTarget(shapes, found) ? ports(node, found) : null;
  },
  move(node, { inputs, outputs }, edit) {
    const shapes = shapesOf(node)!;
    follow(node, shapes, inputs[0]!, edit);
    const target = newTarget(shapes, { input: inputs[0]!, output: outputs[0]! })!;
    setAttribute(node, 'allowzero', undefined);
    if (node.attributes.has('shape')) setAttribute(node, 'shape', target);
    else setInput(node, 1, edit.constant('shape', tensorOf('int64', [target.length], target)));
  },
};

/** Where a Flatten divides the permuted axes so that each side holds the same ones longer than 1; null where none does. */
function flattenAxis(node: Node, before: Shape, perm: Permutation): number | null {
  const axis = normalAxis(intAttribute(node, 'axis', 1), before.length);
  const isLong = (a: number) => before[a] !== 1;
  const count = before.slice(0, axis).filter((d) => d !== 1).length;
  const order = perm.filter(isLong);
  if (!order.slice(0, count).every((a) => a < axis)) return null;
  return count === 0 ? 0 : perm.indexOf(order[count - 1]!) + 1;
}

const flatten: LayoutRule = {
  ports(node, at, perm) {
    const shapes = shapesOf(node);
    const found = shapes && followed(node, shapes, at, perm);
    if (!found || !isIdentity(found.output)) return null;
    return flattenAxis(node, shapes.before, found.input) === null ? null : ports(node, found);
  },
  move(node, { inputs }, edit) {
    const shapes = shapesOf(node)!;
    follow(node, shapes, inputs[0]!, edit);
    setAttribute(node, 'axis', flattenAxis(node, shapes.before, inputs[0]!)!);
  },
};

export const reshapeRules: LayoutTable = { Reshape: reshape, Flatten: flatten };
