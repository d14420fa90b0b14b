/** Joins a convolution or product with the bias and the activation behind it, as Google's converter does: one kernel
 *  instead of three.
 *  Source: tensorflow/core/grappler/optimizers/remapper.cc; what TensorFlow.js takes: its convolution_executor.ts. */
import type { Ref, TfAttribute, TfNode } from './graph.ts';

const fusedOps: Readonly<Record<string, string>> = {
  Conv2D: '_FusedConv2D',
  DepthwiseConv2dNative: 'FusedDepthwiseConv2dNative',
  MatMul: '_FusedMatMul',
};

/** LeakyRelu is left out for depthwise convolutions, whose executor doesn't hand its slope on. */
const activations = new Set(['Relu', 'Relu6', 'Elu', 'Sigmoid', 'Prelu', 'LeakyRelu']);

/** @param outputs  results that must stay @returns the nodes that are left */
export function fuseNodes(nodes: readonly TfNode[], outputs: readonly Ref[]): TfNode[] {
  const readers = readersOf(nodes);
  const kept = new Set(outputs.map(({ node }) => node));
  const gone = new Set<TfNode>();
  const only = (node: TfNode): TfNode | null => {
    const all = readers.get(node) ?? [];
    return all.length === 1 && !kept.has(node) ? all[0]! : null;
  };
  for (const node of nodes) {
    const fused = fusedOps[node.op];
    if (!fused || gone.has(node)) continue;
    const bias = only(node);
    if (bias?.op !== 'BiasAdd' || bias.inputs[0]!.node !== node) continue;
    const after = only(bias);
    const activation = after && fits(fused, bias, after) ? after : null;
    join(activation ?? bias, node, bias, activation, fused);
    gone.add(node);
    if (activation) gone.add(bias);
  }
  return nodes.filter((node) => !gone.has(node));
}

function readersOf(nodes: readonly TfNode[]): Map<TfNode, TfNode[]> {
  const readers = new Map<TfNode, TfNode[]>();
  for (const node of nodes)
    for (const { node: read } of node.inputs) readers.set(read, [...(readers.get(read) ?? []), node]);
  return readers;
}

function fits(fused: string, bias: TfNode, after: TfNode): boolean {
  if (!activations.has(after.op) || after.inputs[0]!.node !== bias) return false;
  if (after.op === 'Prelu') return after.inputs[1]!.node.op === 'Const' && fused !== '_FusedMatMul';
  return after.op !== 'LeakyRelu' || fused !== 'FusedDepthwiseConv2dNative';
}

/** The last of them becomes the fused node: who reads it needn't know. */
function join(last: TfNode, node: TfNode, bias: TfNode, activation: TfNode | null, fused: string): void {
  const slope = activation?.op === 'Prelu' ? [activation.inputs[1]!] : [];
  const alpha = activation?.attributes['alpha'];
  const attributes: Record<string, TfAttribute> = {
    ...node.attributes,
    fused_ops: { texts: ['BiasAdd', ...(activation ? [activation.op] : [])] },
    num_args: { int: 1 + slope.length },
    epsilon: { float: 0 },
    ...(alpha ? { leakyrelu_alpha: alpha } : {}),
  };
  last.op = fused;
  last.inputs = [...node.inputs, bias.inputs[1]!, ...slope];
  last.attributes = attributes;
}
