/** Adds to the bias of a layer whose weight is stored in integers, in whichever form the bias is there. */
import { floatAttribute } from '../../model/ir/attribute.ts';
import { addInitializer, setInput } from '../../model/ir/edit.ts';
import { constantOf, isOp, type Node, readers, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf, typedArray } from '../../model/ir/tensor.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';
import { storedBias } from './bias.ts';
import { guardSteps } from './guard.ts';
import { insertWeightDequantize, noteStored, storedNote } from './insert.ts';

/** A bias as a node reads it. */
interface Place {
  readonly node: Node;
  readonly index: number;
}

/** Where what is added to a product's answer stands: its own input, or the constant of an Add behind it that alone reads it.
 *  @returns why there is none */
export function biasPlace({ node, bias }: NodeWeight): Place | string {
  if (isOp(node, 'Gemm') && floatAttribute(node, 'beta', 1) !== 1) return 'gemm-beta-not-1';
  if (bias !== null) return { node, index: bias };
  const output = node.outputs[0]!;
  const [add] = readers(output);
  if (output.uses.length !== 1 || !isOp(add, 'Add')) return 'no-bias-behind-it';
  const index = add.inputs[0] === output ? 1 : 0;
  return constantOf(add.inputs[index]) ? { node: add, index } : 'no-bias-behind-it';
}

/** @param shift  float32 [channels]
 *  @returns why it can't be added; null where it was */
export function addToBias(product: NodeWeight, shift: Float32Array): string | null {
  const place = biasPlace(product);
  if (typeof place === 'string') return place;
  const { node, index } = place;
  const value = node.inputs[index] ?? null;
  if (!value) return addNew(product, place, shift);
  const own = constantOf(value);
  if (own) {
    if (own.dtype !== 'float32') return `bias-is-${own.dtype}`;
    const sum = summed(own, shift);
    if (!sum) return 'bias-not-per-channel';
    setInput(node, index, addInitializer(node.graph, `${value.name}/shifted`, sum));
    return null;
  }
  return addToStored(value, shift);
}

/** A bias in int32 behind a DequantizeLinear. */
function addToStored(value: Value, shift: Float32Array): string | null {
  const dq = value.producer;
  const note = dq && storedNote(dq);
  const [steps, step] = [constantOf(dq?.inputs[0]), constantOf(dq?.inputs[1])];
  if (!dq || !note || !steps || !step) return 'bias-computed-at-run-time';
  const put = (index: number, tensor: Tensor) =>
    setInput(dq, index, addInitializer(dq.graph, dq.inputs[index]!.name, tensor));
  const [ints, scales] = [typedArray(steps) as Int32Array, float32Values(step)];
  if (ints.length !== shift.length) return 'bias-not-per-channel';
  const scaleOf = (i: number) => scales[scales.length > 1 ? i : 0]!;
  if (note.kind === 'guard') {
    const values = Float32Array.from(shift, (s, i) => s + ints[i]! * scaleOf(i));
    const made = guardSteps(values, steps.dims);
    put(0, made.steps);
    put(1, made.step);
    return null;
  }
  const sums = Array.from(shift, (s, i) => ints[i]! + Math.round(s / scaleOf(i)));
  if (sums.some((s) => Math.abs(s) >= 2 ** 31)) return 'bias-too-large';
  put(0, tensorOf('int32', steps.dims, sums));
  return null;
}

function addNew({ node, index: at }: NodeWeight, { index }: Place, shift: Float32Array): null {
  const { graph } = node;
  const name = `${node.name || node.outputs[0]!.name}/bias`;
  setInput(node, index, addInitializer(graph, name, tensorOf('float32', [shift.length], shift)));
  const [input, weight] = [node.inputs[0]!.producer, node.inputs[at]!.producer];
  const inputScale = isOp(input, 'DequantizeLinear') ? constantOf(input.inputs[1]) : null;
  const weightScale = isOp(weight, 'DequantizeLinear') ? constantOf(weight.inputs[1]) : null;
  // Integer kernels take integers only; what expands its weight takes floats.
  if (!inputScale || !weightScale) return null;
  const made = storedBias(shift, float32Values(inputScale)[0]!, float32Values(weightScale));
  const quantized = addInitializer(graph, `${name}/quantized`, made.quantized);
  const stored = { quantized, scale: addInitializer(graph, `${name}/scale`, made.scale), zeroPoint: null };
  const dq = insertWeightDequantize(node, index, stored, elementCount(made.scale.dims) > 1 ? 0 : null);
  noteStored(dq, { kind: 'bias', of: null });
  return null;
}

/** A bias of as many elements as channels, channels last; null for others. */
function summed(bias: Tensor, shift: Float32Array): Tensor | null {
  const { dims } = bias;
  if (elementCount(dims) !== shift.length || (shift.length > 1 && dims.at(-1) !== shift.length)) return null;
  const values = float32Values(bias);
  return tensorOf(
    'float32',
    dims,
    values.map((b, i) => b + shift[i]!),
  );
}
