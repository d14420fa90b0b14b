/** Convolutions and matrix products that an optimiser joined with what stands around them. Sources: onnxruntime's
 *  ContribOperators.md, and its kernels for the order in which they compute. */
import { floatAttribute, intAttribute, ints, textAttribute } from '../../ir/attribute.ts';
import { constantOf, dtypeOf, type Node, type Value } from '../../ir/model.ts';
import { numbers, scalar } from '../../ir/tensor.ts';
import { rankOf } from '../arguments.ts';
import { type Emit, skip } from '../rule.ts';
import { activated, emitActivation } from './activation.ts';
import { type Apart, type FusedOperators, unknownActivation, without } from './apart.ts';

/** y = activation(Conv(x, w, b) + z). */
const conv: Apart = (node, emit) => {
  const [x = null, w = null, b = null, z = null] = node.inputs;
  const attributes = without(node, 'activation', 'activation_params');
  const product = emit('Conv', [x, w, b], { attributes });
  return activated(node, emit, z ? emit('Add', [product, z]) : product) ?? unknownActivation(node);
};

/** y = activation(Gemm(a, b, c)); the activation's parameters are attributes called activation_alpha and so on. */
const gemm: Apart = (node, emit) => {
  const own = [...node.attributes.keys()].filter((k) => k.startsWith('activation'));
  const parameters = Object.fromEntries(
    own.map((k) => [k.slice('activation_'.length), floatAttribute(node, k, 0)]),
  );
  const name = textAttribute(node, 'activation', '');
  const product = emit('Gemm', node.inputs, { attributes: without(node, ...own) });
  return (
    emitActivation(emit, product, { name, parameters, dtype: dtypeOf(node.inputs[0]) ?? 'float32' }) ??
    unknownActivation(node)
  );
};

/** y = α·A'·B': transBatch moves the leading axis to the place before the last, trans then swaps the last two. */
const matMul: Apart = (node, emit) => {
  const [a, b] = [arranged(node, 0, 'A', emit), arranged(node, 1, 'B', emit)];
  if (!a || !b) return skip('input-rank-unknown');
  const product = emit('MatMul', [a, b]);
  const alpha = floatAttribute(node, 'alpha', 1);
  if (alpha === 1) return product;
  return emit('Mul', [product, scalar(dtypeOf(node.inputs[0]) ?? 'float32', alpha)]);
};

/** An operand as MatMul takes it; null where that needs a rank that isn't known. */
function arranged(node: Node, index: number, which: 'A' | 'B', emit: Emit): Value | null {
  const value = node.inputs[index] as Value;
  const swaps = intAttribute(node, `trans${which}`, 0) !== 0;
  const moves = intAttribute(node, `transBatch${which}`, 0) !== 0;
  if (!swaps && !moves) return value;
  const rank = rankOf(value);
  if (rank === null) return null;
  const axes = Array.from({ length: rank }, (_, i) => i);
  const moved = moves && rank > 2 ? [...axes.slice(1, -1), 0, rank - 1] : axes;
  const perm =
    swaps && rank > 1 ? [...moved.slice(0, -2), moved.at(-1) as number, moved.at(-2) as number] : moved;
  return perm.every((p, i) => p === i) ? value : emit('Transpose', [value], { attributes: { perm } });
}

/** y = FastGelu(x·w, b). */
const gemmFastGelu: Apart = (node, emit) => {
  const [x = null, w = null, b = null] = node.inputs;
  return emit('FastGelu', [emit('MatMul', [x, w]), b], { domain: node.domain });
};

/** ConvTranspose whose pads are an input. */
const dynamicPads: Apart = (node, emit) => {
  const [x = null, w = null, pads = null, b = null] = node.inputs;
  const tensor = constantOf(pads);
  if (pads && !tensor) return skip('pads-computed-at-run-time');
  const attributes = without(node);
  if (tensor) attributes.set('pads', ints(numbers(tensor)));
  return emit('ConvTranspose', [x, w, b], { attributes });
};

export const fusedProducts: FusedOperators = {
  'com.microsoft:FusedConv': conv,
  'com.microsoft:FusedGemm': gemm,
  'com.microsoft:FusedMatMul': matMul,
  'com.microsoft:TransposeMatMul': matMul,
  'com.microsoft:GemmFastGelu': gemmFastGelu,
  'com.microsoft:ConvTransposeWithDynamicPads': dynamicPads,
};
