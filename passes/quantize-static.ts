/** Int8 computation with ranges known beforehand: QuantizeLinear / DequantizeLinear around every op of the plan.
 *    q = clamp(round(x / s) + z),  x ≈ s·(q − z);  weights one s a channel, z in the middle; bias int32 with s = sₓ·s_w
 *  Products (Conv, Gemm, MatMul with constant weights) compute in int8 where the target gains from it; what moves,
 *  adds or pools values between them joins; clamps are absorbed by the range. Left alone: everything else, and
 *  products whose integer kernel is slower than float on the target (quantize-weights may still shrink them).
 *  Source: ONNX QuantizeLinear-13, DequantizeLinear-13; Jacob et al. 2018, arXiv:1712.05877. */
import { z } from 'zod';
import {
  filledBy,
  inFloatOption,
  inFloatReason,
  selectionOptions,
} from '../src/compress/pipeline/option-fields.ts';
import { definePass, type PassContext, type Skip } from '../src/compress/pipeline/pass.ts';
import { smallestScales, storedBias } from '../src/compress/quant/bias.ts';
import { exactScales, largerScales, packedOrder } from '../src/compress/quant/exact-sums.ts';
import { guardFloatProduct } from '../src/compress/quant/guard.ts';
import {
  addParams,
  insertQdq,
  insertWeightDequantize,
  noteStored,
  sharedInitializer,
} from '../src/compress/quant/insert.ts';
import { addsInPairs, measuredKernels, targetFacts } from '../src/compress/quant/integer-kernels.ts';
import { decide, decisionOf } from '../src/compress/quant/layers.ts';
import { layersNamed, selectNodes } from '../src/compress/quant/name-patterns.ts';
import { planStatic, type StaticPlan } from '../src/compress/quant/plan.ts';
import type { Range, StatisticRequest } from '../src/compute/calibrate/statistics.ts';
import { createPairSums, type PairSums } from '../src/compute/engine/pair-sums.ts';
import { createWeightQuantizer, type WeightQuantizer } from '../src/compute/engine/quantize-kernel.ts';
import { addInitializer, removeNode, setInput } from '../src/model/ir/edit.ts';
import { isOp, type Model, type Node, readers, type Value } from '../src/model/ir/model.ts';
import { float32Values } from '../src/model/ir/tensor.ts';
import { clampInterval, integerProduct } from '../src/model/ops/quantization.ts';
import { inFloat32, storedWeight } from '../src/model/ops/stored-weight.ts';
import type { NodeWeight } from '../src/model/ops/weights.ts';
import { type QuantParams, quantParams, representableRange } from '../src/model/quantization/params.ts';
import type { QuantSpec } from '../src/model/quantization/spec.ts';
import { calibrationRequired } from '../src/support/diagnostics/quantization.ts';
import { rangeMethods } from '../src/support/range-methods.ts';

const dtype = z.enum(['auto', 'int8', 'uint8']);

const options = z.strictObject({
  /** auto: what the target's kernels want. */
  activation: dtype.default('auto'),
  weight: dtype.default('auto'),
  /** 4: sixteen levels a channel, two in a byte of the file; they compute in int8. Needs opset 21. */
  weightBits: filledBy(z.union([z.literal(4), z.literal(8)]).default(8), 'weightBits'),
  /** Activations with zero in the middle; costs a bit of resolution after a ReLU. */
  symmetric: filledBy(z.boolean().default(false), 'symmetric'),
  perChannel: filledBy(z.boolean().default(true), 'perTensor', (whole) => !whole),
  /** How ranges are taken from what was seen; auto: each way is tried where there are samples for it, else mse. */
  ranges: filledBy(z.enum(['auto', ...rangeMethods]).default('auto'), 'ranges'),
  candidates: z.number().int().min(2).max(32).default(8),
  /** Also use int8 kernels that are slower than float on the target. */
  everywhere: filledBy(z.boolean().default(false), 'everywhere'),
  /** By kind of product ("Conv 16-31 clamped"), whether int8 is faster than float: measured, in place of the target's table. */
  faster: z.record(z.string(), z.boolean()).default({}),
  ...selectionOptions,
  ...inFloatOption,
});

type Options = z.infer<typeof options>;

/** Samples that calibrate. */
const fewestForAverage = 16;

export const quantizeStatic = definePass<Options>({
  name: 'quantize-static',
  summary: 'Int8 computation with calibrated ranges (Q/DQ), weights per channel',
  effect: 'lossy',
  stores: { form: 'int8', of: ['convolutions', 'matrix products'] },
  trainable: true,
  options,

  needs: (o) => ({ opset: o.weightBits === 4 ? 21 : 13, calibration: true }),

  observe(model, o, context) {
    const spec = activationSpec(o, context);
    return [...plan(model, o, context).tensors.keys()].map((v): StatisticRequest => {
      const value = v.name;
      return isSearched(o)
        ? { kind: 'mse-range', value, ...spec, candidates: o.candidates }
        : { kind: 'range', value };
    });
  },

  ways(o, { samples }) {
    // Of few samples, the average lies near each one's own extremes, and looks better on them than on others.
    const settled = rangeMethods.filter((m) => m !== 'average' || samples >= fewestForAverage);
    const tried = o.ranges === 'auto' ? settled : [o.ranges];
    return Object.fromEntries(tried.map((ranges) => [ranges, { ...o, ranges }]));
  },

  async apply(model, o, context) {
    const made = plan(model, o, context);
    const spec = activationSpec(o, context);
    const params = groupParams(made, spec, o, context);
    const weights = createWeightQuantizer(context.engine);
    const pairs = createPairSums(context.engine);
    try {
      for (const node of made.region) {
        const product = integerProduct(node);
        if (product) await quantizeProduct(product, params, { weights, pairs }, o, context);
        decide(node, { precision: 'int8', reason: null });
      }
    } finally {
      await weights.close();
      await pairs.close();
    }
    const inserted = insertActivations(model, made, params, spec);
    const kept = layersNamed(model, o.inFloat);
    const skipped: Skip[] = [];
    for (const [node, decision] of made.decisions) {
      if (decision.precision === 'int8' || isDone(node)) continue;
      const reason = kept(node) ? inFloatReason : decision.reason;
      decide(node, { precision: 'float', reason });
      skipped.push({ at: node.name || node.outputs[0]!.name, reason: reason ?? '' });
    }
    return { changed: inserted + made.region.size, skipped };
  },
});

const activationSpec = (o: Options, context: PassContext): QuantSpec => ({
  dtype: o.activation === 'auto' ? targetFacts[context.target].activation : o.activation,
  symmetric: o.symmetric,
});

function plan(model: Model, o: Options, context: PassContext): StaticPlan {
  const selected = selectNodes(model, o);
  const kept = layersNamed(model, o.inFloat);
  const fresh = (node: Node) => selected(node) && !kept(node) && !isDone(node);
  const kernels = measuredKernels(targetFacts[context.target].kernels, o.faster, context.target);
  return planStatic(model.graph, fresh, o.everywhere ? { ...kernels, advice: () => null } : kernels);
}

/** Whether errors are measured, which takes a second pass over some samples. */
const isSearched = ({ ranges }: Options) => ranges !== 'minmax' && ranges !== 'average';

/** Made int8 by an earlier step. */
const isDone = (node: Node) => decisionOf(node)?.precision.startsWith('int8') ?? false;

/** One scale and zero point for each group of values, from the union of its members' ranges. */
function groupParams(
  made: StaticPlan,
  spec: QuantSpec,
  o: Options,
  context: PassContext,
): Map<Value, QuantParams> {
  const params = new Map<Value, QuantParams>();
  for (const group of made.groups) {
    const seen = group.flatMap((v) => rangeOf(v, made, o, context) ?? []);
    if (seen.length === 0) throw calibrationRequired(made.tensors.size, `"${group[0]!.name}"`);
    const range = seen.reduce((a: Range, b: Range) => ({
      min: Math.min(a.min, b.min),
      max: Math.max(a.max, b.max),
    }));
    const shared = quantParams(range.min, range.max, spec, `"${group[0]!.name}"`);
    for (const v of group) params.set(v, shared);
  }
  return params;
}

function rangeOf(
  value: Value,
  { tensors }: StaticPlan,
  { ranges }: Options,
  { statistics }: PassContext,
): Range | undefined {
  const prescribed = tensors.get(value)?.range;
  if (prescribed) return { min: prescribed[0], max: prescribed[1] };
  return statistics.range(value.name, ranges === 'auto' ? undefined : ranges);
}

interface Kernels {
  readonly weights: WeightQuantizer;
  readonly pairs: PairSums;
}

async function quantizeProduct(
  product: NodeWeight,
  params: ReadonlyMap<Value, QuantParams>,
  { weights, pairs }: Kernels,
  o: Options,
  context: PassContext,
): Promise<void> {
  const { node, index, activation, bias, layout } = product;
  const { value, tensor } = storedWeight(node.inputs[index])!;
  // onnxruntime takes per-column scales of a matrix product only for two-dimensional weights.
  const axis = o.perChannel && (!isOp(node, 'MatMul') || tensor.dims.length === 2) ? layout!.channel : null;
  const byte = o.weight === 'auto' ? targetFacts[context.target].weight : o.weight;
  const dtype = o.weightBits === 4 ? 'int4' : byte;
  const inputScale = params.get(node.inputs[activation ?? 0]!)!.scale;
  const added = storedWeight(bias === null ? null : node.inputs[bias]);
  const biasValues = added && float32Values(added.tensor);
  const channels = axis === null ? 1 : tensor.dims[axis]!;
  const weight = inFloat32(tensor);
  const floor = biasValues ? smallestScales(biasValues, inputScale, channels) : undefined;
  const order = addsInPairs(context.target, dtype) ? packedOrder(product, weight.dims.length) : null;
  const exact = order ? exactScales(await pairs.largest(weight, order), axis) : undefined;
  const made = await weights.quantize(weight, axis, dtype, largerScales(floor, exact));
  const { graph } = node;
  const stored = {
    quantized: sharedInitializer(graph, `${value.name}/quantized`, made.quantized),
    scale: sharedInitializer(graph, `${value.name}/scale`, made.scale),
    zeroPoint: sharedInitializer(graph, `${value.name}/zero_point`, made.zeroPoint),
  };
  const dq = insertWeightDequantize(node, index, stored, axis);
  if (order) noteStored(dq, { kind: 'weight', of: value.name, packed: order });
  if (biasValues) quantizeBias(node, bias!, biasValues, inputScale, float32Values(made.scale));
}

function quantizeBias(
  node: Node,
  index: number,
  bias: Float32Array,
  inputScale: number,
  weightScale: Float32Array,
): void {
  const value = node.inputs[index]!;
  const { graph } = node;
  const { quantized, scale } = storedBias(bias, inputScale, weightScale);
  insertWeightDequantize(
    node,
    index,
    {
      quantized: addInitializer(graph, `${value.name}/quantized`, quantized),
      scale: addInitializer(graph, `${value.name}/scale`, scale),
      zeroPoint: null,
    },
    weightScale.length > 1 ? 0 : null,
  );
}

function insertActivations(
  model: Model,
  made: StaticPlan,
  params: ReadonlyMap<Value, QuantParams>,
  spec: QuantSpec,
): number {
  const { graph } = model;
  const shared = new Map<QuantParams, ReturnType<typeof addParams>>();
  for (const [value, { integerProducer }] of made.tensors) {
    const grid = params.get(value)!;
    let stored = shared.get(grid);
    if (!stored) {
      stored = addParams(graph, value.name, grid, spec.dtype);
      shared.set(grid, stored);
    }
    const clamp = value.producer && made.absorbed.has(value.producer) ? value.producer : null;
    const vanishes = integerProducer && clamp !== null && isAbsorbed(clamp, grid, spec);
    const source = vanishes ? clamp.inputs[0]! : value;
    // A clamp that stays stands between two Q/DQ pairs: an integer kernel needs its Q right behind it.
    if (integerProducer && clamp && !vanishes)
      insertQdq(graph, clamp.inputs[0]!, clamp.inputs[0]!, stored, (reader) => reader === clamp);
    const floats = integerProducer ? readers(value).filter((r) => !made.region.has(r)) : [];
    insertQdq(graph, source, value, stored, integerProducer ? null : (reader) => made.region.has(reader));
    for (const reader of floats) guardFloatProduct(reader);
    if (vanishes) {
      for (let i = clamp.inputs.length - 1; i >= 0; i--) setInput(clamp, i, null);
      removeNode(clamp);
    }
  }
  return made.tensors.size;
}

/** Whether everything that the grid can show lies inside the clamp's interval, to half a step. */
function isAbsorbed(clamp: Node, grid: QuantParams, spec: QuantSpec): boolean {
  const interval = clampInterval(clamp);
  if (!interval) return false;
  const [low, high] = representableRange(grid, spec);
  return low >= interval[0] - grid.scale / 2 && high <= interval[1] + grid.scale / 2;
}
