/** Operators that keep the rank and act along one axis, or along axes that stay where they are. */
import { intAttribute } from '../../ir/attribute.ts';
import { setAttribute, setInput } from '../../ir/edit.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { constantNumbers, normalAxis } from '../../rewrite/arguments.ts';
import type { Permutation } from '../permutation.ts';
import {
  alike,
  dataPermutation,
  every,
  first,
  fixes,
  type LayoutRule,
  type LayoutTable,
  movedAxes,
} from '../rule.ts';

const moveAxis =
  (fallback: number): NonNullable<LayoutRule['move']> =>
  (node, ports) => {
    const axis = intAttribute(node, 'axis', fallback);
    setAttribute(node, 'axis', movedAxes([axis], dataPermutation(ports))[0]);
  };

/** @param fallback  the axis where the attribute is left out */
const along = (fallback: number, data = first): LayoutRule => ({
  ports: (node, at, perm) => alike(node, at, perm, data),
  move: moveAxis(fallback),
});

/** Before opset 13 all axes from `axis` on are normalised together: they must stay at the end, in whatever order. */
const softmax: LayoutRule = {
  ports(node, at, perm, opset) {
    const axis = normalAxis(intAttribute(node, 'axis', 1), perm.length);
    if (opset < 13 && !perm.slice(axis).every((from) => from >= axis)) return null;
    return alike(node, at, perm, first);
  },
  move(node, ports, edit) {
    if (edit.opset >= 13) moveAxis(-1)(node, ports, edit);
  },
};

/** The axis is an input. */
const cumulative: LayoutRule = {
  ports: (node, at, perm) => (constantNumbers(node.inputs[1]) ? alike(node, at, perm, first) : null),
  move(node, ports, edit) {
    const axes = movedAxes(constantNumbers(node.inputs[1])!, dataPermutation(ports));
    setInput(node, 1, edit.constant('axis', tensorOf('int64', [], axes)));
  },
};

/** One scale, or one for every index of an axis; not in blocks. */
const quantization: LayoutRule = {
  ports: (node, at, perm) =>
    intAttribute(node, 'block_size', 0) === 0 && isOneAxis(node) ? alike(node, at, perm, first) : null,
  move(node, ports, edit) {
    if (shapeOf(node.inputs[1])?.length === 1) moveAxis(1)(node, ports, edit);
  },
};

const isOneAxis = (node: Node) => (shapeOf(node.inputs[1])?.length ?? 2) < 2;

/** Axes before the normalised ones move freely. */
const trailing: LayoutRule = {
  ports(node, at, perm) {
    const axis = normalAxis(intAttribute(node, 'axis', -1), perm.length);
    return fixes(perm, axis - perm.length) ? alike(node, at, perm, first) : null;
  },
};

/** Batch and channels stay; only space moves. */
const spatial = (perm: Permutation) => fixes(perm, 2);
const channelsStay: LayoutRule = {
  ports: (node, at, perm) =>
    spatial(perm) && node.outputs.length === 1 ? alike(node, at, perm, first) : null,
};

export const oneAxisRules: LayoutTable = {
  Concat: along(1, every),
  Split: along(0),
  Softmax: softmax,
  LogSoftmax: softmax,
  Hardmax: softmax,
  CumSum: cumulative,
  CumProd: cumulative,
  TopK: along(-1),
  LpNormalization: along(-1),
  GatherElements: along(0, (i) => i < 2),
  ScatterElements: along(0, (i) => i < 3),
  QuantizeLinear: quantization,
  DequantizeLinear: quantization,
  LayerNormalization: trailing,
  RMSNormalization: trailing,
  SimplifiedLayerNormalization: trailing,
  BatchNormalization: channelsStay,
  InstanceNormalization: channelsStay,
  GlobalAveragePool: channelsStay,
  GlobalMaxPool: channelsStay,
};
