/** Operators whose settings are vectors with an element (or two) for every axis. */
import { floats, intsAttribute, textAttribute } from '../../ir/attribute.ts';
import { setAttribute, setInput } from '../../ir/edit.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import type { Shape } from '../../ir/type.ts';
import { isSame } from '../../ops/dims.ts';
import { constantNumbers, intsArgument } from '../../rewrite/arguments.ts';
import { type Permutation, permuted } from '../permutation.ts';
import {
  alike,
  dataPermutation,
  type Edit,
  first,
  type LayoutRule,
  type LayoutTable,
  movedAxes,
} from '../rule.ts';

/** Begins, then ends. */
const twice = (perm: Permutation) => [...perm, ...perm.map((axis) => axis + perm.length)];

/** Puts a vector's elements in order, be it an attribute or an input; one that is left out or empty stays. */
function reorder(node: Node, attribute: string, index: number, order: readonly number[], edit: Edit): void {
  const a = node.attributes.get(attribute);
  if (a?.type === 'ints') setAttribute(node, attribute, { type: 'ints', value: permuted(a.value, order) });
  if (a?.type === 'floats') setAttribute(node, attribute, floats(permuted(a.value, order)));
  const v = node.inputs[index];
  if (!a && v && shapeOf(v)?.[0] !== 0) setInput(node, index, edit.reorder(v, order));
}

/** Writes the axes where they were: attribute, or input `index`. */
function setAxes(node: Node, axes: readonly number[], index: number | null, edit: Edit): void {
  if (index === null || node.attributes.has('axes')) setAttribute(node, 'axes', [...axes]);
  else setInput(node, index, edit.constant('axes', tensorOf('int64', [axes.length], axes)));
}

/** Whether the vector at an input, if there, has a known number of elements. */
const hasLength = (node: Node, index: number, ...lengths: number[]) => {
  const v = node.inputs[index];
  return !v || lengths.includes((shapeOf(v)?.[0] as number | undefined) ?? -1);
};

const pad: LayoutRule = {
  ports(node, at, perm) {
    const axes = constantNumbers(node.inputs[3]);
    if (axes === null || (!axes && !hasLength(node, 1, 2 * perm.length))) return null;
    return alike(node, at, perm, first);
  },
  move(node, ports, edit) {
    const perm = dataPermutation(ports);
    const axes = constantNumbers(node.inputs[3]);
    if (axes) setAxes(node, movedAxes(axes, perm), 3, edit);
    else reorder(node, node.attributes.has('paddings') ? 'paddings' : 'pads', 1, twice(perm), edit);
  },
};

/** Axes that a Slice names or, by default, the first ones; null where that isn't known. */
function slicedAxes(node: Node): number[] | null {
  const axes = intsArgument(node, 'axes', 3);
  if (axes !== undefined) return axes;
  const count = intsAttribute(node, 'starts')?.length ?? shapeOf(node.inputs[1])?.[0];
  return typeof count === 'number' ? Array.from({ length: count }, (_, i) => i) : null;
}

const slice: LayoutRule = {
  ports: (node, at, perm) => (slicedAxes(node) ? alike(node, at, perm, first) : null),
  move(node, ports, edit) {
    const axes = movedAxes(slicedAxes(node)!, dataPermutation(ports));
    setAxes(node, axes, node.attributes.has('starts') ? null : 3, edit);
  },
};

const tile: LayoutRule = {
  ports: (node, at, perm) => (hasLength(node, 1, perm.length) ? alike(node, at, perm, first) : null),
  move: (node, ports, edit) => reorder(node, '', 1, dataPermutation(ports), edit),
};

/** Bilinear and cubic kernels of the runtimes want the axes that keep their size in front. */
function keepsSizesInFront(before: Shape, after: Shape): boolean {
  const kept = before.map((d, i) => isSame(d, after[i]!));
  return kept.lastIndexOf(true) === kept.filter((k) => k).length - 1;
}

const resize: LayoutRule = {
  ports(node, at, perm) {
    const ports = alike(node, at, perm, first);
    if (!ports || textAttribute(node, 'mode', 'nearest') === 'nearest') return ports;
    const [before, after] = [shapeOf(node.inputs[0]), shapeOf(node.outputs[0])];
    if (!before || after?.length !== before.length) return null;
    return keepsSizesInFront(permuted(before, perm), permuted(after, perm)) ? ports : null;
  },
  move(node, ports, edit) {
    const perm = dataPermutation(ports);
    const axes = intsAttribute(node, 'axes');
    if (axes) return setAxes(node, movedAxes(axes, perm), null, edit);
    if (node.opType === 'Upsample' || edit.opset < 11) return reorder(node, 'scales', 1, perm, edit);
    reorder(node, '', 1, twice(perm), edit);
    reorder(node, '', 2, perm, edit);
    reorder(node, '', 3, perm, edit);
  },
};

export const vectorRules: LayoutTable = {
  Pad: pad,
  Slice: slice,
  Tile: tile,
  // Of a target with as many axes as the tensor.
  Expand: tile,
  Resize: resize,
  Upsample: resize,
};
