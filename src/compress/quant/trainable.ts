/** A statically quantised model as one that can be trained, and back.
 *    stored:     q_w ─DQ─▶ Conv ◀─DQ─ q_b          trained:     w ─Q─DQ─▶ Conv ◀─ b
 *  Scales of weights and activations are parameters as well (LSQ, Esser et al. 2020, arXiv:1902.08153); zero points stay.
 *  `unfold` makes the second from the first, `fold` writes what was trained into the first: nodes, names and element types
 *  stay, so the result runs on the same integer kernels as without training. Layers that compute in float, and stored
 *  constants that quantize-static did not make, are left as they are. */

import { intAttribute } from '../../model/ir/attribute.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import { type DType, dtypes } from '../../model/ir/dtype.ts';
import {
  addInitializer,
  addNode,
  removeInitializer,
  removeNode,
  replaceAllUses,
  setConstant,
  setInput,
} from '../../model/ir/edit.ts';
import {
  constantOf,
  type Graph,
  isOp,
  type Model,
  type Node,
  readers,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { elementCount, float32Values, numbers, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { integerProduct } from '../../model/ops/quantization.ts';
import { smallestScales, storedBias } from './bias.ts';
import { keepPairs } from './exact-sums.ts';
import { guardSteps } from './guard.ts';
import { storedNote } from './insert.ts';

/** A scale in training. */
export interface TrainedScale {
  /** Initializer of the trainable model, float32 [] or [channels]. */
  readonly name: string;
  readonly initial: Tensor;
  /** Elements of one sample (activation) or of the weight that share one scale. */
  readonly elements: number;
  /** Levels between zero and the far end of the grid. */
  readonly levels: number;
}

export interface Trainable {
  readonly model: Model;
  readonly scales: readonly TrainedScale[];
  /** Initializers of `model` by the name that the cleaned model gives them. */
  readonly floats: ReadonlyMap<string, string>;
}

/** @param quantized  what quantize-static left; not changed
 *  @param clean  the model before it, whose float weights start the training */
export function unfold(quantized: Model, clean: Model): Trainable {
  const model = cloneModel(quantized);
  const { graph } = model;
  const originals = new Map([...clean.graph.initializers].map((v) => [v.name, v.constant as Tensor]));
  const floats = new Map<string, Value>();
  const floatValue = (name: string | null): Value | null => {
    const known = name === null ? undefined : floats.get(name);
    if (known) return known;
    const tensor = name === null ? undefined : originals.get(name);
    if (name === null || tensor?.dtype !== 'float32') return null;
    const there = [...graph.initializers].find((v) => v.name === name && v.constant === tensor);
    const value = there ?? addInitializer(graph, name, tensor);
    floats.set(name, value);
    return value;
  };
  const scales = new Map<Value, TrainedScale>();
  for (const node of [...graph.nodes]) {
    const note = storedNote(node);
    if (!note) continue;
    if (note.kind === 'activation') {
      const scale = activationScale(node);
      if (scale) scales.set(node.inputs[1]!, scale);
      continue;
    }
    const source = floatValue(note.of);
    if (!source) continue;
    if (note.kind === 'weight') scales.set(node.inputs[1]!, unfoldWeight(node, source));
    else {
      replaceAllUses(node.outputs[0]!, source);
      removeNode(node);
    }
  }
  for (const v of [...graph.initializers]) if (v.uses.length === 0) removeInitializer(graph, v);
  return {
    model,
    scales: [...scales.values()],
    floats: new Map([...floats].map(([name, v]) => [name, v.name])),
  };
}

function activationScale(quantize: Node): TrainedScale | null {
  const initial = constantOf(quantize.inputs[1]);
  const zero = constantOf(quantize.inputs[2]);
  if (!initial || !zero) return null;
  const sizes = (shapeOf(quantize.inputs[0]) ?? []).slice(1);
  return {
    name: quantize.inputs[1]!.name,
    initial,
    elements: sizes.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1),
    levels: farEnd(zero.dtype, numbers(zero)[0]!),
  };
}

/** Levels on the longer side of zero. */
const farEnd = (dtype: DType, zero: number) => Math.max(dtypes[dtype].max! - zero, zero - dtypes[dtype].min!);

function unfoldWeight(dq: Node, source: Value): TrainedScale {
  const { graph } = dq;
  const [integers, scale, zeroPoint] = dq.inputs as [Value, Value, Value];
  const { stored, cast } = storedConstant(integers);
  const initial = constantOf(scale)!;
  const { dtype } = stored.constant!;
  const zero =
    dtype === 'int4'
      ? addInitializer(graph, `${source.name}/zero`, tensorOf(dtype, initial.dims, zeros(initial)))
      : zeroPoint;
  const axis = dq.attributes.get('axis');
  const q = addNode(
    graph,
    {
      opType: 'QuantizeLinear',
      inputs: [source, scale, zero],
      outputs: [`${source.name}/rounded`],
      attributes: { axis: axis && intAttribute(dq, 'axis', 1) },
    },
    dq,
  ).outputs[0]!;
  q.type = tensorType(dtype, shapeOf(source));
  setInput(dq, 0, q);
  setInput(dq, 2, zero);
  if (cast && cast.outputs[0]!.uses.length === 0) removeNode(cast);
  return {
    name: scale.name,
    initial,
    elements: elementCount(stored.constant!.dims) / elementCount(initial.dims),
    levels: dtypes[dtype].max! - numbers(constantOf(zero)!)[0]!,
  };
}

const zeros = (t: Tensor) => new Array<number>(elementCount(t.dims)).fill(0);

/** The integers that a DequantizeLinear reads, behind the Cast that widens int4. */
function storedConstant(integers: Value): { stored: Value; cast: Node | null } {
  const cast = integers.producer;
  return cast && isOp(cast, 'Cast') ? { stored: cast.inputs[0]!, cast } : { stored: integers, cast: null };
}

/** Writes trained weights, biases and scales into the model that `unfold` was given (or a clone of it), in place.
 *  @param trained  tensors of the trainable model by name; what is absent stays */
export function fold(
  quantized: Model,
  trainable: Pick<Trainable, 'floats' | 'scales'>,
  trained: Readonly<Record<string, Tensor>>,
): void {
  const { graph } = quantized;
  const floatOf = (name: string | null): Tensor | undefined =>
    trained[trainable.floats.get(name ?? '') ?? ''];
  const scales = new Map([...graph.initializers].map((v) => [v.name, v]));
  for (const { name } of trainable.scales) {
    const [value, tensor] = [scales.get(name), trained[name]];
    if (value && tensor) setConstant(value, tensor);
  }
  const biases = noted(graph, 'bias').flatMap((dq) => {
    const product = productOf(dq);
    const bias = floatOf(storedNote(dq)!.of);
    return product && bias ? [{ dq, bias: float32Values(bias), ...product }] : [];
  });
  for (const { bias, inputScale, weightScale } of biases) {
    const have = float32Values(weightScale.constant!);
    const least = smallestScales(bias, inputScale(), have.length);
    if (have.some((s, c) => s < least[c]!))
      setConstant(
        weightScale,
        tensorOf(
          'float32',
          weightScale.constant!.dims,
          have.map((s, c) => Math.max(s, least[c]!)),
        ),
      );
  }
  for (const dq of noted(graph, 'weight')) {
    const weight = floatOf(storedNote(dq)!.of);
    if (!weight) continue;
    const { stored } = storedConstant(dq.inputs[0]!);
    const axis = dq.attributes.has('axis') ? intAttribute(dq, 'axis', 1) : null;
    const [scale, zero] = [constantOf(dq.inputs[1])!, constantOf(dq.inputs[2])!];
    const levels = integers(weight, float32Values(scale), axis, numbers(zero)[0]!, stored.constant!.dtype);
    const { packed } = storedNote(dq)!;
    if (packed) keepPairs(levels, weight.dims, packed);
    setConstant(stored, tensorOf(stored.constant!.dtype, weight.dims, levels));
  }
  for (const { dq, bias, inputScale, weightScale } of biases) {
    const made = storedBias(bias, inputScale(), float32Values(weightScale.constant!));
    setConstant(dq.inputs[0]!, made.quantized);
    setConstant(dq.inputs[1]!, made.scale);
  }
  for (const dq of noted(graph, 'guard')) {
    const bias = floatOf(storedNote(dq)!.of);
    if (!bias) continue;
    const { steps, step } = guardSteps(float32Values(bias), bias.dims);
    setConstant(dq.inputs[0]!, steps);
    setConstant(dq.inputs[1]!, step);
  }
}

const noted = (graph: Graph, kind: 'weight' | 'bias' | 'guard') =>
  graph.nodes.filter((n) => storedNote(n)?.kind === kind);

/** Scales of the product that reads a stored bias. */
function productOf(dq: Node): { inputScale: () => number; weightScale: Value } | null {
  const product = readers(dq.outputs[0]!)[0];
  const weight = product && integerProduct(product);
  if (!weight) return null;
  const input = product.inputs[weight.activation ?? 0]?.producer?.inputs[1];
  const weightScale = product.inputs[weight.index]?.producer?.inputs[1];
  if (!constantOf(input) || !constantOf(weightScale)) return null;
  return { inputScale: () => float32Values(constantOf(input)!)[0]!, weightScale: weightScale! };
}

/** clip(round(w/s) + z) in float32, ties to even: what QuantizeLinear computes. */
export function integers(
  weight: Tensor,
  scale: Float32Array,
  axis: number | null,
  zero: number,
  dtype: DType,
): Int32Array {
  const { min, max } = dtypes[dtype] as { min: number; max: number };
  const inner = axis === null ? 1 : elementCount(weight.dims.slice(axis + 1));
  const values = float32Values(weight);
  const levels = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const s = scale.length === 1 ? scale[0]! : scale[Math.floor(i / inner) % scale.length]!;
    const v = Math.fround(values[i]! / s);
    const bounded = Math.min(1e6, Math.max(-1e6, v));
    levels[i] = Math.min(max, Math.max(min, Math.fround(bounded + halfEven) - halfEven + zero));
  }
  return levels;
}

/** 1.5·2²³: added to a small float32 it pushes the fraction out of the mantissa, rounding to nearest, ties to even. */
const halfEven = 12_582_912;
