/** Two layers, one of which reads the other's channels through nothing but what scales along with them: a positive factor on a channel can
 *  move from one layer's weights to the other's. */
import { floatAttribute, intAttribute } from '../../model/ir/attribute.ts';
import { constantOf, isOp, type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { clampInterval } from '../../model/ops/quantization.ts';

export interface LayerPair {
  readonly first: Node;
  readonly second: Node;
  /** Channels between them. */
  readonly channels: number;
  /** Elements of a channel that the second reads as inputs of their own, behind a Flatten. */
  readonly repeat: number;
  /** What the first's channels are when the second reads them. */
  readonly between: Value;
  /** Values that must not reach an upper bound, with the bound. */
  readonly bounds: readonly { readonly value: Value; readonly most: number }[];
}

/** Pairs in the order of the graph, and layers that almost are, with the reason. */
export function layerPairs(model: Model): { pairs: LayerPair[]; left: { node: Node; reason: string }[] } {
  const pairs: LayerPair[] = [];
  const left: { node: Node; reason: string }[] = [];
  for (const first of model.graph.nodes) {
    if (!isOp(first, 'Conv', 'Gemm') || !constantOf(first.inputs[1])) continue;
    const found = pairFrom(first);
    if (typeof found === 'string') left.push({ node: first, reason: found });
    else if (found) pairs.push(found);
  }
  return { pairs, left };
}

/** @returns null where what follows is no such layer, a reason where one follows that can't be one of a pair */
function pairFrom(first: Node): LayerPair | string | null {
  const bounds: { value: Value; most: number }[] = [];
  let repeat = 1;
  let between = first.outputs[0]!;
  for (;;) {
    const use = between.uses[0];
    if (between.uses.length !== 1 || !use?.node || use.index !== 0) return null;
    const { node } = use;
    if (isOp(node, 'Conv', 'Gemm') && constantOf(node.inputs[1])) {
      const obstacle = weightObstacle(first) ?? weightObstacle(node);
      if (obstacle) return obstacle;
      const channels = outputChannels(first);
      const fits = inputsOf(node) === channels * repeat;
      return fits ? { first, second: node, channels, repeat, between, bounds } : 'channels-do-not-match';
    }
    const clamp = isOp(node, 'Clip') ? clampInterval(node) : null;
    if (clamp) {
      if (clamp[0] !== 0) return null;
      if (Number.isFinite(clamp[1])) bounds.push({ value: node.outputs[0]!, most: clamp[1] });
    } else if (isOp(node, 'Flatten')) {
      const dims = shapeOf(between);
      const size = dims?.slice(2).reduce<number>((n, d) => n * (typeof d === 'number' ? d : Number.NaN), 1);
      if (intAttribute(node, 'axis', 1) !== 1 || size === undefined || !Number.isFinite(size)) return null;
      repeat *= size;
    } else if (!isHomogeneous(node)) return null;
    between = node.outputs[0]!;
  }
}

/** f(s·x) = s·f(x) for s > 0, each channel by itself. */
function isHomogeneous(node: Node): boolean {
  if (isOp(node, 'MaxPool')) return !node.outputs[1];
  if (isOp(node, 'LeakyRelu')) return floatAttribute(node, 'alpha', 0.01) >= 0;
  return isOp(node, 'Relu', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'Identity');
}

function weightObstacle(node: Node): string | null {
  const [, weight, bias] = node.inputs;
  const own = constantOf(weight);
  if (own?.dtype !== 'float32') return `weight-is-${own?.dtype}`;
  if (weight!.uses.length > 1) return 'weight-shared';
  if (bias && constantOf(bias)?.dtype !== 'float32') return 'bias-computed-at-run-time';
  if (isOp(node, 'Gemm') && floatAttribute(node, 'beta', 1) !== 1) return 'gemm-beta-not-1';
  if (isOp(node, 'Gemm') && intAttribute(node, 'transA', 0) !== 0) return 'gemm-transposes-input';
  const channels = outputChannels(node);
  return bias && elementCount(constantOf(bias)!.dims) !== channels ? 'bias-not-per-channel' : null;
}

const weightOf = (node: Node): Tensor => constantOf(node.inputs[1])!;

const isTurned = (node: Node): boolean => isOp(node, 'Gemm') && intAttribute(node, 'transB', 0) === 0;

export const outputChannels = (node: Node): number => weightOf(node).dims[isTurned(node) ? 1 : 0]!;

const inputsOf = (node: Node): number =>
  isTurned(node) ? weightOf(node).dims[0]! : weightOf(node).dims[1]! * intAttribute(node, 'group', 1);

/** For each element of a layer's weight, its output channel and the input that it is multiplied with.
 *  Conv [out, in/group, …k], Gemm [in, out] or, with transB, [out, in]. */
export function weightChannels(node: Node): { output: (i: number) => number; input: (i: number) => number } {
  const { dims } = weightOf(node);
  const [rows, columns] = dims as [number, number];
  const inner = elementCount(dims.slice(2));
  const row = (i: number) => Math.floor(i / (columns * inner));
  const column = (i: number) => Math.floor(i / inner) % columns;
  if (isTurned(node)) return { output: column, input: row };
  const perGroup = rows / intAttribute(node, 'group', 1);
  return { output: row, input: (i) => Math.floor(row(i) / perGroup) * columns + column(i) };
}
