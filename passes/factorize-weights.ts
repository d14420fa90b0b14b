/** Low rank: products with a matrix become products with two thin ones, where that costs less.
 *    x·W → (x·A)·B,  W [k, n], A [k, r], B [r, n], r·(k + n) < k·n;   MatMul, Gemm, Conv 1×1
 *    error 0.05   part of a layer's output that may be lost, relative, root mean square · energy 0.99 (= 1 − error²)
 *    target 0.6   multiplications of these layers that stay, all at one energy · rank 32
 *  With samples, errors are those of the outputs (weights whitened by the second moments of their inputs, which are
 *  trusted as far as rows outnumber columns); without (data: false) those of the weights. Unlike zeros, this saves
 *  multiplications. Networks made of bottlenecks (MobileNetV2) have little to give.
 *  Left alone: where `maxCost` of the multiplications can't be met, weights read by several nodes, grouped convolutions,
 *  larger kernels, and matrices whose smaller side is over `maxSide` (the work grows with its cube).
 *  Source: Eckart & Young 1936; arXiv:2403.07378 (truncation-aware whitening). */

import { z } from 'zod';
import { filledBy } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type PassContext, type Skip } from '../src/compress/pipeline/pass.ts';
import { createFactorizer, errorAt, type Factorization, rankAt } from '../src/compress/prune/low-rank.ts';
import {
  findWeightLayers,
  type Layout,
  placesOf,
  type WeightLayer,
} from '../src/compress/prune/unstructured-layers.ts';
import { elementAt } from '../src/compress/prune/unstructured-masks.ts';
import { carryLayer } from '../src/compress/quant/layers.ts';
import { selectNodes } from '../src/compress/quant/name-patterns.ts';
import { floatAttribute, intAttribute } from '../src/model/ir/attribute.ts';
import {
  addInitializer,
  addNode,
  releaseOutput,
  removeInitializer,
  removeNode,
} from '../src/model/ir/edit.ts';
import { isOp, type Model, type Node, type Value } from '../src/model/ir/model.ts';
import { defineNote } from '../src/model/ir/note.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { inferNodeTypes } from '../src/model/ops/shapes.ts';
import { lowRankNeedsMoments, lowRankTargetMissing } from '../src/support/diagnostics/sparsity.ts';
import { formatPercent } from '../src/support/units.ts';

const share = z.number().gt(0).max(1);

const options = z.strictObject({
  error: z.number().min(0).lt(1).optional(),
  energy: share.optional(),
  target: filledBy(share.optional(), 'lowRank'),
  rank: z.number().int().min(1).optional(),
  /** Whiten by what the weights are multiplied with; needs samples. */
  data: filledBy(z.boolean().default(true), 'hasData'),
  /** Largest share of a layer's multiplications that may stay. */
  maxCost: share.default(0.9),
  maxSide: z.number().int().min(1).default(1536),
  minElements: z.number().int().min(0).default(4096),
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
});

type Options = z.infer<typeof options>;

export const factorizeWeights = definePass<Options>({
  name: 'factorize-weights',
  summary: 'Low rank: two thin products for one where that costs less',
  effect: 'lossy',
  stores: { form: 'factors', of: ['convolutions', 'matrix products'] },
  options,

  requires(_, { error, energy, target, rank }) {
    if ([error, energy, target, rank].filter((x) => x !== undefined).length !== 1)
      throw lowRankTargetMissing();
  },

  needs: (o) => ({ calibration: o.data }),

  observe(model, o) {
    return chosen(model, o).layers.flatMap((l) => l.moments(false) ?? []);
  },

  async apply(model, o, context) {
    const { layers, skipped } = chosen(model, o);
    const factorizer = createFactorizer(context.engine);
    try {
      const all: Factored[] = [];
      for (const layer of layers) {
        const weight = matrixOf(layer);
        const rows = context.statistics.samples * placesOf(layer);
        const shrinkage = weight.dims[0]! / (weight.dims[0]! + rows);
        const found = await factorizer.factorize(weight, momentsOf(layer, o, context), shrinkage);
        all.push({ layer, weight, found });
      }
      const ranks = ranksOf(all, o);
      let changed = 0;
      for (const [i, { layer, weight, found }] of all.entries()) {
        const rank = ranks[i] as number;
        const cost = costAt(weight, rank);
        if (cost > o.maxCost) {
          skipped.push({
            at: layer.name,
            reason: `does-not-pay: rank ${rank} costs ${formatPercent(cost, 0)}`,
          });
          continue;
        }
        const { a, b } = await found.atRank(rank);
        rewrite(model, layer, a, b, errorAt(found.eigenvalues, rank));
        changed++;
      }
      return { changed, skipped };
    } finally {
      await factorizer.close();
    }
  },
});

/** On the two products that stand for a weight. */
const factors = defineNote<Node, true>('factor');

interface Factored {
  readonly layer: WeightLayer;
  /** [k, n] */
  readonly weight: Tensor;
  readonly found: Factorization;
}

function chosen(model: Model, o: Options): { layers: WeightLayer[]; skipped: Skip[] } {
  const selected = selectNodes(model, o);
  const layers: WeightLayer[] = [];
  const skipped: Skip[] = [];
  for (const layer of findWeightLayers(model)) {
    if (!isProduct(layer) || factors.has(layer.node)) continue;
    const reason = obstacle(layer, o) ?? (selected(layer.node) ? null : 'excluded');
    if (reason) skipped.push({ at: layer.name, reason });
    else layers.push(layer);
  }
  return { layers, skipped };
}

const isProduct = ({ weight, layout }: WeightLayer): boolean =>
  layout !== null && layout.groups === 1 && layout.places === 1 && weight.forms.has('low-rank');

function obstacle(layer: WeightLayer, o: Options): string | null {
  const { value, layout, node } = layer;
  const { rows, columns } = layout as Layout;
  if (rows * columns < o.minElements) return `small-weight: ${rows * columns} elements`;
  if (value.uses.length > 1) return 'shared-weight';
  if (Math.min(rows, columns) > o.maxSide) return `too-large: ${columns}×${rows}`;
  if (isOp(node, 'Gemm') && intAttribute(node, 'transA', 0)) return 'gemm-transposes-input';
  return costAt({ dims: [columns, rows] }, 1) > o.maxCost ? 'does-not-pay: rank 1' : null;
}

/** @throws LOW_RANK_NEEDS_DATA */
function momentsOf(layer: WeightLayer, o: Options, context: PassContext): Float32Array | null {
  const request = o.data ? layer.moments(false) : null;
  if (!request) return null;
  const found = context.statistics.moments?.(request);
  if (!found) throw lowRankNeedsMoments(layer.name);
  return found.values;
}

/** Multiplications at a rank, relative to those of the one product. */
function costAt({ dims }: Pick<Tensor, 'dims'>, rank: number): number {
  const [k, n] = dims as [number, number];
  return (rank * (k + n)) / (k * n);
}

function ranksOf(all: readonly Factored[], o: Options): number[] {
  if (o.rank !== undefined)
    return all.map(({ found }) => Math.min(o.rank as number, found.eigenvalues.length));
  const at = (energy: number) => all.map(({ found }) => rankAt(found.eigenvalues, energy));
  if (o.energy !== undefined) return at(o.energy);
  if (o.error !== undefined) return at(1 - o.error ** 2);
  // Where the two products would not pay, the one product stays and counts in full.
  const size = (f: Factored) => elementCount(f.weight.dims) * placesOf(f.layer);
  const total = all.reduce((n, f) => n + size(f), 0);
  const costOf = (ranks: readonly number[]) =>
    all.reduce((n, f, i) => {
      const cost = costAt(f.weight, ranks[i] as number);
      return n + size(f) * (cost > o.maxCost ? 1 : cost);
    }, 0) / total;
  let [low, high] = [0, 1];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (costOf(at(middle)) > (o.target as number)) high = middle;
    else low = middle;
  }
  return at(low);
}

/** The weight as [k, n]. */
function matrixOf({ value, layout }: WeightLayer): Tensor {
  const { rows, columns } = layout as Layout;
  const source = float32Values(value.constant as Tensor);
  const values = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) values[c * rows + r] = source[elementAt(layout as Layout, r, c)]!;
  return tensorOf('float32', [columns, rows], values);
}

function rewrite(model: Model, { node, value }: WeightLayer, a: Tensor, b: Tensor, _error: number): void {
  const { graph } = node;
  const [k, r] = a.dims as [number, number];
  const [, n] = b.dims as [number, number];
  const isConv = isOp(node, 'Conv');
  const ones = value.constant!.dims.slice(2);
  const put = (suffix: string, t: Tensor) => addInitializer(graph, `${value.name}/${suffix}`, t);
  const alpha = isOp(node, 'Gemm') ? floatAttribute(node, 'alpha', 1) : 1;
  const last =
    alpha === 1
      ? b
      : tensorOf(
          'float32',
          b.dims,
          float32Values(b).map((x) => x * alpha),
        );
  const wa = put('a', isConv ? turned(a, [r, k, ...ones]) : a);
  const wb = put('b', isConv ? turned(last, [n, r, ...ones]) : last);
  const bias = isOp(node, 'MatMul') ? null : (node.inputs[2] ?? null);
  const output = releaseOutput(node, 0) as Value;
  const base = node.name || output.name;
  const first = addNode(
    graph,
    {
      opType: isConv ? 'Conv' : 'MatMul',
      name: `${base}/thin`,
      inputs: [node.inputs[0]!, wa],
      attributes: isConv ? node.attributes : {},
    },
    node,
  );
  const second = addNode(
    graph,
    {
      opType: node.opType,
      name: `${base}/wide`,
      inputs: bias ? [first.outputs[0]!, wb, bias] : [first.outputs[0]!, wb],
      outputs: [output],
      attributes: isOp(node, 'Gemm')
        ? { beta: node.attributes.get('beta') }
        : isConv
          ? { kernel_shape: ones.map(() => 1) }
          : {},
    },
    node,
  );
  inferNodeTypes(model, first);
  for (const made of [first, second]) factors.set(made, true);
  carryLayer(node, second);
  removeNode(node);
  if (graph.initializers.has(value)) removeInitializer(graph, value);
}

/** [k, n] transposed, with the kernel's ones behind. */
function turned(t: Tensor, dims: readonly number[]): Tensor {
  const [rows, columns] = t.dims as [number, number];
  const source = float32Values(t);
  const values = new Float32Array(source.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) values[c * rows + r] = source[r * columns + c]!;
  return tensorOf('float32', dims, values);
}
