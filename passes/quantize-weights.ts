/** Weights stored in int8, computation in float: the file shrinks to a quarter, the numbers hardly change.
 *    W ≈ s_c·(Wq − z), one scale an output channel (Conv), gate row (LSTM, GRU, RNN), column (MatMul) or row (Gather).
 *  Cast and Mul before the op, which runtimes fold once at load (a DequantizeLinear they would run every time, or turn
 *  into MatMulNBits, slow on wasm); embeddings are looked up in int8 and only the rows found are scaled. A table that also
 *  scores the tokens, through a Transpose, is stored once for both.
 *  Left alone: ops that compute in int8 already, weights under `minElements`, weights that something else goes on
 *  reading in float.
 *  Source: ONNX Cast-13, Mul-14, Gather-13; onnxruntime ConstantFolding. */
import { z } from 'zod';
import { filledBy, selectionOptions } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { insertWeightExpand, sharedInitializer } from '../src/compress/quant/insert.ts';
import { carryLayer, decide, decisionOf } from '../src/compress/quant/layers.ts';
import { selectNodes } from '../src/compress/quant/select.ts';
import {
  createWeightQuantizer,
  type QuantizedWeight,
  type WeightQuantizer,
} from '../src/compute/engine/quantize-kernel.ts';
import { intAttribute, intsAttribute } from '../src/model/ir/attribute.ts';
import { addNode, releaseOutput, removeNode, setInput } from '../src/model/ir/edit.ts';
import { constantOf, isOp, type Node, opKey, readers, shapeOf, type Value } from '../src/model/ir/model.ts';
import { elementCount } from '../src/model/ir/tensor.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { nodesOf } from '../src/model/ir/walk.ts';

const storable = ['Conv', 'ConvTranspose', 'Gather', 'LSTM', 'GRU', 'RNN', 'MatMul', 'Gemm'] as const;

const options = z.strictObject({
  ops: z.array(z.enum(storable)).default([...storable]),
  perChannel: filledBy(z.boolean().default(true), 'perTensor', (whole) => !whole),
  /** Less than this, and fold-constants would make it float again: three bytes each, 1024 allowed. */
  minElements: z.number().int().min(0).default(342),
  ...selectionOptions,
});

type Options = z.infer<typeof options>;

/** Input positions of the weights, and the axis of their channels. */
function storedInputs(node: Node): Place[] {
  if (isOp(node, 'Conv')) return [{ index: 1, axis: 0 }];
  if (isOp(node, 'ConvTranspose')) return [{ index: 1, axis: 1 }];
  if (isOp(node, 'LSTM', 'GRU', 'RNN')) return [1, 2].map((index) => ({ index, axis: 1 }));
  if (isOp(node, 'Gather')) return [{ index: 0, axis: 0 }];
  if (isOp(node, 'Gemm')) return [{ index: 1, axis: intAttribute(node, 'transB', 0) ? 0 : 1 }];
  if (isOp(node, 'MatMul')) return [{ index: 1, axis: (shapeOf(node.inputs[1])?.length ?? 2) - 1 }];
  return tiedProducts(node) ? [{ index: 0, axis: 0 }] : [];
}

/** Products whose weight is a table turned round, as where the embedding of the tokens scores them too: what they share
 *  has one scale a row, which is a column of the product's weight. null: the node is no such Transpose. */
function tiedProducts(node: Node): Node[] | null {
  if (!isOp(node, 'Transpose') || shapeOf(node.inputs[0])?.length !== 2) return null;
  if (intsAttribute(node, 'perm', [1, 0])[0] !== 1) return null;
  const uses = node.outputs[0]!.uses;
  const products = uses.flatMap((u) => (u.node && isOp(u.node, 'MatMul') && u.index === 1 ? [u.node] : []));
  return products.length > 0 && products.length === uses.length ? products : null;
}

/** The operators that compute with the weight that a node reads. */
const computing = (node: Node): Node[] => tiedProducts(node) ?? [node];

export const quantizeWeights = definePass<Options>({
  name: 'quantize-weights',
  summary: 'Weights stored in int8 per channel, expanded when used; computation stays float.',
  effect: 'lossy',
  options,

  needs: () => ({ opset: 7 }),

  async apply(model, o, context) {
    const selected = selectNodes(model, o);
    const weights = createWeightQuantizer(context.engine);
    const cache: WeightCache = new Map();
    const skipped: Skip[] = [];
    let changed = 0;
    try {
      for (const node of nodesOf(model)) {
        if (!isChosen(node, o)) continue;
        for (const place of storedInputs(node)) {
          if (!constantOf(node.inputs[place.index]) || isInteger(node)) continue;
          const reason = obstacle(node, place, o, selected);
          if (reason) {
            if (!decisionOf(node)) decide(node, { precision: 'float', reason });
            skipped.push({ at: node.name || node.outputs[0]!.name, reason });
          } else {
            await store(node, place, weights, cache, o);
            changed++;
          }
        }
      }
    } finally {
      await weights.close();
    }
    return { changed, skipped };
  },
});

/** What became of a weight, by the axis that it was quantised along; scales shaped to broadcast over the weight. */
type WeightCache = Map<Value, Map<number | null, Pick<QuantizedWeight, 'quantized' | 'scale'>>>;

/** One of `storedInputs`. */
interface Place {
  readonly index: number;
  readonly axis: number;
}

const isChosen = (node: Node, o: Options) =>
  computing(node).every((n) => (o.ops as readonly string[]).includes(opKey(n)));

const isInteger = (node: Node) => decisionOf(node)?.precision === 'int8';

function obstacle(node: Node, place: Place, o: Options, selected: (node: Node) => boolean): string | null {
  const value = node.inputs[place.index]!;
  const tensor = constantOf(value)!;
  const count = elementCount(tensor.dims);
  if (tensor.dtype !== 'float32') return `weight-is-${tensor.dtype}`;
  if (tensor.dims.length < 2) return 'weight-has-1-dimension';
  if (count === 0) return 'empty-weight';
  if (count < o.minElements) return 'small-weight';
  if (o.perChannel && count === tensor.dims[place.axis]) return 'one-number-a-channel';
  const own = useObstacle(node, place.index, o, selected);
  if (own) return own;
  // The float weight would stay in the file for the other reader, with the integers beside it.
  const other = value.uses.find((u) => !u.node || useObstacle(u.node, u.index, o, selected) !== null);
  return other ? `weight-also-read-by: ${other.node ? opKey(other.node) : 'an output of the model'}` : null;
}

/** Why a node can't read its input `index` from integers. */
function useObstacle(
  node: Node,
  index: number,
  o: Options,
  selected: (node: Node) => boolean,
): string | null {
  if (!isChosen(node, o)) return 'operator-not-chosen';
  if (!storedInputs(node).some((place) => place.index === index) || isInteger(node)) return 'not-a-weight';
  if (!computing(node).every(selected)) return 'excluded';
  const embedding = shapeOf(node.inputs[0])?.length === 2 && intAttribute(node, 'axis', 0) === 0;
  return isOp(node, 'Gather') && !embedding ? 'not-an-embedding' : null;
}

async function store(
  node: Node,
  { index, axis }: Place,
  weights: WeightQuantizer,
  cache: WeightCache,
  o: Options,
): Promise<void> {
  const value = node.inputs[index]!;
  const weight = constantOf(value)!;
  const wantedAxis = o.perChannel ? axis : null;
  const byAxis = cache.get(value) ?? new Map();
  cache.set(value, byAxis);
  let stored = byAxis.get(wantedAxis);
  if (!stored) {
    const { quantized, scale } = await weights.quantize(weight, wantedAxis, 'int8');
    const dims = wantedAxis === null ? [] : weight.dims.map((d, i) => (i === wantedAxis ? d : 1));
    stored = { quantized, scale: { ...scale, dims } };
    byAxis.set(wantedAxis, stored);
  }
  const table = sharedInitializer(node.graph, `${value.name}/quantized`, stored.quantized);
  const scale = sharedInitializer(node.graph, `${value.name}/scale`, stored.scale);
  if (isOp(node, 'Gather')) {
    lookUpStored(node, table, scale);
    return;
  }
  const expanded = expandedBefore(node, table) ?? insertWeightExpand(value.name, table, scale, node);
  setInput(node, index, expanded);
  for (const n of computing(node)) {
    const reason = decisionOf(n)?.reason ?? null;
    decide(n, { precision: 'int8-weights', reason });
  }
}

/** The float weight that an earlier node of the same graph already expands from this table. */
function expandedBefore(node: Node, table: Value): Value | null {
  const cast = readers(table).find((r) => isOp(r, 'Cast') && r.graph === node.graph);
  const scaled = cast && readers(cast.outputs[0]!)[0];
  return scaled && isOp(scaled, 'Mul') ? scaled.outputs[0]! : null;
}

/** Gather on the int8 table, then only the rows found are made float: Cast, times the gathered scales. */
function lookUpStored(node: Node, table: Value, scale: Value): void {
  const { graph } = node;
  const output = node.outputs[0]!;
  const base = node.name || output.name;
  const shape = shapeOf(output);
  const indices = node.inputs[1]!;
  const perRow = scale.constant!.dims.length > 0;
  const put1 = (opType: string, inputs: Value[], suffix: string, attributes = {}) =>
    addNode(
      graph,
      { opType, name: `${base}/${suffix}`, inputs, outputs: [`${base}/${suffix}`], attributes },
      node,
    ).outputs[0]!;
  const rows = put1('Gather', [table, indices], 'rows');
  rows.type = tensorType('int8', shape);
  const real = put1('Cast', [rows], 'cast', { to: 1 });
  real.type = tensorType('float32', shape);
  const factor = perRow ? put1('Gather', [scale, indices], 'row_scale') : scale;
  if (perRow) factor.type = tensorType('float32', shape ? [...shape.slice(0, -1), 1] : null);
  releaseOutput(node, 0);
  addNode(graph, { opType: 'Mul', name: `${base}/scaled`, inputs: [real, factor], outputs: [output] }, node);
  carryLayer(node, rows.producer!);
  decide(rows.producer!, { precision: 'int8-weights', reason: null });
  setInput(node, 1, null);
  removeNode(node);
}
