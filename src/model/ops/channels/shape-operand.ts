/** Inputs that hold a size: the target of Reshape and Expand, the sizes of Resize and ConstantOfShape. When an axis
 *  shrinks, its entry is rewritten: in the constant, in a piece of the Concat that puts the sizes together, or, for
 *  Reshape, by a constant with 0 ("as in the input") and −1 for the sizes that aren't known. */

import { own } from '../../../support/own.ts';
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { addNode, setAttribute, setInput } from '../../ir/edit.ts';
import { isOp, type Node, shapeOf, type Value } from '../../ir/model.ts';
import { isSame } from '../dims.ts';
import { constantTensor, integerConstant } from './constant.ts';
import type { Kept, LinkContext } from './rule.ts';

/** Where each operator has its sizes. */
const sizeInputs: Readonly<Record<string, number>> = { Reshape: 1, Expand: 1, ConstantOfShape: 0, Resize: 3 };

const sizeInput = (node: Node): number | undefined =>
  node.domain === '' ? own(sizeInputs, node.opType) : undefined;

/** Pins the axes of the output whose entry can't be rewritten, and rewrites the others when they shrink. */
export function linkSizes(c: LinkContext): void {
  const { node } = c;
  const output = node.outputs[0];
  const at = sizeInput(node);
  if (!output || at === undefined) return;
  const fits = rewritable(c, node);
  fits.forEach((ok, axis) => {
    if (!ok) c.pin(output, axis, 'shape-computed-at-run-time');
  });
  c.onShrink((kept) => rewrite(c, node, at, kept));
}

/** For every axis of the output: whether its entry can be replaced by a number. */
function rewritable(c: Pick<LinkContext, 'shape' | 'data'>, node: Node): boolean[] {
  const operand = node.inputs[sizeInput(node) ?? -1];
  const shape = c.shape(node.outputs[0]);
  if (!operand || !shape) return [];
  if (
    constantTensor(operand) ||
    zeroForm(c, node) ||
    c.data(operand)?.values.every((v) => typeof v === 'number')
  )
    return shape.map(() => true);
  const pieces = piecesOf(c, operand);
  const count = pieces?.reduce((n, p) => n + p.length, 0) ?? 0;
  return shape.map((_, axis) => {
    const entry = axis - shape.length + count;
    const piece = pieces?.find((p) => entry >= p.from && entry < p.from + p.length);
    return entry < 0 || (piece !== undefined && (piece.length === 1 || constantTensor(piece.value) !== null));
  });
}

interface Piece {
  readonly value: Value;
  readonly from: number;
  readonly length: number;
}

/** The values that a Concat puts together, where all lengths are known. */
function piecesOf(c: Pick<LinkContext, 'shape'>, operand: Value): Piece[] | null {
  const concat = operand.producer;
  if (!concat || !isOp(concat, 'Concat')) return null;
  let from = 0;
  const pieces: Piece[] = [];
  for (const value of concat.inputs) {
    const length = c.shape(value)?.[0];
    if (!value || typeof length !== 'number') return null;
    pieces.push({ value, from, length });
    from += length;
  }
  return pieces;
}

/** A Reshape target from sizes alone: numbers, 0 where the input's axis has the same symbol, −1 once. */
function zeroForm(c: Pick<LinkContext, 'shape'>, node: Node, kept?: Kept): number[] | null {
  if (!isOp(node, 'Reshape')) return null;
  const [from, to] = [c.shape(node.inputs[0]), c.shape(node.outputs[0])];
  if (!from || !to) return null;
  const target = to.map((size, axis) => {
    if (typeof size === 'number') return kept ? (kept.size(node.outputs[0]!, axis) as number) : size;
    return from[axis] !== undefined && isSame(size, from[axis]!) ? 0 : -1;
  });
  return target.filter((t) => t === -1).length <= 1 ? target : null;
}

function rewrite(c: LinkContext, node: Node, at: number, kept: Kept): void {
  const operand = node.inputs[at]!;
  const output = node.outputs[0]!;
  const shape = c.shape(output)!;
  const constant = constantTensor(operand);
  if (!kept.changedAny(output) && (constant || !readsChangedSize(operand, kept))) return;
  const data = c.data(operand)?.values ?? shape;
  const offset = shape.length - data.length;
  // An entry that isn't the output's size (1 in an Expand, −1 or 0 in a Reshape) is kept where it still says the same.
  const entries = data.map((entry, i) => {
    const size = shape[i + offset];
    if (typeof size !== 'number') return typeof entry === 'number' ? entry : null;
    return isOp(node, 'Expand') && entry === 1 && size !== 1 ? 1 : (kept.size(output, i + offset) as number);
  });
  const replace = (values: readonly number[]) =>
    setInput(node, at, integerConstant(node.graph, operand.name, values));
  if (entries.every((e) => e !== null)) {
    if (isOp(node, 'Reshape')) setAttribute(node, 'allowzero', undefined);
    replace(entries as number[]);
    return;
  }
  const target = zeroForm(c, node, kept);
  if (target) {
    setAttribute(node, 'allowzero', undefined);
    replace(target);
    return;
  }
  const pieces = piecesOf(c, operand) ?? [];
  const inputs = pieces.map(({ value, from, length }) => {
    const part = entries.slice(from, from + length);
    return part.every((e) => e !== null) ? integerConstant(node.graph, value.name, part as number[]) : value;
  });
  const made = addNode(
    node.graph,
    { opType: 'Concat', name: `${operand.name}/pruned`, inputs, attributes: { axis: 0 } },
    node,
  );
  setInput(node, at, made.outputs[0]!);
}

/** Whether a size is computed from one that changes. */
function readsChangedSize(operand: Value, kept: Kept): boolean {
  const seen = new Set<Value>();
  const queue = [operand];
  for (let v = queue.pop(); v; v = queue.pop()) {
    if (seen.has(v) || !v.producer) continue;
    seen.add(v);
    if (isOp(v.producer, 'Shape', 'Size')) {
      if (v.producer.inputs[0] && kept.changedAny(v.producer.inputs[0])) return true;
    } else for (const x of v.producer.inputs) if (x) queue.push(x);
  }
  return false;
}

/** Whether the size of `axis`, that a Shape node reads, is only ever used where it can be rewritten. */
export function sizeOnlyShapes(c: LinkContext, axis: number): boolean {
  const { node } = c;
  const rank = c.shape(node.inputs[0])?.length ?? 0;
  const bound = (v: number) => Math.min(rank, Math.max(0, v < 0 ? v + rank : v));
  const start = bound(intAttribute(node, 'start', 0));
  if (axis < start || axis >= bound(intAttribute(node, 'end', rank))) return true;
  return usedAsSize(c, node.outputs[0]!, axis - start, new Set());
}

/** @param index  place of the size in a 1-D tensor; null when it may be anywhere in it */
function usedAsSize(c: LinkContext, value: Value, index: number | null, seen: Set<Value>): boolean {
  if (seen.has(value)) return true;
  seen.add(value);
  return value.uses.every((use) => {
    if (!use.node) return false;
    const next = use.node.outputs[0];
    if (!next) return false;
    if (sizeInput(use.node) === use.index && !(isOp(use.node, 'Reshape') && use.index === 0))
      return rewritable(c, use.node).every(Boolean);
    if (isOp(use.node, 'Gather') && use.index === 0) {
      const picks = c.data(use.node.inputs[1])?.values;
      const length = shapeOf(value)?.[0];
      if (index !== null && picks && typeof length === 'number')
        if (!picks.some((p) => typeof p !== 'number' || (p < 0 ? p + length : p) === index)) return true;
      return usedAsSize(c, next, null, seen);
    }
    if (isOp(use.node, 'Slice') && use.index === 0) {
      const [starts, ends] = [1, 2].map((i) => c.data(use.node.inputs[i])?.values[0]);
      const from = starts ?? intsAttribute(use.node, 'starts')?.[0];
      const to = ends ?? intsAttribute(use.node, 'ends')?.[0];
      const length = shapeOf(value)?.[0];
      if (
        index !== null &&
        typeof from === 'number' &&
        typeof to === 'number' &&
        typeof length === 'number'
      ) {
        const at = (v: number) => (v < 0 ? v + length : v);
        if (index < at(from) || index >= at(to)) return true;
      }
      return usedAsSize(c, next, null, seen);
    }
    const passes = isOp(use.node, 'Unsqueeze', 'Squeeze', 'Cast', 'Identity', 'Concat', 'Reshape');
    return passes && (use.index === 0 || isOp(use.node, 'Concat')) && usedAsSize(c, next, null, seen);
  });
}
