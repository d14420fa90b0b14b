/** Constants that an operator takes as numbers (bounds, axes, shapes) and not as a tensor, or computes sizes with. TensorFlow.js reads them on the CPU. Where a
 *  kernel has taken the same constant to the GPU, WebGPU would read it back in between: so no constant is both.
 *  Source: tfjs-converter/src/operations/op_list. */

import { own } from '../../../../support/own.ts';
import { addTfNode, createTfGraph, type TfNode } from './graph.ts';

/** Inputs that are numbers, by operator; −1: the last. */
const numberInputs: Readonly<Record<string, readonly number[]>> = {
  ArgMax: [1],
  ArgMin: [1],
  BroadcastTo: [1],
  ClipByValue: [1, 2],
  ConcatV2: [-1],
  Conv2DBackpropInput: [0],
  Cumprod: [1],
  Cumsum: [1],
  ExpandDims: [1],
  Fill: [0, 1],
  GatherV2: [2],
  Max: [1],
  Mean: [1],
  Min: [1],
  MirrorPad: [1],
  NonMaxSuppressionV3: [2, 3, 4],
  OneHot: [1, 2, 3],
  PadV2: [1, 2],
  Prod: [1],
  Range: [0, 1, 2],
  Reshape: [1],
  ResizeBilinear: [1],
  ResizeNearestNeighbor: [1],
  ReverseV2: [1],
  ScatterNd: [2],
  Slice: [1, 2],
  Split: [0],
  SplitV: [1, 2],
  StridedSlice: [1, 2, 3],
  Sum: [1],
  TensorListReserve: [0, 1],
  TensorListSetItem: [1],
  TensorListStack: [1],
  Tile: [1],
  TopKV2: [1],
  Transpose: [1],
};

const isNumber = ({ op, inputs }: TfNode, index: number): boolean =>
  own(numberInputs, op)?.some((i) => (i < 0 ? i + inputs.length : i) === index) ?? false;

/** Operators that WebGPU computes on the CPU where all that they read is small and there. */
const onCpu = new Set([
  ...['AddV2', 'Sub', 'Mul', 'FloorDiv', 'Maximum', 'Minimum', 'Max', 'Prod', 'Neg', 'Equal', 'NotEqual'],
  ...[
    'Less',
    'LessEqual',
    'Greater',
    'GreaterEqual',
    'ConcatV2',
    'Slice',
    'StridedSlice',
    'GatherV2',
    'Tile',
  ],
  ...['Reshape', 'ExpandDims', 'Squeeze', 'Identity', 'Range', 'Transpose'],
]);

/** Nodes that compute sizes of nothing but sizes. */
function sizeNodes(nodes: readonly TfNode[]): ReadonlySet<TfNode> {
  const found = new Set<TfNode>();
  for (const node of nodes) {
    const read = node.inputs.map((ref) => ref.node).filter((n) => !n.weight);
    const follows = read.length > 0 && onCpu.has(node.op) && read.every((n) => found.has(n));
    if (node.op === 'Shape' || follows) found.add(node);
  }
  return found;
}

/** Gives constants that are numbers here and tensors there a second node.
 *  @returns all nodes, and which constants are numbers */
export function separateArguments(nodes: readonly TfNode[]): {
  nodes: TfNode[];
  numbers: ReadonlySet<TfNode>;
} {
  const sizes = sizeNodes(nodes);
  // Counters of loops start as constants.
  const isRead = (node: TfNode, index: number) =>
    sizes.has(node) || node.op === 'StatelessWhile' || isNumber(node, index);
  const uses = nodes.flatMap((node) =>
    node.inputs.map((ref, index) => ({ constant: ref.node, isNumber: isRead(node, index) })),
  );
  const tensors = new Set(uses.flatMap((use) => (use.isNumber ? [] : [use.constant])));
  const graph = createTfGraph();
  const second = new Map<TfNode, TfNode>();
  const numbers = new Set<TfNode>();
  const numberOf = (constant: TfNode): TfNode => {
    const { op, hint, weight } = constant;
    const own = tensors.has(constant)
      ? (second.get(constant) ?? addTfNode(graph, { op, hint, inputs: [], weight: weight! }))
      : constant;
    second.set(constant, own);
    numbers.add(own);
    return own;
  };
  for (const node of nodes)
    node.inputs = node.inputs.map((ref, index) =>
      ref.node.weight && isRead(node, index) ? { ...ref, node: numberOf(ref.node) } : ref,
    );
  return { nodes: [...graph.nodes, ...nodes], numbers };
}
