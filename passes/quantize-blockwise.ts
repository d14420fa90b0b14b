/** Products and embeddings with weights of 4 bits (or 8), one scale for each block of weights along the inputs.
 *    W[k,n] ≈ s[n,b]·(q[n,b,i] − z),  k = b·blockSize + i;   MatMulNBits(A, q, s [, z]),  Gather → GatherBlockQuantized
 *  q packed [N, blocks, blockSize·bits/8], low nibble first; z is 8 (128 for 8 bits) where symmetric. The scale of each
 *  block is the one of a few that leaves the least squared error. Blocks of 32 and accuracy level 4 (activations in
 *  int8 blocks) are what the fast WebGPU and CPU kernels take; on wasm this saves bytes, not time.
 *  Left alone: weights computed at run time, with other than two dimensions, or of less than `minElements`; products
 *  with fewer inputs than a block; embeddings unless `embeddings`, and where rows are no multiple of a block.
 *  Source: onnxruntime ContribOperators, MatMulNBits and GatherBlockQuantized. */
import { z } from 'zod';
import { selectionOptions } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { sharedInitializer } from '../src/compress/quant/insert.ts';
import { carryLayer, decide, decisionOf } from '../src/compress/quant/layers.ts';
import { selectNodes } from '../src/compress/quant/select.ts';
import {
  type BlockedWeight,
  type BlockQuantizer,
  type BlockSpec,
  createBlockQuantizer,
} from '../src/compute/engine/blockwise-kernel.ts';
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
import { elementCount, float32Values, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { nodesOf } from '../src/model/ir/walk.ts';

const options = z.strictObject({
  ops: z.array(z.enum(['MatMul', 'Gemm'])).default(['MatMul', 'Gemm']),
  bits: z.union([z.literal(4), z.literal(8)]).default(4),
  blockSize: z
    .union([z.literal(16), z.literal(32), z.literal(64), z.literal(128), z.literal(256)])
    .default(32),
  /** false: each block has its own zero point; a little more exact, an eighth of a bit a weight larger. */
  symmetric: z.boolean().default(true),
  /** What the product may be computed in: 0 unset, 1 float32, 2 float16, 3 bfloat16, 4 int8. */
  accuracyLevel: z.number().int().min(0).max(4).default(4),
  /** Embedding tables too. */
  embeddings: z.boolean().default(false),
  /** Smaller weights save nothing worth the loss. */
  minElements: z.number().int().min(0).default(1024),
  ...selectionOptions,
});

type Options = z.infer<typeof options>;

export const quantizeBlockwise = definePass<Options>({
  name: 'quantize-blockwise',
  summary: 'Weights of MatMul and Gemm in 4 (or 8) bits with a scale a block, as MatMulNBits.',
  effect: 'lossy',
  options,

  async apply(model, o, context) {
    const selected = selectNodes(model, o);
    const quantizer = createBlockQuantizer(context.engine);
    const made: Made = new Map();
    const skipped: Skip[] = [];
    let changed = 0;
    try {
      for (const node of nodesOf(model)) {
        const isTable = isOp(node, 'Gather') && isEmbedding(node);
        if (isTable ? !o.embeddings : !(o.ops as readonly string[]).includes(opKey(node))) continue;
        if (isDone(node)) continue;
        const reason = obstacle(node, isTable, o) ?? (selected(node) ? null : 'excluded');
        if (reason) {
          if (!decisionOf(node)) decide(node, { precision: 'float', reason });
          skipped.push({ at: node.name || node.outputs[0]!.name, reason });
          continue;
        }
        await rewrite(model, node, isTable, quantizer, o, made);
        changed++;
      }
    } finally {
      await quantizer.close();
    }
    return { changed, skipped };
  },
});

/** Quantised by an earlier step; a choice of float is looked at again. */
const isDone = (node: Node) => !['float', 'float16'].includes(decisionOf(node)?.precision ?? 'float');

const isEmbedding = (node: Node) =>
  constantOf(node.inputs[0])?.dims.length === 2 && intAttribute(node, 'axis', 0) === 0;

/** Whether the weight is stored with one row an input, the other way round than MatMulNBits wants it. */
const isTransposed = (node: Node) =>
  !isOp(node, 'Gather') && !(isOp(node, 'Gemm') && intAttribute(node, 'transB', 0) !== 0);

const weightIndex = (node: Node) => (isOp(node, 'Gather') ? 0 : 1);

function obstacle(node: Node, isTable: boolean, o: Options): string | null {
  const weight = constantOf(node.inputs[weightIndex(node)]);
  if (!weight) return 'weight-computed-at-run-time';
  if (weight.dtype !== 'float32' && weight.dtype !== 'float16') return `weight-is-${weight.dtype}`;
  if (weight.dims.length !== 2) return `weight-has-${weight.dims.length}-dimensions`;
  if (elementCount(weight.dims) < o.minElements) return 'small-weight';
  const columns = weight.dims[isTransposed(node) ? 0 : 1]!;
  if (isTable) return columns % o.blockSize === 0 ? null : 'row-not-a-multiple-of-a-block';
  if (columns < o.blockSize) return `fewer-inputs-than-a-block: ${columns}`;
  const input = node.inputs[0];
  if (dtypeOf(input) !== weight.dtype) return `input-is-${dtypeOf(input)}`;
  if (constantOf(input)) return 'input-is-constant';
  if ((shapeOf(input)?.length ?? 2) < 2) return 'input-is-a-vector';
  if (!isOp(node, 'Gemm')) return null;
  if (intAttribute(node, 'transA', 0)) return 'gemm-transposes-input';
  const bias = node.inputs[2];
  return bias && !constantOf(bias) && floatAttribute(node, 'beta', 1) !== 1
    ? 'gemm-scales-a-computed-bias'
    : null;
}

/** By weight, then by which way it is read. */
type Made = Map<Tensor, Map<boolean, BlockedWeight>>;

async function blocked(
  weight: Tensor,
  transposed: boolean,
  quantizer: BlockQuantizer,
  spec: BlockSpec,
  made: Made,
): Promise<BlockedWeight> {
  const known = made.get(weight) ?? new Map<boolean, BlockedWeight>();
  made.set(weight, known);
  const before = known.get(transposed);
  if (before) return before;
  const { dtype } = weight;
  const whole = dtype === 'float32' ? weight : tensorOf('float32', weight.dims, float32Values(weight));
  const float = await quantizer.quantize(whole, transposed, spec);
  const result = { ...float, scales: retyped(float.scales, dtype) };
  known.set(transposed, result);
  return result;
}

async function rewrite(
  model: Model,
  node: Node,
  isTable: boolean,
  quantizer: BlockQuantizer,
  o: Options,
  made: Made,
): Promise<void> {
  const value = node.inputs[weightIndex(node)]!;
  const stored = await blocked(constantOf(value)!, isTransposed(node), quantizer, o, made);
  const put = (suffix: string, t: Tensor) => sharedInitializer(node.graph, `${value.name}/${suffix}`, t);
  const zero = stored.zeroPoints && put('zero_points', stored.zeroPoints);
  const became = isTable ? lookUp(node, stored, zero, o, put) : multiply(node, stored, zero, o, put);
  model.opsets.set('com.microsoft', model.opsets.get('com.microsoft') ?? 1);
  carryLayer(node, became);
  decide(became, { precision: o.bits === 4 ? 'q4' : 'int8-weights', reason: null });
  removeNode(node);
}

type Put = (suffix: string, t: Tensor) => Value;

const suffixOf = (o: Options) => (o.bits === 4 ? 'q4' : 'q8');

function multiply(node: Node, stored: BlockedWeight, zero: Value | null, o: Options, put: Put): Node {
  const { graph } = node;
  const weight = constantOf(node.inputs[1])!;
  const [columns, rows] = isTransposed(node) ? weight.dims : [...weight.dims].reverse();
  const alpha = isOp(node, 'Gemm') ? floatAttribute(node, 'alpha', 1) : 1;
  const scales = alpha === 1 ? stored.scales : scaled(stored.scales, alpha);
  const bias = isOp(node, 'Gemm') ? (node.inputs[2] ?? null) : null;
  const output = releaseOutput(node, 0)!;
  const base = node.name || output.name;
  const product = addNode(
    graph,
    {
      opType: 'MatMulNBits',
      domain: 'com.microsoft',
      name: `${base}/${suffixOf(o)}`,
      inputs: [node.inputs[0]!, put('packed', stored.packed), put('scales', scales), ...(zero ? [zero] : [])],
      outputs: [bias ? `${base}/product` : output],
      attributes: {
        K: columns,
        N: rows,
        bits: o.bits,
        block_size: o.blockSize,
        accuracy_level: o.accuracyLevel,
      },
    },
    node,
  );
  if (!bias) return product;
  product.outputs[0]!.type = output.type;
  const inputs = [product.outputs[0]!, scaledBias(node, bias)];
  addNode(graph, { opType: 'Add', name: `${base}/biased`, inputs, outputs: [output] }, node);
  return product;
}

function lookUp(node: Node, stored: BlockedWeight, zero: Value | null, o: Options, put: Put): Node {
  const [rows, blocks, bytes] = stored.packed.dims as [number, number, number];
  const table: Tensor = {
    ...stored.packed,
    dims: [rows, blocks * bytes],
    bytes: () => stored.packed.bytes(),
  };
  const output = releaseOutput(node, 0)!;
  return addNode(
    node.graph,
    {
      opType: 'GatherBlockQuantized',
      domain: 'com.microsoft',
      name: `${node.name || output.name}/${suffixOf(o)}`,
      inputs: [put('packed', table), node.inputs[1]!, put('scales', stored.scales), ...(zero ? [zero] : [])],
      outputs: [output],
      attributes: { gather_axis: 0, quantize_axis: 1, block_size: o.blockSize, bits: o.bits },
    },
    node,
  );
}

const retyped = (t: Tensor, dtype: Tensor['dtype']): Tensor =>
  t.dtype === dtype ? t : tensorOf(dtype, t.dims, float32Values(t));

const scaled = (t: Tensor, factor: number): Tensor =>
  tensorOf(
    t.dtype,
    t.dims,
    float32Values(t).map((v) => v * factor),
  );

function scaledBias(node: Node, bias: Value): Value {
  const beta = floatAttribute(node, 'beta', 1);
  return beta === 1
    ? bias
    : addInitializer(node.graph, `${bias.name}/scaled`, scaled(constantOf(bias)!, beta));
}
