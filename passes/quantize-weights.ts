/** Weights stored in int8, computation in float: the file shrinks to a quarter, the numbers hardly change.
 *    W ≈ s_c·(Wq − z), one scale an output channel (products), gate row (LSTM, GRU, RNN) or row (embeddings)
 *  Cast and Mul before the op, which runtimes fold once at load (a DequantizeLinear they would run every time, or turn
 *  into MatMulNBits, slow on wasm); embeddings are looked up in int8 and only the rows found are scaled. A table that also
 *  scores the tokens, through a Transpose, is stored once for both. Which inputs are weights, and along which axis their
 *  channels lie, is what src/model/ops/weights.ts says; float16, bfloat16 and float64 ones, bare or behind a Cast, are
 *  expanded in float32 and cast to what is read.
 *  Left alone: ops that compute in int8 already, weights under `minElements`, weights that something else goes on
 *  reading in float.
 *  Source: ONNX Cast-13, Mul-14, Gather-13; onnxruntime ConstantFolding. */
import { z } from 'zod';
import { filledBy, selectionOptions } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { insertWeightExpand, sharedInitializer } from '../src/compress/quant/insert.ts';
import { carryLayer, decide, decisionOf } from '../src/compress/quant/layers.ts';
import { selectNodes } from '../src/compress/quant/name-patterns.ts';
import {
  createWeightQuantizer,
  type QuantizedWeight,
  type WeightQuantizer,
} from '../src/compute/engine/quantize-kernel.ts';
import { type DType, dtypes } from '../src/model/ir/dtype.ts';
import { addNode, releaseOutput, removeNode, setInput } from '../src/model/ir/edit.ts';
import {
  constantOf,
  dtypeOf,
  isOp,
  type Node,
  opKey,
  readers,
  shapeOf,
  type Value,
} from '../src/model/ir/model.ts';
import { elementCount, type Tensor } from '../src/model/ir/tensor.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { nodesOf } from '../src/model/ir/walk.ts';
import { inFloat32, isFloatWeight, readsThrough, type WeightRead } from '../src/model/ops/stored-weight.ts';
import { isMatrixRole, operatorsWith } from '../src/model/ops/weights.ts';

const storable = operatorsWith('int8-stored');

const options = z.strictObject({
  ops: z.array(z.enum(storable)).default(storable),
  perChannel: filledBy(z.boolean().default(true), 'perTensor', (whole) => !whole),
  /** Less than this, and fold-constants would make it float again: three bytes each, 1024 allowed. */
  minElements: z.number().int().min(0).default(342),
  ...selectionOptions,
});

type Options = z.infer<typeof options>;

export const quantizeWeights = definePass<Options>({
  name: 'quantize-weights',
  summary: 'Weights stored in int8 per channel, expanded when used; computation stays float',
  effect: 'lossy',
  stores: { form: 'int8', of: ['convolutions', 'matrix products', 'recurrent networks', 'embeddings'] },
  options,

  needs: () => ({ opset: 7 }),

  async apply(model, o, context) {
    const selected = selectNodes(model, o);
    const weights = createWeightQuantizer(context.engine);
    const cache: WeightCache = new Map();
    const skipped: Skip[] = [];
    let changed = 0;
    try {
      for (const node of nodesOf(model))
        for (const entry of entriesOf(node, o)) {
          const reason = obstacle(entry, o, selected);
          if (reason) {
            for (const reader of readersOf(entry)) noteFloat(reader, reason);
            skipped.push({ at: node.name || node.outputs.find((v) => v)!.name, reason });
          } else {
            await store(entry, weights, cache, o);
            changed++;
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

/** A weight where a node reads it: the operator itself, or the Cast or Transpose that it reads the weight through. */
interface Entry {
  readonly node: Node;
  readonly index: number;
  readonly value: Value;
  readonly tensor: Tensor;
  readonly reads: readonly WeightRead[];
}

/** The weights that a node reads bare, for itself or for those behind it, where all of those are chosen; also what
 *  an operator reads that nobody knows. */
function entriesOf(node: Node, o: Options): Entry[] {
  return node.inputs.flatMap((value, index) => {
    const tensor = constantOf(value);
    if (!value || !tensor) return [];
    const reads = readsThrough({ node, index }, tensor);
    const isEntry = reads.some(isMatrix) ? reads.every((r) => isChosen(r, o)) : mayBeWeight(reads, tensor, o);
    return isEntry ? [{ node, index, value, tensor, reads }] : [];
  });
}

const isMatrix = ({ weight, use }: WeightRead): boolean =>
  use.node !== undefined && typeof weight === 'object' && weight !== null && isMatrixRole(weight.role);

const isChosen = ({ use, weight }: WeightRead, o: Options): boolean =>
  use.node !== undefined &&
  (weight === 'unknown-operator' ||
    ((o.ops as readonly string[]).includes(opKey(use.node)) && !isInteger(use.node)));

/** Too large for a setting, in an operator that has no row. */
const mayBeWeight = (reads: readonly WeightRead[], tensor: Tensor, o: Options): boolean =>
  reads.some((r) => r.weight === 'unknown-operator') &&
  isFloatWeight(tensor) &&
  elementCount(tensor.dims) >= o.minElements;

const readersOf = ({ reads }: Entry): Node[] => reads.flatMap(({ use }) => use.node ?? []);

function noteFloat(node: Node, reason: string): void {
  if (!decisionOf(node)) decide(node, { precision: 'float', reason });
}

const isInteger = (node: Node) => decisionOf(node)?.precision === 'int8';

function obstacle(entry: Entry, o: Options, selected: (node: Node) => boolean): string | null {
  const { tensor, value, reads } = entry;
  const count = elementCount(tensor.dims);
  const unknown = reads.find((r) => r.weight === 'unknown-operator');
  if (unknown) return `unknown-operator: ${opKey(unknown.use.node!)}`;
  if (!isFloatWeight(tensor)) return `weight-is-${tensor.dtype}`;
  if (tensor.dims.length < 2) return 'weight-has-1-dimension';
  if (count === 0) return 'empty-weight';
  if (count < o.minElements) return 'small-weight';
  if (o.perChannel && count === tensor.dims[axisOf(reads[0]!) ?? -1]) return 'one-number-a-channel';
  for (const read of reads) {
    const own = readObstacle(read, o, selected);
    if (own) return reads.length === 1 ? own : alsoReadBy(read);
  }
  if (new Set(reads.map(axisOf)).size > 1) return 'read-along-different-axes';
  // The float weight would stay in the file for the other reader, with the integers beside it.
  const all = value.uses.flatMap((use) => readsThrough(use, tensor));
  const other = all.find((read) => readObstacle(read, o, selected) !== null);
  return other ? alsoReadBy(other) : null;
}

const alsoReadBy = ({ use }: WeightRead) =>
  `weight-also-read-by: ${use.node ? opKey(use.node) : 'an output of the model'}`;

/** Axis of the stored tensor along which the reader's channels lie. */
function axisOf({ weight, order }: WeightRead): number | null {
  const channel = typeof weight === 'object' ? weight?.layout?.channel : undefined;
  return channel === undefined || channel === null ? null : (order[channel] ?? null);
}

/** Why a weight can't be read from integers here. */
function readObstacle(read: WeightRead, o: Options, selected: (node: Node) => boolean): string | null {
  const { use, weight } = read;
  if (!use.node || weight === null || weight === 'unknown-operator') return 'not-a-weight';
  if (!isChosen(read, o)) return 'operator-not-chosen';
  if (!weight.forms.has('int8-stored')) return 'not-a-weight';
  if (!weight.layout) return 'weight-layout-unknown';
  if (!selected(use.node)) return 'excluded';
  const isLookUp = weight.role === 'table' && (weight.layout.channel !== 0 || read.order.length !== 2);
  return isLookUp ? 'not-an-embedding' : null;
}

async function store(entry: Entry, weights: WeightQuantizer, cache: WeightCache, o: Options): Promise<void> {
  const { node, value, tensor, reads } = entry;
  const wantedAxis = o.perChannel ? axisOf(reads[0]!) : null;
  const byAxis = cache.get(value) ?? new Map();
  cache.set(value, byAxis);
  let stored = byAxis.get(wantedAxis);
  if (!stored) {
    const { quantized, scale } = await weights.quantize(inFloat32(tensor), wantedAxis, 'int8');
    const dims = wantedAxis === null ? [] : tensor.dims.map((d, i) => (i === wantedAxis ? d : 1));
    stored = { quantized, scale: { ...scale, dims } };
    byAxis.set(wantedAxis, stored);
  }
  const table = sharedInitializer(node.graph, `${value.name}/quantized`, stored.quantized);
  const scale = sharedInitializer(node.graph, `${value.name}/scale`, stored.scale);
  for (const read of reads) readStored(entry, read, table, scale);
}

/** Lets a reader, or the first Transpose before it, read the expanded integers instead of the float weight. */
function readStored({ node, value }: Entry, { use, path }: WeightRead, table: Value, scale: Value): void {
  const reader = use.node as Node;
  const turn = path.find((n) => isOp(n, 'Transpose'));
  if (isOp(reader, 'Gather') && !turn) {
    lookUpStored(reader, table, scale);
    return;
  }
  const [target, index] = turn ? [turn, 0] : [reader, use.index];
  const dtype = dtypeOf(target.inputs[index]) ?? 'float32';
  const known = expandedBefore(node, table, dtype);
  setInput(target, index, known ?? insertWeightExpand(value.name, table, scale, node, dtype));
  const reason = decisionOf(reader)?.reason ?? null;
  decide(reader, { precision: 'int8-weights', reason });
}

/** The float weight that an earlier node of the same graph already expands from this table. */
function expandedBefore(node: Node, table: Value, dtype: DType): Value | null {
  const inGraph = (v: Value | undefined, op: string) =>
    v && readers(v).find((r) => isOp(r, op) && r.graph === node.graph)?.outputs[0];
  const scaled = inGraph(inGraph(table, 'Cast') ?? undefined, 'Mul') ?? undefined;
  if (dtype === 'float32' || !scaled) return scaled ?? null;
  return readers(scaled).find((r) => isOp(r, 'Cast') && dtypeOf(r.outputs[0]) === dtype)?.outputs[0] ?? null;
}

/** Gather on the int8 table, then only the rows found are made float: Cast, times the gathered scales. */
function lookUpStored(node: Node, table: Value, scale: Value): void {
  const { graph } = node;
  const output = node.outputs[0]!;
  const base = node.name || output.name;
  const shape = shapeOf(output);
  const indices = node.inputs[1]!;
  const perRow = scale.constant!.dims.length > 0;
  const dtype = dtypeOf(output) ?? 'float32';
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
  const scaled = `${base}/scaled`;
  const isWide = dtype === 'float32';
  const outputs = [isWide ? output : scaled];
  const product = addNode(graph, { opType: 'Mul', name: scaled, inputs: [real, factor], outputs }, node);
  if (!isWide) {
    product.outputs[0]!.type = tensorType('float32', shape);
    addNode(
      graph,
      {
        opType: 'Cast',
        name: `${base}/${dtype}`,
        inputs: product.outputs,
        outputs: [output],
        attributes: { to: dtypes[dtype].code },
      },
      node,
    );
  }
  carryLayer(node, rows.producer!);
  decide(rows.producer!, { precision: 'int8-weights', reason: null });
  setInput(node, 1, null);
  removeNode(node);
}
