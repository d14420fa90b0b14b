/** Reductions, Squeeze, Unsqueeze and Gather: the axes that they name move, and the rank may change. */
import { intAttribute } from '../../ir/attribute.ts';
import { setAttribute, setInput } from '../../ir/edit.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { reductionShapes } from '../../ops/shapes/reduction.ts';
import { intsArgument, normalAxis, rankOf } from '../../rewrite/arguments.ts';
import { identityOf, type Permutation } from '../permutation.ts';
import {
  alike,
  dataPermutation,
  type Edit,
  first,
  type LayoutRule,
  type LayoutTable,
  movedAxes,
  type Port,
  type Ports,
} from '../rule.ts';
import { type AxisLinks, outputOrder, reversed, withNewAxes, withoutAxes } from './axis-links.ts';

/** Ports of one input and its outputs under links. Backwards only where `back` says that the order of the input follows. */
function linked(node: Node, at: Port, perm: Permutation, links: AxisLinks, back: boolean): Ports | null {
  const rank = rankOf(node.inputs[0]);
  if (rank === null || (at.side === 'input' && at.index !== 0) || (at.side === 'output' && !back))
    return null;
  if (perm.length !== (at.side === 'input' ? rank : links.length)) return null;
  const from = at.side === 'input' ? perm : outputOrder(perm, reversed(links, rank));
  const to = at.side === 'input' ? outputOrder(perm, links) : perm;
  return {
    inputs: node.inputs.map((_, i) => (i === 0 ? from : null)),
    outputs: node.outputs.map((v) => v && to),
    constants: [],
  };
}

const normalAxes = (axes: readonly number[], rank: number) => axes.map((a) => normalAxis(a, rank));

/** Writes axes where the node has them, in ascending order. */
function setAxes(node: Node, axes: readonly number[], edit: Edit): void {
  const sorted = [...axes].sort((a, b) => a - b);
  if (node.inputs[1]) setInput(node, 1, edit.constant('axes', tensorOf('int64', [sorted.length], sorted)));
  else setAttribute(node, 'axes', sorted);
}

const keepsDims = (node: Node) => intAttribute(node, 'keepdims', 1) !== 0;

/** All axes where none are named, unless that means that nothing is reduced. */
function reducedAxes(node: Node, rank: number): number[] | null {
  const axes = intsArgument(node, 'axes', 1);
  if (axes === null) return null;
  if (axes?.length) return normalAxes(axes, rank);
  return intAttribute(node, 'noop_with_empty_axes', 0) === 0 ? identityOf(rank) : [];
}

const reduce: LayoutRule = {
  ports(node, at, perm) {
    if (keepsDims(node)) return reducedAxes(node, perm.length) && alike(node, at, perm, first);
    const rank = rankOf(node.inputs[0]);
    const axes = rank === null ? null : reducedAxes(node, rank);
    return axes && linked(node, at, perm, withoutAxes(rank!, axes), axes.length === 0);
  },
  move(node, ports, edit) {
    const axes = intsArgument(node, 'axes', 1);
    const perm = ports.inputs[0]!;
    if (axes?.length) setAxes(node, movedAxes(axes, perm), edit);
  },
};

/** ArgMax and ArgMin. */
const argument: LayoutRule = {
  ports(node, at, perm) {
    if (keepsDims(node)) return alike(node, at, perm, first);
    const rank = rankOf(node.inputs[0]);
    if (rank === null) return null;
    return linked(
      node,
      at,
      perm,
      withoutAxes(rank, [normalAxis(intAttribute(node, 'axis', 0), rank)]),
      false,
    );
  },
  move: (node, ports) =>
    setAttribute(node, 'axis', movedAxes([intAttribute(node, 'axis', 0)], dataPermutation(ports))[0]),
};

/** Axes that a Squeeze drops; without a list all that are 1, where every size is known. */
function squeezedAxes(node: Node): number[] | null {
  const shape = shapeOf(node.inputs[0]);
  const axes = intsArgument(node, 'axes', 1);
  if (!shape || axes === null) return null;
  if (axes?.length) return normalAxes(axes, shape.length);
  if (shape.some((d) => typeof d !== 'number')) return null;
  return shape.flatMap((d, axis) => (d === 1 ? [axis] : []));
}

const squeeze: LayoutRule = {
  ports(node, at, perm) {
    const axes = squeezedAxes(node);
    return axes && linked(node, at, perm, withoutAxes(rankOf(node.inputs[0])!, axes), true);
  },
  move(node, ports, edit) {
    const axes = intsArgument(node, 'axes', 1);
    if (axes?.length) setAxes(node, movedAxes(axes, ports.inputs[0]!), edit);
  },
};

function newAxes(node: Node): number[] | null {
  const [rank, axes] = [rankOf(node.inputs[0]), intsArgument(node, 'axes', 1)];
  return rank !== null && axes ? normalAxes(axes, rank + axes.length) : null;
}

const unsqueeze: LayoutRule = {
  ports(node, at, perm) {
    const axes = newAxes(node);
    return axes && linked(node, at, perm, withNewAxes(rankOf(node.inputs[0])!, axes), true);
  },
  move: (node, ports, edit) => setAxes(node, movedAxes(newAxes(node)!, ports.outputs[0]!), edit),
};

/** The axes of the indices stand, together, where the axis that they choose from was. */
const gather: LayoutRule = {
  ports(node, at, perm) {
    const [rank, depth] = [rankOf(node.inputs[0]), rankOf(node.inputs[1])];
    if (rank === null || depth === null) return null;
    const axis = normalAxis(intAttribute(node, 'axis', 0), rank);
    const links = identityOf(rank).flatMap((a) => (a === axis ? new Array<number>(depth).fill(a) : [a]));
    return linked(node, at, perm, links, depth === 1);
  },
  move: (node, ports) =>
    setAttribute(node, 'axis', movedAxes([intAttribute(node, 'axis', 0)], ports.inputs[0]!)[0]),
};

const reductions = Object.keys(reductionShapes).filter((key) => key.startsWith('Reduce'));

export const rankChangingRules: LayoutTable = {
  ...Object.fromEntries(reductions.map((key) => [key, reduce])),
  ArgMax: argument,
  ArgMin: argument,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Gather: gather,
};
