/** Which initialisers are weights that training may change. A graph does not say; the place where a constant is read does. */
import { type Model, type Node, opKey, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values } from '../../model/ir/tensor.ts';

/** Inputs of an operator that hold weights. 'either' are elementwise operands, which hold a bias, a scale, a position
 *  embedding, or a mere constant. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  Einsum: [0, 1, 2],
  Gather: [0],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  RMSNormalization: [1],
  SimplifiedLayerNormalization: [1],
  PRelu: [1],
  LSTM: [1, 2, 3, 7],
  GRU: [1, 2, 3],
  RNN: [1, 2, 3],
  Concat: [0, 1, 2, 3],
  'com.microsoft:Attention': [1, 2],
  'com.microsoft:MultiHeadAttention': [3],
  'com.microsoft:SkipLayerNormalization': [2, 3, 4],
  'com.microsoft:SkipSimplifiedLayerNormalization': [2, 3],
  'com.microsoft:EmbedLayerNormalization': [2, 3, 4, 5, 6],
  'com.microsoft:BiasGelu': [1],
  'com.microsoft:FastGelu': [1],
  'com.microsoft:FusedConv': [1, 2],
  'com.microsoft:FusedGemm': [0, 1, 2],
  'com.microsoft:FusedMatMul': [0, 1],
};

const elementwise = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** A weight behind one of these is still the weight. */
const transparent = new Set([
  ...['Identity', 'Transpose', 'Reshape', 'Unsqueeze', 'Squeeze', 'Expand', 'Tile', 'Slice', 'Split', 'Cast'],
  ...['QuantizeLinear', 'DequantizeLinear'],
]);

export interface ParameterChoice {
  /** Names or * patterns of initialisers that stay as they are. */
  readonly freeze?: readonly string[];
  /** Initialisers to train besides those found, such as the scales of quantised training. */
  readonly also?: readonly string[];
}

/** Float32 initialisers that are read as weights, in graph order. Left out: scalars, running statistics, masks (values beyond
 *  ±10 000), constants applied to a graph input (preprocessing), and what `freeze` names. */
export function trainableParameters(model: Model, choice: ParameterChoice = {}): Value[] {
  const inputs = new Set(model.graph.inputs);
  const frozen = (choice.freeze ?? []).map(pattern);
  const also = new Set(choice.also);
  return [...model.graph.initializers].filter((v) => {
    if (v.constant?.dtype !== 'float32' || frozen.some((p) => p.test(v.name))) return false;
    if (also.has(v.name)) return true;
    return elementCount(v.constant.dims) > 1 && isWeight(v, inputs) && !isMask(v);
  });
}

const pattern = (text: string) =>
  new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

function isWeight(v: Value, inputs: ReadonlySet<Value>): boolean {
  return v.uses.some(
    ({ node, index }) => node !== undefined && node !== null && readsWeight(node, index, inputs),
  );
}

function readsWeight(node: Node, index: number, inputs: ReadonlySet<Value>): boolean {
  const key = opKey(node);
  if (weightInputs[key]?.includes(index)) return true;
  if (elementwise.has(key)) {
    const other = node.inputs[1 - index];
    return other != null && !inputs.has(other);
  }
  if (!transparent.has(key) || index !== 0) return false;
  return node.outputs.some((out) => out && isWeight(out, inputs));
}

function isMask(v: Value): boolean {
  if ((shapeOf(v)?.length ?? 0) < 2) return false;
  return v.constant ? float32Values(v.constant).some((x) => !(Math.abs(x) < 1e4)) : false;
}
