/** Products and embeddings with weights of 4 bits (or 8), one scale for each block of weights along the inputs.
 *    W[k,n] ≈ s[n,b]·(q[n,b,i] − z),  k = b·blockSize + i;   MatMulNBits(A, q, s [, z]),  Gather → GatherBlockQuantized
 *  q packed [N, blocks, blockSize·bits/8], low nibble first; z is 8 (128 for 8 bits) where symmetric. The scale of each
 *  block is the one of a few that leaves the least squared error. Blocks of 32 and accuracy level 4 (activations in
 *  int8 blocks) are what the fast WebGPU and CPU kernels take; on wasm this saves bytes, not time.
 *  A table that scores the tokens too, through a Transpose, is stored once for both.
 *  Left alone: weights computed at run time, of more than one matrix, or of less than `minElements`; products with fewer
 *  inputs than a block; embeddings that no product reads, unless `embeddings`, and where rows are not a multiple of a block;
 *  weights that something else reads in another form.
 *  Source: onnxruntime ContribOperators, MatMulNBits and GatherBlockQuantized. */
import { z } from 'zod';
import { selectionOptions } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import {
  type BlockPlace,
  type BlockRules,
  blockObstacle,
  blocksOf,
  isWanted,
  placeOf,
  tiedWeights,
} from '../src/compress/quant/blocked-weights.ts';
import { sharedInitializer } from '../src/compress/quant/insert.ts';
import { carryLayer, decide, decisionOf } from '../src/compress/quant/layers.ts';
import { selectNodes } from '../src/compress/quant/name-patterns.ts';
import {
  type BlockedWeight,
  type BlockQuantizer,
  type BlockSpec,
  createBlockQuantizer,
} from '../src/compute/engine/blockwise-kernel.ts';
import { floatAttribute } from '../src/model/ir/attribute.ts';
import { addInitializer, addNode, releaseOutput, removeNode } from '../src/model/ir/edit.ts';
import { constantOf, dtypeOf, isOp, type Model, type Node, type Value } from '../src/model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { nodesOf } from '../src/model/ir/walk.ts';
import { inFloat32 } from '../src/model/ops/stored-weight.ts';

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
  summary: 'Weights of MatMul and Gemm in 4 (or 8) bits with a scale a block, as MatMulNBits',
  effect: 'lossy',
  stores: { form: 'int4', of: ['matrix products', 'embeddings'] },
  options,

  async apply(model, o, context) {
    const rules: BlockRules = { ...o, selected: selectNodes(model, o), tied: tiedWeights(model, o.ops) };
    const quantizer = createBlockQuantizer(context.engine);
    const made: Made = new Map();
    const skipped: Skip[] = [];
    let changed = 0;
    try {
      for (const node of nodesOf(model)) {
        const place = placeOf(node);
        if (!place || isDone(node) || !isWanted(place, rules)) continue;
        const reason = blockObstacle(place, rules);
        if (reason) {
          if (!decisionOf(node)) decide(node, { precision: 'float', reason });
          skipped.push({ at: node.name || node.outputs[0]!.name, reason });
          continue;
        }
        await rewrite(model, place, quantizer, o, rules.tied, made);
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

/** By weight, then by which way it is read. */
type Made = Map<Tensor, Map<string, BlockedWeight>>;

async function blocked(
  place: BlockPlace,
  quantizer: BlockQuantizer,
  spec: BlockSpec,
  made: Made,
): Promise<BlockedWeight> {
  const { tensor } = place.weight!;
  const { columns, rows, transposed } = blocksOf(place)!;
  const dtype = dtypeOf(place.node.inputs[place.input.index])!;
  const key = `${transposed} ${dtype}`;
  const known = made.get(tensor) ?? new Map<string, BlockedWeight>();
  made.set(tensor, known);
  const before = known.get(key);
  if (before) return before;
  const whole = inFloat32(tensor);
  const matrix = {
    ...whole,
    dims: transposed ? [columns, rows] : [rows, columns],
    bytes: () => whole.bytes(),
  };
  const float = await quantizer.quantize(matrix, transposed, spec);
  const result = { ...float, scales: retyped(float.scales, dtype) };
  known.set(key, result);
  return result;
}

async function rewrite(
  model: Model,
  place: BlockPlace,
  quantizer: BlockQuantizer,
  o: Options,
  tied: ReadonlySet<Tensor>,
  made: Made,
): Promise<void> {
  const { node, input } = place;
  const { value, tensor } = place.weight!;
  const stored = await blocked(place, quantizer, o, made);
  const put = (suffix: string, t: Tensor) => sharedInitializer(node.graph, `${value.name}/${suffix}`, t);
  const zero = stored.zeroPoints && put('zero_points', stored.zeroPoints);
  const became =
    input.role === 'table'
      ? lookUp(node, stored, zero, o, put, tied.has(tensor))
      : multiply(place, stored, zero, o, put);
  model.opsets.set('com.microsoft', model.opsets.get('com.microsoft') ?? 1);
  carryLayer(node, became);
  decide(became, { precision: o.bits === 4 ? 'q4' : 'int8-weights', reason: null });
  removeNode(node);
}

type Put = (suffix: string, t: Tensor) => Value;

const suffixOf = (o: Options) => (o.bits === 4 ? 'q4' : 'q8');

function multiply(place: BlockPlace, stored: BlockedWeight, zero: Value | null, o: Options, put: Put): Node {
  const { node, input } = place;
  const { graph } = node;
  const { columns, rows } = blocksOf(place)!;
  const alpha = isOp(node, 'Gemm') ? floatAttribute(node, 'alpha', 1) : 1;
  const scales = alpha === 1 ? stored.scales : scaled(stored.scales, alpha);
  const bias = input.bias === null ? null : (node.inputs[input.bias] ?? null);
  const output = releaseOutput(node, 0)!;
  const base = node.name || output.name;
  const product = addNode(
    graph,
    {
      opType: 'MatMulNBits',
      domain: 'com.microsoft',
      name: `${base}/${suffixOf(o)}`,
      inputs: [
        node.inputs[input.activation ?? 0]!,
        put('packed', stored.packed),
        put('scales', scales),
        ...(zero ? [zero] : []),
      ],
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

/** @param isTied  the product that reads the same blocks wants them in three dimensions: the table is a view of those */
function lookUp(
  node: Node,
  stored: BlockedWeight,
  zero: Value | null,
  o: Options,
  put: Put,
  isTied: boolean,
): Node {
  const [rows, blocks, bytes] = stored.packed.dims as [number, number, number];
  const dims = [rows, blocks * bytes];
  const flat = isTied
    ? reshaped(node, put('packed', stored.packed), put('table_shape', tensorOf('int64', [2], dims)), dims)
    : put('packed', { ...stored.packed, dims, bytes: () => stored.packed.bytes() });
  const output = releaseOutput(node, 0)!;
  return addNode(
    node.graph,
    {
      opType: 'GatherBlockQuantized',
      domain: 'com.microsoft',
      name: `${node.name || output.name}/${suffixOf(o)}`,
      inputs: [flat, node.inputs[1]!, put('scales', stored.scales), ...(zero ? [zero] : [])],
      outputs: [output],
      attributes: { gather_axis: 0, quantize_axis: 1, block_size: o.blockSize, bits: o.bits },
    },
    node,
  );
}

function reshaped(before: Node, packed: Value, shape: Value, dims: readonly number[]): Value {
  const name = `${packed.name}/table`;
  const init = { opType: 'Reshape', name, inputs: [packed, shape], outputs: [name] };
  const out = addNode(before.graph, init, before).outputs[0]!;
  out.type = tensorType('uint8', dims);
  return out;
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
