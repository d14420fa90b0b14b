/** What a layer's weight matrix is multiplied with, and what it answers, as matrices of one row a place (a pixel, a token),
 *  built into the graph. Rows of a convolution's input are unfolded by a convolution with one-hot kernels. */
import { addInitializer, addNode, type NodeInit } from '../../model/ir/edit.ts';
import type { Graph, Value } from '../../model/ir/model.ts';
import { elementCount, tensorOf } from '../../model/ir/tensor.ts';
import type { PatchSpec } from './statistics.ts';

/** Adds a node and gives its first output. */
export type AddOperator = (
  opType: string,
  inputs: readonly Value[],
  attributes?: NodeInit['attributes'],
) => Value;

export const operators =
  (graph: Graph): AddOperator =>
  (opType, inputs, attributes = {}) =>
    addNode(graph, { opType, inputs, attributes }).outputs[0] as Value;

/** [places, columns] of what is summed over. @param patches  null: the last axis of `source` */
export function rowsOf(graph: Graph, source: Value, patches: PatchSpec | null): Value {
  const op = operators(graph);
  if (!patches) return lastAxis(graph, source);
  const unfolded = op('Conv', [source, addInitializer(graph, 'edgepress/unfold', oneHot(patches))], {
    group: patches.channels,
    kernel_shape: [...patches.kernel],
    strides: patches.strides,
    pads: patches.pads,
    dilations: patches.dilations,
    auto_pad: patches.autoPad,
  });
  return op('Reshape', [channelsLast(op, unfolded, patches), integers(graph, -1, columnsOf(patches))]);
}

/** [places, width] of a layer's answer. @param patches  of its input, as for rowsOf */
export function answersOf(graph: Graph, answer: Value, patches: PatchSpec | null, width: number): Value {
  const op = operators(graph);
  return op('Reshape', [patches ? channelsLast(op, answer, patches) : answer, integers(graph, -1, width)]);
}

/** [places, columns] → [groups, places, columns / groups]; as it is where there is one group. */
export function inGroups(graph: Graph, rows: Value, groups: number, columns: number): Value {
  if (groups === 1) return rows;
  const op = operators(graph);
  const apart = op('Reshape', [rows, integers(graph, -1, groups, columns / groups)]);
  return op('Transpose', [apart], { perm: [1, 0, 2] });
}

/** Σ a·bᵀ over places: [columns of a, columns of b], or that for each group. */
export const products = (graph: Graph, a: Value, b: Value, groups: number): Value => {
  const op = operators(graph);
  return op('MatMul', [op('Transpose', [a], { perm: groups === 1 ? [1, 0] : [0, 2, 1] }), b]);
};

/** Columns of a convolution's rows; −1 where they are the last axis of something. */
export const columnsOf = (patches: PatchSpec | null) =>
  patches ? patches.channels * elementCount(patches.kernel) : -1;

export const integers = (graph: Graph, ...values: number[]) =>
  addInitializer(graph, 'edgepress/ints', tensorOf('int64', [values.length], values));

/** [batch, channels, …places] → [batch, …places, channels] */
const channelsLast = (op: AddOperator, x: Value, { kernel }: PatchSpec) =>
  op('Transpose', [x], { perm: [0, ...kernel.map((_, i) => i + 2), 1] });

/** Flatten would count the dimensions for us, but only with axis −1, which older opsets lack. */
function lastAxis(graph: Graph, source: Value): Value {
  const op = operators(graph);
  const last = op('Slice', [op('Shape', [source]), integers(graph, -1), integers(graph, 2 ** 31 - 1)]);
  return op('Reshape', [source, op('Concat', [integers(graph, -1), last], { axis: 0 })]);
}

/** Kernels [channels·places, 1, …kernel], each picking one place of one channel. */
function oneHot({ channels, kernel }: PatchSpec) {
  const places = elementCount(kernel);
  const values = new Float32Array(channels * places * places);
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < places; p++) values[(c * places + p) * places + p] = 1;
  return tensorOf('float32', [channels * places, 1, ...kernel], values);
}
