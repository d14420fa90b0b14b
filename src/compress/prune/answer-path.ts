/** Where a layer's answer goes before anything but fixed scales and shifts meets it: into a bias, a BatchNormalization, a
 *  residual stream. */
import { floatAttribute, intAttribute } from '../../model/ir/attribute.ts';
import { addInitializer, removeInitializer, setConstant, setInput } from '../../model/ir/edit.ts';
import { constantOf, isGraphOutput, isOp, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { matrixOf } from '../../model/ops/weights.ts';

/** The other side of the addition by which an answer joins a residual stream. */
interface Branch {
  /** What the answer is added to. */
  readonly stream: Value;
  /** What a channel of the answer is multiplied with on the way there; null: 1. */
  readonly scale: Float64Array | null;
}

/** @param answer  of a layer @param axis  its channel axis @returns null where it joins none */
export function branchOf(answer: Value, axis: number): Branch | null {
  let scale: Float64Array | null = null;
  for (let value = answer; ; ) {
    const step = onlyReader(value);
    if (!step) return null;
    const { node, index } = step;
    const [next] = node.outputs;
    if (!next) return null;
    if (isOp(node, 'BatchNormalization') && index === 0 && axis === 1) {
      const factor = factorOf(node);
      if (!factor || scale) return null;
      scale = factor;
    } else if (isOp(node, 'Add')) {
      const other = node.inputs[1 - index];
      if (!other) return null;
      if (!other.constant) return sameShape(other, value) ? { stream: other, scale } : null;
    } else if (!isOp(node, 'Identity', 'Dropout')) return null;
    value = next;
  }
}

function sameShape(a: Value, b: Value): boolean {
  const [x, y] = [shapeOf(a), shapeOf(b)];
  return x !== null && y !== null && x.length === y.length && x.every((d, i) => d === y[i]);
}

/** Where a constant for every channel of a layer's answer can go. */
interface Intercept {
  /** What the layer itself adds already; null: nothing. */
  readonly own: Float64Array | null;
  /** @param shift  goes on top of what is there */
  add(shift: Float64Array): void;
}

/** The layer's bias, the mean of a BatchNormalization or an addition behind it; a convolution or Gemm that has none of these
 *  gets a bias. Null where there is no place. @param rows  channels of the answer */
export function interceptOf(node: Node, rows: number): Intercept | null {
  const [answer] = node.outputs;
  const place = matrixOf(node)?.bias ?? null;
  if (place === null) return behind(answer, rows);
  const bias = node.inputs[place];
  if (!bias) return behind(answer, rows) ?? { own: null, add: (shift) => setBias(node, place, shift) };
  const tensor = constantOf(bias);
  if (!tensor || !isByChannel(tensor, rows)) return null;
  const own = Float64Array.from(float32Values(tensor));
  return {
    own,
    add: (shift) =>
      setBias(
        node,
        place,
        shift.map((v, i) => v + own[i]!),
      ),
  };
}

/** A bias of its own: another node may read the one that was there. */
function setBias(node: Node, place: number, values: Float64Array): void {
  const old = node.inputs[place];
  const name = old?.name ?? `${node.name || node.opType}/bias`;
  setInput(node, place, addInitializer(node.graph, name, tensorOf('float32', [values.length], values)));
  if (old && old.uses.length === 0) removeInitializer(node.graph, old);
}

function behind(answer: Value | null | undefined, rows: number): Intercept | null {
  const step = answer ? onlyReader(answer) : null;
  if (!step) return null;
  const { node, index } = step;
  const channelsFirst =
    answer?.producer != null && matrixOf(answer.producer)?.layout?.kernel === 'channels-first';
  // γ·(y + b − μ)/σ + β: a smaller mean is a larger answer.
  if (isOp(node, 'BatchNormalization') && index === 0 && !intAttribute(node, 'training_mode', 0))
    return channelsFirst || shapeOf(answer)?.length === 2 ? adder(node.inputs[3], rows, -1) : null;
  // A vector is added along the last axis.
  return isOp(node, 'Add') && !channelsFirst ? adder(node.inputs[1 - index], rows, 1) : null;
}

/** Values along the last axis, one for each channel. */
export const isByChannel = (tensor: Tensor | null, rows: number): boolean =>
  tensor !== null && elementCount(tensor.dims) === rows && (tensor.dims.at(-1) ?? 1) === rows;

function adder(value: Value | null | undefined, rows: number, sign: 1 | -1): Intercept | null {
  const tensor = constantOf(value);
  if (!value || !tensor || value.uses.length !== 1 || tensor.dtype !== 'float32') return null;
  if (!isByChannel(tensor, rows)) return null;
  const moved = (shift: Float64Array) => float32Values(tensor).map((v, i) => v + sign * shift[i]!);
  return { own: null, add: (shift) => setConstant(value, tensorOf('float32', tensor.dims, moved(shift))) };
}

/** γ/√(variance + ε) of a BatchNormalization. */
function factorOf(node: Node): Float64Array | null {
  const [gamma, , , variance] = node.inputs.slice(1).map((v) => v?.constant);
  if (!gamma || !variance || intAttribute(node, 'training_mode', 0)) return null;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const spread = float32Values(variance);
  return Float64Array.from(float32Values(gamma), (g, i) => g / Math.sqrt(spread[i]! + epsilon));
}

function onlyReader(value: Value): { node: Node; index: number } | null {
  const [use] = value.uses;
  return value.uses.length === 1 && use?.node && !isGraphOutput(value)
    ? { node: use.node, index: use.index }
    : null;
}
