/** Weights stored in int8, computation in float: the file shrinks to a quarter, the numbers hardly change.
 *    W ≈ s_c·(Wq − z), one scale an output channel (Conv), gate row (LSTM, GRU, RNN), column (MatMul) or row (Gather).
 *  Cast and Mul before the op, which runtimes fold once at load (a DequantizeLinear they would run every time, or turn
 *  into MatMulNBits, slow on wasm); embeddings are looked up in int8 and only the rows found are scaled.
 *  Left alone: ops that compute in int8 already, weights under `minElements`, tables that something else reads too.
 *  Source: ONNX Cast-13, Mul-14, Gather-13; onnxruntime ConstantFolding. */
import { z } from 'zod';
import {
  createWeightQuantizer,
  type QuantizedWeight,
  type WeightQuantizer,
} from '../src/engine/quantize-kernel.ts';
import { intAttribute } from '../src/ir/attribute.ts';
import { addInitializer, addNode, releaseOutput, removeNode, setInput } from '../src/ir/edit.ts';
import {
  constantOf,
  isGraphOutput,
  isOp,
  type Node,
  opKey,
  readers,
  shapeOf,
  type Value,
} from '../src/ir/model.ts';
import { elementCount, type Tensor } from '../src/ir/tensor.ts';
import { tensorType } from '../src/ir/type.ts';
import { nodesOf } from '../src/ir/walk.ts';
import { definePass, requireOpset, type Skip } from '../src/pipeline/pass.ts';
import { insertWeightExpand } from '../src/quant/insert.ts';
import { carryLayer } from '../src/quant/layers.ts';
import { selectNodes } from '../src/quant/select.ts';

const storable = ['Conv', 'ConvTranspose', 'Gather', 'LSTM', 'GRU', 'RNN', 'MatMul', 'Gemm'] as const;

const options = z.strictObject({
  ops: z.array(z.enum(storable)).default([...storable]),
  perChannel: z.boolean().default(true),
  minElements: z.number().int().min(0).default(256),
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
});

type Options = z.infer<typeof options>;

/** Input positions of the weights, and the axis of their channels. */
function storedInputs(node: Node): { index: number; axis: number }[] {
  if (isOp(node, 'Conv')) return [{ index: 1, axis: 0 }];
  if (isOp(node, 'ConvTranspose')) return [{ index: 1, axis: 1 }];
  if (isOp(node, 'LSTM', 'GRU', 'RNN')) return [1, 2].map((index) => ({ index, axis: 1 }));
  if (isOp(node, 'Gather')) return [{ index: 0, axis: 0 }];
  if (isOp(node, 'Gemm')) return [{ index: 1, axis: intAttribute(node, 'transB', 0) ? 0 : 1 }];
  if (isOp(node, 'MatMul')) return [{ index: 1, axis: (shapeOf(node.inputs[1])?.length ?? 2) - 1 }];
  return [];
}

export const quantizeWeights = definePass<Options>({
  name: 'quantize-weights',
  summary: 'Weights stored in int8 per channel, expanded when used; computation stays float.',
  effect: 'lossy',
  options,

  requires: (model) => requireOpset(model, 'quantize-weights', 7),

  async apply(model, o, context) {
    const selected = selectNodes(model, o);
    const weights = createWeightQuantizer(context.engine);
    const cache: WeightCache = new Map();
    const skipped: Skip[] = [];
    let changed = 0;
    try {
      for (const node of nodesOf(model)) {
        if (!(o.ops as readonly string[]).includes(opKey(node))) continue;
        for (const place of storedInputs(node)) {
          if (!constantOf(node.inputs[place.index]) || isInteger(node)) continue;
          const reason = selected(node) ? obstacle(node, place.index, o) : 'excluded';
          if (reason) {
            if (!node.annotations.has('precision'))
              node.annotations.set('precision', { precision: 'float', reason });
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

/** What became of a weight, by the axis that it was quantised along. */
type WeightCache = Map<Value, Map<number | null, Promise<QuantizedWeight>>>;

type Noted = { precision: string; reason: string | null };

const isInteger = (node: Node) =>
  (node.annotations.get('precision') as Noted | undefined)?.precision === 'int8';

function obstacle(node: Node, index: number, o: Options): string | null {
  const value = node.inputs[index]!;
  const tensor = constantOf(value)!;
  if (tensor.dtype !== 'float32') return `weight-is-${tensor.dtype}`;
  if (tensor.dims.length < 2) return 'weight-has-1-dimension';
  if (elementCount(tensor.dims) === 0) return 'empty-weight';
  if (elementCount(tensor.dims) < o.minElements) return 'small-weight';
  if (isOp(node, 'Gather')) {
    if (tensor.dims.length !== 2 || intAttribute(node, 'axis', 0) !== 0) return 'not-an-embedding';
    const others = readers(value).filter((r) => !(isOp(r, 'Gather') && r.inputs[0] === value));
    if (others.length > 0 || isGraphOutput(value)) return `weight-also-read-by: ${opKey(others[0] ?? node)}`;
  }
  return null;
}

async function store(
  node: Node,
  { index, axis }: { index: number; axis: number },
  weights: WeightQuantizer,
  cache: WeightCache,
  o: Options,
): Promise<void> {
  const value = node.inputs[index]!;
  const weight = constantOf(value)!;
  const wantedAxis = o.perChannel ? axis : null;
  const byAxis = cache.get(value) ?? new Map<number | null, Promise<QuantizedWeight>>();
  cache.set(value, byAxis);
  const known = byAxis.get(wantedAxis) ?? weights.quantize(weight, wantedAxis, 'int8');
  byAxis.set(wantedAxis, known);
  const { quantized, scale } = await known;
  const reason = (node.annotations.get('precision') as Noted | undefined)?.reason ?? null;
  const put = (suffix: string, t: Tensor) => initializer(node, `${value.name}/${suffix}`, t);
  const table = put('quantized', quantized);
  if (isOp(node, 'Gather')) {
    lookUpStored(node, table, scale, put);
    return;
  }
  const spread = wantedAxis === null ? [] : weight.dims.map((d, i) => (i === wantedAxis ? d : 1));
  const expanded =
    expandedBefore(node, table) ??
    insertWeightExpand(value.name, table, put('scale', { ...scale, dims: spread }), node);
  setInput(node, index, expanded);
  node.annotations.set('precision', { precision: 'int8-weights', reason });
}

/** The float weight that an earlier node of the same graph already expands from this table. */
function expandedBefore(node: Node, table: Value): Value | null {
  const cast = readers(table).find((r) => isOp(r, 'Cast') && r.graph === node.graph);
  const scaled = cast && readers(cast.outputs[0]!)[0];
  return scaled && isOp(scaled, 'Mul') ? scaled.outputs[0]! : null;
}

/** The initializer for a tensor that was quantised once and may be read in several places. */
function initializer(node: Node, name: string, tensor: Tensor): Value {
  for (const v of node.graph.initializers) if (v.constant === tensor) return v;
  return addInitializer(node.graph, name, tensor);
}

/** Gather on the int8 table, then only the rows found are made float: Cast, times the gathered scales. */
function lookUpStored(
  node: Node,
  table: Value,
  scale: Tensor,
  put: (suffix: string, t: Tensor) => Value,
): void {
  const { graph } = node;
  const output = node.outputs[0]!;
  const base = node.name || output.name;
  const shape = shapeOf(output);
  const indices = node.inputs[1]!;
  const perRow = scale.dims.length > 0;
  const column = perRow ? put('scale', { ...scale, dims: [scale.dims[0]!, 1] }) : put('scale', scale);
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
  const factor = perRow ? put1('Gather', [column, indices], 'row_scale') : column;
  if (perRow) factor.type = tensorType('float32', shape ? [...shape.slice(0, -1), 1] : null);
  releaseOutput(node, 0);
  addNode(graph, { opType: 'Mul', name: `${base}/scaled`, inputs: [real, factor], outputs: [output] }, node);
  carryLayer(node, rows.producer!);
  rows.producer!.annotations.set('precision', { precision: 'int8-weights', reason: null });
  setInput(node, 1, null);
  removeNode(node);
}
