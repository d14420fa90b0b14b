/** Multiply–accumulates of operators. Element-wise work, pooling, normalisation and data movement count 0: it is memory
 *  traffic, not arithmetic, that they cost. A bias addition is no multiply–accumulate either. */

import { own } from '../../support/own.ts';
import { intAttribute, intsAttribute, subgraphs, textAttribute } from '../ir/attribute.ts';
import { constantOf, type Graph, type Model, type Node, opKey, shapeOf } from '../ir/model.ts';
import { numbers } from '../ir/tensor.ts';
import type { Dim, Shape } from '../ir/type.ts';
import { type Bindings, evaluate, symbolsOf } from './dims.ts';
import { rulesOf } from './operators.ts';
import { einsumSizes } from './shapes/matrix.ts';
import { isKnownOp, named } from './shapes.ts';
import type { CostRule } from './types.ts';
import { matrixOf } from './weights.ts';

const input = (node: Node, i: number): Shape | null => shapeOf(node.inputs[i]);
const output = (node: Node, i = 0): Shape | null => shapeOf(node.outputs[i]);
const count = (shape: Shape, size: (d: Dim | undefined) => number) =>
  shape.reduce<number>((n, d) => n * size(d), 1);

/** Every output element sums over the weight's input channels and kernel. */
const conv: CostRule = (node, size) => {
  const [out, weight] = [output(node), input(node, matrixOf(node)?.index ?? 1)];
  return out && weight && count(out, size) * count(weight.slice(1), size);
};

/** Every input element is spread over the weight's output channels and kernel. */
const convTranspose: CostRule = (node, size) => {
  const [x, weight] = [input(node, 0), input(node, 1)];
  return x && weight && count(x, size) * count(weight.slice(1), size);
};

/** Output elements times the summed axis, the last of A (the last but one when transposed, the first where transBatchA
 *  moved that one there). */
const matMul: CostRule = (node, size) => {
  const [a, out] = [input(node, 0), output(node)];
  if (!a || !out) return null;
  const transposed = intAttribute(node, 'transA', 0) !== 0 && a.length > 1;
  const batched = transposed && intAttribute(node, 'transBatchA', 0) !== 0 && a.length > 2;
  return count(out, size) * size(batched ? a[0] : a[a.length - (transposed ? 2 : 1)]);
};

const matMulNBits: CostRule = (node, size) => {
  const out = output(node);
  return out && count(out, size) * intAttribute(node, 'K', 1);
};

/** The product of the sizes of all letters, for two operands or more. */
const einsum: CostRule = (node, size) => {
  const shapes = node.inputs.map((_, i) => input(node, i));
  if (shapes.some((s) => s === null)) return null;
  if (shapes.length < 2) return 0;
  const { sizes } = einsumSizes(textAttribute(node, 'equation', ''), shapes as Shape[]);
  return [...sizes.values()].reduce<number>((n, d) => n * size(d), 1);
};

/** T·B·D·gates·H·(I + H), with T·B from X [T, B, I] in either layout. */
const recurrent =
  (gates: number): CostRule =>
  (node, size) => {
    const [x, r] = [input(node, 0), input(node, 2)];
    // R is [D, gates·H, H]; DynamicQuantizeLSTM stores it transposed, [D, H, gates·H].
    const hidden = intAttribute(node, 'hidden_size') ?? (r ? size(r[node.domain === '' ? 2 : 1]) : undefined);
    if (!x || hidden === undefined) return null;
    const directions = textAttribute(node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
    return size(x[0]) * size(x[1]) * directions * gates * hidden * (size(x[2]) + hidden);
  };

/** Q·Kᵀ and scores·V: B·N·S·T·(H + Hv), from shapes [B, N, T, H] of present key and value or of K and V. */
const attention: CostRule = (node, size) => {
  const [q, k, v] = [input(node, 0), input(node, 1), input(node, 2)];
  // Packed [B, S, N, 3, H].
  if (q?.length === 5) return size(q[0]) * size(q[2]) * size(q[1]) ** 2 * 2 * size(q[4]);
  if (!q || !k || !v) return null;
  const heads = intAttribute(node, 'q_num_heads') ?? intAttribute(node, 'num_heads');
  const kvHeads = intAttribute(node, 'kv_num_heads') ?? heads ?? 1;
  const packed = q.length === 3;
  const n = packed ? (heads ?? 1) : size(q[1]);
  const length = packed ? size(q[1]) : size(q[2]);
  const each = (s: Shape) => (s.length === 3 ? size(s[2]) / kvHeads : size(s[3]));
  const past = shapeOf(node.inputs[opKey(node) === 'Attention' ? 4 : 6]);
  const total = (k.length === 3 ? size(k[1]) : size(k[2])) + (past ? size(past[2]) : 0);
  const keySize = packed && heads ? size(q[2]) / heads : each(k);
  return size(q[0]) * n * length * total * (keySize + each(v));
};

/** Projection B·S·D·(Dq + Dk + Dv) and B·S·T·(Dk + Dv). */
const packedAttention: CostRule = (node, size) => {
  const [x, w, out] = [input(node, 0), input(node, 1), output(node)];
  if (!x || !w || !out) return null;
  const keys = intsAttribute(node, 'qkv_hidden_sizes')?.[1] ?? size(w[1]) / 3;
  const past = shapeOf(node.inputs[opKey(node) === 'com.microsoft:QAttention' ? 8 : 4]);
  const total = size(x[1]) + (past ? size(past[3]) : 0);
  return size(x[0]) * size(x[1]) * (size(x[2]) * size(w[1]) + total * (keys + size(out[2])));
};

/** B·S·T·2·(N·H); T from the present key. */
const groupQueryAttention: CostRule = (node, size) => {
  const [out, key] = [output(node), output(node, 1)];
  return out && count(out, size) * 2 * (key ? size(key[2]) : size(out[1]));
};

/** The state [dk, dv] of every head is updated and read at each step. */
const linearAttention: CostRule = (node, size) => {
  const [out, state] = [output(node), output(node, 1)];
  return out && state && count(out, size) * size(state[2]) * 2;
};

export const costRules: Readonly<Record<string, CostRule>> = {
  ...rulesOf('cost'),
  Attention: attention,
  CausalConvWithState: conv,
  Conv: conv,
  ConvInteger: conv,
  ConvTranspose: convTranspose,
  DeformConv: conv,
  Einsum: einsum,
  Gemm: matMul,
  GRU: recurrent(3),
  LinearAttention: linearAttention,
  LSTM: recurrent(4),
  MatMul: matMul,
  MatMulInteger: matMul,
  QLinearConv: conv,
  QLinearMatMul: matMul,
  RNN: recurrent(1),
  'com.microsoft:Attention': packedAttention,
  'com.microsoft:DynamicQuantizeLSTM': recurrent(4),
  'com.microsoft:DynamicQuantizeMatMul': matMul,
  'com.microsoft:FusedConv': conv,
  'com.microsoft:FusedGemm': matMul,
  'com.microsoft:FusedMatMul': matMul,
  'com.microsoft:FusedMatMulActivation': matMul,
  'com.microsoft:GroupQueryAttention': groupQueryAttention,
  'com.microsoft:MatMulBnb4': matMulNBits,
  'com.microsoft:MatMulInteger16': matMul,
  'com.microsoft:MatMulIntegerToFloat': matMul,
  'com.microsoft:MatMulNBits': matMulNBits,
  'com.microsoft:MultiHeadAttention': attention,
  'com.microsoft:NhwcConv': conv,
  'com.microsoft:NhwcFusedConv': conv,
  'com.microsoft:QAttention': packedAttention,
  'com.microsoft:QGemm': matMul,
  'com.microsoft:QLinearConv': conv,
  'com.microsoft:TransposeMatMul': matMul,
  'com.ms.internal.nhwc:Conv': conv,
  'com.ms.internal.nhwc:ConvTranspose': convTranspose,
  'com.ms.internal.nhwc:QLinearConv': conv,
};

/** Multiply–accumulates of one run of the node, from the types that shape inference wrote. Symbols take their value
 *  from `bindings`, 1 where they have none. Nodes with subgraphs count 0 themselves; see modelMacs.
 *  @param onSize  called for each size that isn't a number
 *  @returns null when the operator is unknown or a rank that is needed is */
export function nodeMacs(
  node: Node,
  bindings: Bindings = {},
  onSize: (size: Dim) => void = () => {},
): number | null {
  const rule = own(costRules, opKey(node));
  if (!rule) return isKnownOp(opKey(node)) ? 0 : null;
  return rule(node, (d) => {
    if (d !== undefined && typeof d !== 'number') onSize(d);
    return sizeOf(d, bindings);
  });
}

function sizeOf(d: Dim | undefined, bindings: Bindings): number {
  if (typeof d === 'number') return d;
  if (d == null) return 1;
  const ones = Object.fromEntries(symbolsOf(d).map((s) => [s, 1]));
  return Math.max(0, evaluate(d, { ...ones, ...bindings }) ?? 1);
}

interface ModelMacs {
  readonly macs: number;
  readonly byNode: ReadonlyMap<Node, number>;
  /** Nodes that could not be counted. */
  readonly unknown: readonly Node[];
  /** Symbols of the model's inputs that had no binding and were taken as 1. */
  readonly assumed: readonly string[];
  /** Whether a size or a number of rounds that depends on data was taken as 1. */
  readonly onData: boolean;
}

/** Multiply–accumulates of one inference. Of an If the costlier branch counts; the body of a Loop counts as often as its
 *  constant trip count says (once when that is not constant), that of a Scan once for each step.
 *  @param bindings  sizes for symbolic dimensions, for example { batch: 1, seq: 128 }; others are 1 */
export function modelMacs(model: Model, bindings: Bindings = {}): ModelMacs {
  const byNode = new Map<Node, number>();
  const unknown: Node[] = [];
  const open = new Set<Dim>();
  const macs = graphMacs(model.graph, { bindings, byNode, unknown, onSize: (d) => void open.add(d) });
  const symbols = model.graph.inputs.flatMap((v) => {
    const type = v.constant ? null : named(v.type, v);
    return type?.kind === 'tensor' ? (type.shape ?? []).flatMap(symbolsOf) : [];
  });
  const assumed = [...new Set(symbols)].filter((s) => !Object.hasOwn(bindings, s));
  const known = new Set([...symbols, ...Object.keys(bindings)]);
  const onData = [...open].some((d) => d === null || symbolsOf(d).some((s) => !known.has(s)));
  return { macs, byNode, unknown, assumed, onData };
}

interface Counting {
  readonly bindings: Bindings;
  readonly byNode: Map<Node, number>;
  readonly unknown: Node[];
  readonly onSize: (size: Dim) => void;
}

function graphMacs(graph: Graph, counting: Counting): number {
  const { bindings, byNode, unknown, onSize } = counting;
  let total = 0;
  for (const node of graph.nodes) {
    const inner = subgraphs(node).map((g) => graphMacs(g, counting));
    const own = nodeMacs(node, bindings, onSize);
    if (own === null) unknown.push(node);
    const once = Math.max(0, ...inner);
    if (once > 0 && hasOpenCount(node)) onSize(null);
    const macs = (own ?? 0) + once * repetitions(node, bindings);
    byNode.set(node, macs);
    total += macs;
  }
  return total;
}

/** Whether data decides how often the body runs. */
const hasOpenCount = (node: Node): boolean => node.opType === 'Loop' && constantOf(node.inputs[0]) === null;

function repetitions(node: Node, bindings: Bindings): number {
  if (node.opType === 'Loop') {
    const trips = constantOf(node.inputs[0]);
    return trips ? (numbers(trips)[0] ?? 1) : 1;
  }
  if (node.opType !== 'Scan') return 1;
  const scanned = shapeOf(node.inputs[node.inputs.length - 1]);
  return scanned ? sizeOf(scanned[0], bindings) : 1;
}
