/** Which operators may be computed once, when their inputs are constant. */
import { subgraphs } from '../ir/attribute.ts';
import { byteLength } from '../ir/dtype.ts';
import { constantOf, dtypeOf, type Node, opKey, shapeOf } from '../ir/model.ts';
import { elementCount, numbers, sizeBytes } from '../ir/tensor.ts';
import { isStatic } from '../ir/type.ts';
import { isKnownOp } from './shapes.ts';

/** A different result each time. */
const random = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'com.microsoft:BiasDropout',
  'com.microsoft:BitmaskDropout',
]);

/** Folding these would undo a quantisation: the float weight would be stored again. */
const quantizers = new Set([
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'QuantizeLinear',
  'com.microsoft:DequantizeLinear',
  'com.microsoft:GatherBlockQuantized',
  'com.microsoft:QuantizeLinear',
]);

/** Results that no initializer can hold. */
const notTensors = new Set([
  'Optional',
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceErase',
  'SequenceInsert',
  'SequenceMap',
  'SplitToSequence',
]);

/** Operators whose output can be larger than all their inputs together. Folding them may cost bytes on disk:
 *  see foldedGrowthBytes for what one node would cost. */
export const growingOps: ReadonlySet<string> = new Set([
  'Add',
  'AffineGrid',
  'And',
  'Cast',
  'CenterCropPad',
  'Col2Im',
  'ConstantOfShape',
  'ConvTranspose',
  'DequantizeLinear',
  'Div',
  'Einsum',
  'Equal',
  'Expand',
  'EyeLike',
  'Gather',
  'GatherElements',
  'GatherND',
  'Greater',
  'GreaterOrEqual',
  'GridSample',
  'Less',
  'LessOrEqual',
  'MatMul',
  'Max',
  'MaxUnpool',
  'Min',
  'Mod',
  'Mul',
  'OneHot',
  'Or',
  'Pad',
  'Pow',
  'Range',
  'Resize',
  'RoiAlign',
  'STFT',
  'Sub',
  'Tile',
  'Upsample',
  'Where',
  'Xor',
]);

/** Whether a node with constant inputs always gives the same tensors and does nothing else: known operators without
 *  subgraphs or randomness; no Dropout that trains. Quantise and dequantise nodes stay unless asked for. */
export function isFoldable(node: Node, options: { quantizers?: boolean } = {}): boolean {
  const key = opKey(node);
  if (!isKnownOp(key) || random.has(key) || notTensors.has(key)) return false;
  if (quantizers.has(key) && !options.quantizers) return false;
  if (key === 'Dropout' && trains(node)) return false;
  return subgraphs(node).length === 0 && ![...node.attributes.values()].some((a) => a.type === 'reference');
}

/** Input 2 from opset 12 on; before 7 an is_test attribute that must be 1. */
function trains(node: Node): boolean {
  const flag = constantOf(node.inputs[2]);
  if (node.inputs[2]) return !flag || numbers(flag)[0] !== 0;
  const test = node.attributes.get('is_test');
  return test?.type === 'int' && test.value === 0n;
}

/** Bytes that a model gains when the node is replaced by its results: the outputs, less the constant inputs that
 *  nothing else reads. Negative when it shrinks; null when an output's type is not known in numbers. */
export function foldedGrowthBytes(node: Node): number | null {
  let bytes = 0;
  for (const v of node.outputs) {
    if (!v || v.uses.length === 0) continue;
    const [dtype, shape] = [dtypeOf(v), shapeOf(v)];
    if (!dtype || !isStatic(shape)) return null;
    bytes += byteLength(dtype, elementCount(shape));
  }
  for (const v of new Set(node.inputs)) {
    const tensor = constantOf(v);
    if (tensor && v!.uses.every((u) => u.node === node)) bytes -= sizeBytes(tensor);
  }
  return bytes;
}
