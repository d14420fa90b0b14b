/** What a row of the channels table sees of its node, and says about it. */
import type { Node, Value } from '../../ir/model.ts';
import type { Dim, Shape } from '../../ir/type.ts';
import type { Data } from '../types.ts';
import type { Role, UnitKind } from './links.ts';
import type { AxisPlace } from './merges.ts';

export interface LinkContext {
  readonly node: Node;
  /** Operator-set version of ai.onnx. */
  readonly opset: number;
  /** Statistics over an axis (LayerNormalization) may change: nothing is pinned for it. */
  readonly shrinkNorms: boolean;
  /** Null also when the rank is unknown. */
  shape(value: Value | null | undefined): Shape | null;
  /** Elements of a small tensor as far as they follow from shapes. */
  data(value: Value | null | undefined): Data | null;
  /** Index i of one axis goes with index j of another. */
  link(a: Value, axisA: number, indexA: number, b: Value, axisB: number, indexB: number): void;
  /** Index for index. */
  same(a: Value, axisA: number, b: Value, axisB: number): void;
  /** Nothing of the axis (or not this index) can be removed. */
  pin(value: Value | null | undefined, axis: number, reason: string, index?: number): void;
  pinAll(value: Value | null | undefined, reason: string): void;
  role(value: Value | null | undefined, axis: number, role: Role): void;
  kind(value: Value, axis: number, kind: UnitKind): void;
  /** Axes that a reshape joins into one, or that it splits. */
  merge(whole: AxisPlace, parts: readonly AxisPlace[], isSplit: boolean): void;
  /** Called when indices have been chosen and before anything has changed: rewrites attributes and small constants. */
  onShrink(edit: (kept: Kept) => void): void;
}

/** What stays of the axes. */
export interface Kept {
  changed(value: Value, axis: number): boolean;
  changedAny(value: Value): boolean;
  /** Size after removal; a symbol stays what it is. */
  size(value: Value, axis: number): Dim;
  /** Indices that stay, ascending; null where nothing is removed. */
  indices(value: Value, axis: number): readonly number[] | null;
}

export type ChannelRule = (c: LinkContext) => void;
export type ChannelTable = Readonly<Record<string, ChannelRule>>;

/** How many of the indices [from, to) stay. */
export function keptWithin(kept: Kept, value: Value, axis: number, from: number, to: number): number {
  const indices = kept.indices(value, axis);
  return indices ? indices.filter((i) => i >= from && i < to).length : to - from;
}

/** Same rank: each axis with its like. */
export function sameAxes(c: LinkContext, a: Value | null | undefined, b: Value | null | undefined): void {
  const [x, y] = [c.shape(a), c.shape(b)];
  if (!a || !b) return;
  if (!x || !y || x.length !== y.length) {
    c.pinAll(a, 'shape-unknown');
    c.pinAll(b, 'shape-unknown');
    return;
  }
  for (let axis = 0; axis < x.length; axis++) c.same(a, axis, b, axis);
}

/** Numpy's broadcasting of `input` to `output`: axes aligned at the end, an axis of 1 goes with nothing. */
export function broadcastAxes(
  c: LinkContext,
  input: Value | null | undefined,
  output: Value | null | undefined,
): void {
  const [x, y] = [c.shape(input), c.shape(output)];
  if (!input || !output) return;
  if (!x || !y || x.length > y.length) {
    c.pinAll(input, 'shape-unknown');
    c.pinAll(output, 'shape-unknown');
    return;
  }
  x.forEach((size, i) => {
    const axis = i + y.length - x.length;
    if (size !== 1 || y[axis] === 1) c.same(input, i, output, axis);
  });
}

export const normal = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** Everything that the node touches stays as it is. */
export function pinNode(c: LinkContext, reason: string): void {
  for (const v of [...c.node.inputs, ...c.node.outputs]) c.pinAll(v, reason);
}
