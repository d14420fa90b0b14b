/** Int8 products whose activation range is found at run time: no data needed.
 *    xq, s, z = DynamicQuantizeLinear(x);  y = MatMulInteger(xq, Wq, z, 128)·(s·s_w) [+ bias]
 *  LSTM becomes com.microsoft DynamicQuantizeLSTM. Weights [K, N], one scale a column, uint8 around 128.
 *  Left alone: products without a constant weight, weights of less than `minElements`, Gemm with a transposed input.
 *  Source: ONNX DynamicQuantizeLinear-11, MatMulInteger-10; onnxruntime ContribOperators, DynamicQuantizeLSTM. */
import { z } from 'zod';
import {
  filledBy,
  inFloatOption,
  inFloatReason,
  selectionOptions,
} from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { exactScales } from '../src/compress/quant/exact-sums.ts';
import { sharedInitializer } from '../src/compress/quant/insert.ts';
import { addsInPairs, targetFacts } from '../src/compress/quant/integer-kernels.ts';
import { carryLayer, decide, decisionOf } from '../src/compress/quant/layers.ts';
import { layersNamed, selectNodes } from '../src/compress/quant/name-patterns.ts';
import { productObstacle } from '../src/compress/quant/plan.ts';
import { createPairSums, type PairSums } from '../src/compute/engine/pair-sums.ts';
import { createWeightQuantizer, type WeightQuantizer } from '../src/compute/engine/quantize-kernel.ts';
import { floatAttribute, intAttribute } from '../src/model/ir/attribute.ts';
import { addInitializer, addNode, releaseOutput, removeNode } from '../src/model/ir/edit.ts';
import {
  constantOf,
  dtypeOf,
  isOp,
  type Model,
  type Node,
  opKey,
  shapeOf,
  type Value,
} from '../src/model/ir/model.ts';
import { elementCount, float32Values, scalar, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { transposeMatrix } from '../src/model/ir/transpose.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { nodesOf } from '../src/model/ir/walk.ts';
import { integerProduct } from '../src/model/ops/quantization.ts';
import { inFloat32, storedWeight } from '../src/model/ops/stored-weight.ts';
import type { QuantDType } from '../src/model/quantization/spec.ts';
import type { TargetName } from '../src/support/target.ts';

const options = z.strictObject({
  ops: z.array(z.enum(['MatMul', 'Gemm', 'LSTM'])).default(['MatMul', 'Gemm', 'LSTM']),
  weight: z.enum(['auto', 'int8', 'uint8']).default('auto'),
  perChannel: filledBy(z.boolean().default(true), 'perTensor', (whole) => !whole),
  /** Smaller weights save nothing worth the extra nodes. */
  minElements: z.number().int().min(0).default(512),
  /** Also use int8 kernels that are slower than float on the target. */
  everywhere: filledBy(z.boolean().default(false), 'everywhere'),
  ...selectionOptions,
  ...inFloatOption,
});

type Options = z.infer<typeof options>;

export const quantizeDynamic = definePass<Options>({
  name: 'quantize-dynamic',
  summary: 'Int8 MatMul, Gemm and LSTM with ranges found at run time; needs no data',
  effect: 'lossy',
  stores: { form: 'int8', of: ['matrix products', 'LSTMs'] },
  options,

  needs: () => ({ opset: 11 }),

  async apply(model, o, context) {
    const selected = selectNodes(model, o);
    const kept = layersNamed(model, o.inFloat);
    const dtype = o.weight === 'auto' ? targetFacts[context.target].weight : o.weight;
    const advice = o.everywhere ? () => null : targetFacts[context.target].dynamic;
    const kernels: Kernels = {
      weights: createWeightQuantizer(context.engine),
      pairs: addsInPairs(context.target, dtype) ? createPairSums(context.engine) : null,
    };
    const skipped: Skip[] = [];
    const shared: Shared = { inputs: new Map(), transposed: new Map() };
    let changed = 0;
    try {
      for (const node of nodesOf(model)) {
        if (!(o.ops as string[]).includes(opKey(node)) || isDone(node, context.target)) continue;
        const obstacle = isOp(node, 'LSTM') ? lstmObstacle(node) : productReason(node, o);
        const asked = kept(node) ? inFloatReason : selected(node) ? null : 'excluded';
        const reason = obstacle ?? asked ?? advice(node);
        if (reason) {
          decide(node, { precision: 'float', reason });
          skipped.push({ at: node.name || node.outputs[0]!.name, reason });
          continue;
        }
        if (isOp(node, 'LSTM')) await rewriteLstm(model, node, kernels, dtype);
        else await rewriteProduct(node, kernels, dtype, o.perChannel, shared);
        changed++;
      }
    } finally {
      await kernels.weights.close();
      await kernels.pairs?.close();
    }
    return { changed, skipped };
  },
});

interface Kernels {
  readonly weights: WeightQuantizer;
  /** Where sums must be exact on processors that add in 16 bits. */
  readonly pairs: PairSums | null;
}

/** Made int8 by an earlier step, or left to store its weights in int8 where this one would not do better. */
function isDone(node: Node, target: TargetName): boolean {
  const precision = decisionOf(node)?.precision;
  const { kernels, dynamic } = targetFacts[target];
  if (precision === 'int8-weights') return kernels.advice(node) === null || dynamic(node) !== null;
  return precision?.startsWith('int8') ?? false;
}

function productReason(node: Node, o: Options): string | null {
  const product = integerProduct(node);
  if (!product) return 'not-a-product';
  const obstacle = productObstacle(product);
  if (obstacle) return obstacle;
  const input = dtypeOf(node.inputs[product.activation ?? 0]);
  if (input !== 'float32') return `input-is-${input}`;
  const { dims } = storedWeight(node.inputs[product.index])!.tensor;
  if (dims.length !== 2) return `weight-has-${dims.length}-dimensions`;
  if (elementCount(dims) < o.minElements) return 'small-weight';
  if (intAttribute(node, 'transA', 0)) return 'gemm-transposes-input';
  return null;
}

/** What several products may have in common. */
interface Shared {
  /** The DynamicQuantizeLinear of an activation. */
  readonly inputs: Map<Value, Node>;
  readonly transposed: Map<Tensor, Tensor>;
}

function transposedOnce(matrix: Tensor, { transposed }: Shared): Tensor {
  const made = transposed.get(matrix) ?? transposeMatrix(matrix);
  transposed.set(matrix, made);
  return made;
}

async function rewriteProduct(
  node: Node,
  { weights, pairs }: Kernels,
  dtype: QuantDType,
  perChannel: boolean,
  shared: Shared,
): Promise<void> {
  const { graph } = node;
  const base = node.name || node.outputs[0]!.name;
  const { index, layout } = integerProduct(node)!;
  const { value: weight, tensor } = storedWeight(node.inputs[index])!;
  const gemm = isOp(node, 'Gemm');
  const whole = inFloat32(tensor);
  const matrix = layout!.channel === 0 ? transposedOnce(whole, shared) : whole;
  const axis = perChannel ? 1 : null;
  const exact = pairs ? exactScales(await pairs.largest(matrix, [1, 0]), axis) : undefined;
  const { quantized, scale, zeroPoint } = await weights.quantize(matrix, axis, dtype, exact);
  const x = node.inputs[0]!;
  // One in another graph, a branch of If, may stand where this node can't see it.
  const known = shared.inputs.get(x);
  const dql = known?.graph === graph ? known : dynamicQuantize(node, x);
  shared.inputs.set(x, dql);
  const alpha = gemm ? floatAttribute(node, 'alpha', 1) : 1;
  const weightScale =
    alpha === 1
      ? scale
      : tensorOf(
          'float32',
          scale.dims,
          float32Values(scale).map((s) => s * alpha),
        );
  const output = node.outputs[0]!;
  const shape = shapeOf(output);
  const put = (
    opType: string,
    inputs: Value[],
    suffix: string,
    type: 'int32' | 'float32',
    attributes = {},
    last = false,
  ) => {
    const outputs = [last ? output : `${base}/${suffix}`];
    if (last) releaseOutput(node, 0);
    const made = addNode(graph, { opType, name: `${base}/${suffix}`, inputs, outputs, attributes }, node);
    if (!last) made.outputs[0]!.type = tensorType(type, shape);
    return made;
  };
  const constant = (suffix: string, t: Tensor) => sharedInitializer(graph, `${weight.name}/${suffix}`, t);
  const bias = gemm ? node.inputs[2] : null;
  const [xq, xScale, xZero] = dql.outputs as [Value, Value, Value];
  const stored = [constant('quantized', quantized), constant('zero_point', zeroPoint)] as const;
  const sums = put('MatMulInteger', [xq, stored[0], xZero, stored[1]], 'sums', 'int32');
  const real = put('Cast', [sums.outputs[0]!], 'cast', 'float32', { to: 1 });
  const step = put('Mul', [xScale, constant('scale', weightScale)], 'step', 'float32');
  step.outputs[0]!.type = tensorType('float32', weightScale.dims);
  const scaled = put('Mul', [real.outputs[0]!, step.outputs[0]!], 'scaled', 'float32', {}, !bias);
  if (bias) put('Add', [scaled.outputs[0]!, scaledBias(node, bias)], 'biased', 'float32', {}, true);
  decide(sums, { precision: 'int8-dynamic', reason: null });
  carryLayer(node, sums);
  removeNode(node);
}

function scaledBias(node: Node, bias: Value): Value {
  const beta = floatAttribute(node, 'beta', 1);
  if (beta === 1) return bias;
  const c = constantOf(bias);
  if (c)
    return addInitializer(
      node.graph,
      `${bias.name}/scaled`,
      tensorOf(
        'float32',
        c.dims,
        float32Values(c).map((v) => v * beta),
      ),
    );
  const factor = addInitializer(node.graph, `${bias.name}/beta`, scalar('float32', beta));
  return addNode(node.graph, { opType: 'Mul', inputs: [bias, factor] }, node).outputs[0]!;
}

function dynamicQuantize(before: Node, x: Value): Node {
  const names = ['quantized', 'scale', 'zero_point'].map((s) => `${x.name}/${s}`);
  const dql = addNode(
    before.graph,
    { opType: 'DynamicQuantizeLinear', name: `${x.name}/quantize`, inputs: [x], outputs: names },
    before,
  );
  const types = [tensorType('uint8', shapeOf(x)), tensorType('float32', []), tensorType('uint8', [])];
  dql.outputs.forEach((v, i) => {
    v!.type = types[i]!;
  });
  return dql;
}

function lstmObstacle(node: Node): string | null {
  const [x, ...weights] = node.inputs.slice(0, 3);
  const stored = weights.map((v) => storedWeight(v));
  if (stored.includes(null)) return 'weight-computed-at-run-time';
  if (stored.some((w) => w?.order.some((axis, i) => axis !== i))) return 'weight-turned-round';
  if (dtypeOf(x) !== 'float32') return `input-is-${dtypeOf(x)}`;
  if (intAttribute(node, 'layout', 0) !== 0) return 'lstm-layout-1';
  return null;
}

/** DynamicQuantizeLSTM wants the weights transposed: [directions, input, 4·hidden], one scale a gate row. */
async function rewriteLstm(
  model: Model,
  node: Node,
  { weights, pairs }: Kernels,
  dtype: QuantDType,
): Promise<void> {
  const { graph } = node;
  const base = node.name || node.outputs.find((v) => v)!.name;
  const stored: Value[] = [];
  const parameters: Value[] = [];
  for (const index of [1, 2]) {
    const weight = storedWeight(node.inputs[index])!;
    const { value } = weight;
    const tensor = inFloat32(weight.tensor);
    const [directions, rows, columns] = tensor.dims as [number, number, number];
    const flat: Tensor = { ...tensor, dims: [directions * rows, columns], bytes: () => tensor.bytes() };
    const exact = pairs ? exactScales(await pairs.largest(flat, [0, 1]), 0) : undefined;
    const { quantized, scale, zeroPoint } = await weights.quantize(flat, 0, dtype, exact);
    const byDirection = transposeMatrix({ ...quantized, dims: [directions, rows, columns] });
    stored.push(addInitializer(graph, `${value.name}/quantized`, byDirection));
    const dims = [directions, rows];
    parameters.push(
      addInitializer(graph, `${value.name}/scale`, { ...scale, dims }),
      addInitializer(graph, `${value.name}/zero_point`, { ...zeroPoint, dims }),
    );
  }
  const rest = [3, 4, 5, 6, 7].map((i) => node.inputs[i] ?? null);
  const outputs = node.outputs.map((_, i) => releaseOutput(node, i));
  const made = addNode(
    graph,
    {
      opType: 'DynamicQuantizeLSTM',
      domain: 'com.microsoft',
      name: `${base}/int8`,
      inputs: [node.inputs[0]!, ...stored, ...rest, ...parameters],
      outputs,
      attributes: new Map([...node.attributes].filter(([k]) => k !== 'layout')),
    },
    node,
  );
  model.opsets.set('com.microsoft', model.opsets.get('com.microsoft') ?? 1);
  decide(made, { precision: 'int8-dynamic', reason: null });
  carryLayer(node, made);
  removeNode(node);
}
