/** Removes chosen units from a model: small constants and attributes are rewritten, weights cut, types set, and what
 *  nobody reads any more is taken out. */

import { subgraphs, tensorAttribute } from '../../model/ir/attribute.ts';
import { dtypes } from '../../model/ir/dtype.ts';
import { removeInitializer, removeNodes, setAttribute, setConstant } from '../../model/ir/edit.ts';
import { type Graph, isOp, type Model, type Value } from '../../model/ir/model.ts';
import { denseTensor, elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { initializersOf } from '../../model/ir/walk.ts';
import { constantTensor } from '../../model/ops/channels/constant.ts';
import type { LinkedModel } from '../../model/ops/channels.ts';
import { inferShapes } from '../../model/ops/shapes.ts';
import { prunedShapesWrong } from '../../support/diagnostics/pruning.ts';
import { keptAfter } from './kept.ts';

/** @param removed  class ids of units. Nothing may have edited the model since it was linked.
 *  @throws PRUNED_SHAPES when shapes don't fit afterwards (a wrong rule of ours) */
export function removeUnits(model: Model, { links, edits }: LinkedModel, removed: ReadonlySet<number>): void {
  if (removed.size === 0) return;
  const before = new Set(inferShapes(model).missing.map((m) => m.node));
  const kept = keptAfter(links, removed);
  const values = new Set(links.rows.map((row) => row.value).filter((v) => kept.changedAny(v)));
  for (const edit of edits) edit(kept);
  for (const value of values) {
    const tensor = constantTensor(value);
    const { type } = value;
    const rank = tensor?.dims.length ?? (type?.kind === 'tensor' ? (type.shape?.length ?? 0) : 0);
    const axes = Array.from({ length: rank }, (_, axis) => kept.indices(value, axis));
    if (tensor) cutConstant(value, takeSlices(tensor, axes));
    else if (type?.kind === 'tensor' && type.shape)
      value.type = tensorType(
        type.dtype,
        type.shape.map((d, axis) => axes[axis]?.length ?? d),
      );
  }
  sweep(model);
  const wrong = inferShapes(model).missing.find((m) => !before.has(m.node));
  if (wrong) throw prunedShapesWrong(wrong.node, wrong.reason);
}

function cutConstant(value: Value, tensor: Tensor): void {
  if (value.constant) setConstant(value, tensor);
  else if (value.producer && isOp(value.producer, 'Constant')) {
    setAttribute(value.producer, 'value', tensorAttribute(tensor));
    value.type = tensorType(tensor.dtype, tensor.dims);
  }
}

/** The tensor with only the listed indices of each axis (null: all). Whole bytes only. */
export function takeSlices(t: Tensor, axes: readonly (readonly number[] | null)[]): Tensor {
  const dims = t.dims.map((d, axis) => axes[axis]?.length ?? d);
  const last = t.dims.findLastIndex((_, axis) => axes[axis] != null);
  if (last < 0) return t;
  const run = elementCount(t.dims.slice(last + 1)) * (dtypes[t.dtype].bits / 8);
  const from = t.bytes();
  const to = new Uint8Array((elementCount(dims) * dtypes[t.dtype].bits) / 8);
  let at = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis > last) {
      to.set(from.subarray(offset * run, (offset + 1) * run), at);
      at += run;
      return;
    }
    const list = axes[axis];
    const size = t.dims[axis]!;
    if (list) for (const i of list) walk(axis + 1, offset * size + i);
    else for (let i = 0; i < size; i++) walk(axis + 1, offset * size + i);
  };
  walk(0, 0);
  return denseTensor(t.dtype, dims, to);
}

/** Takes out nodes and initializers that nobody reads. */
export function sweep(model: Model): void {
  sweepGraph(model.graph);
  for (const { graph, value } of initializersOf(model))
    if (value.uses.length === 0 && !value.overridable) removeInitializer(graph, value);
}

/** Backwards, and branches before what they read: what only dead nodes read is found dead on the way. */
function sweepGraph(graph: Graph): void {
  for (const node of [...graph.nodes].reverse()) {
    if (node.outputs.every((v) => !v || v.uses.length === 0)) removeNodes(graph, new Set([node]));
    else for (const sub of subgraphs(node)) sweepGraph(sub);
  }
}
