/** What is left of a pruned model fitted to what the dense one answered, layer by layer, without training and without labels:
 *  every layer that reads fewer or changed channels gets the weights that come nearest, in least squares over samples, to the
 *  dense layer's answer. Layers are taken in order, each seeing what those before it now give. Where a layer's answer is added
 *  to a residual stream, it is fitted to the dense stream, so that it also mends what went wrong upstream.
 *  Source: He, Zhang & Sun 2017, arXiv:1707.06168 (least squares, and its "multi-branch" targets). */

import {
  type AddOperator,
  answersOf,
  inGroups,
  integers,
  operators,
  products,
  rowsOf,
} from '../../compute/calibrate/rows.ts';
import type { Samples } from '../../compute/calibrate/run-samples.ts';
import { stackedSamples } from '../../compute/calibrate/stacked.ts';
import type { MomentRequest } from '../../compute/calibrate/statistics.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import type { Watchable } from '../../compute/engine/run-context.ts';
import { floatAttribute } from '../../model/ir/attribute.ts';
import { addInitializer, setConstant } from '../../model/ir/edit.ts';
import { constantOf, type Graph, isOp, type Model, type Node, type Value } from '../../model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import { branchOf, interceptOf, isByChannel } from './answer-path.ts';
import { dampingFor, fitWeights, type ProductSums } from './least-squares.ts';
import { type Joint, openSideBySide, type SideBySide } from './side-by-side.ts';
import { findWeightLayers, type Layout, placesOf, type WeightLayer } from './unstructured-layers.ts';

export interface PrunedPair {
  /** Before pruning, of opset 13 or later. Values that both have carry the same names. */
  readonly dense: Model;
  readonly pruned: Model;
  /** For every layer's answer that has lost channels, by its name: the indices that stay. */
  readonly outputs: ReadonlyMap<string, readonly number[]>;
}

export interface ReconstructOptions extends Watchable {
  /** Of the fit, as a share of the mean variance of a layer's inputs. Default 0.01. */
  readonly damping?: number;
  /** Layers that sum over more keep their weights; the work grows with the cube. Default 2304. */
  readonly maxColumns?: number;
}

export interface Reconstructed {
  /** Layers whose weights were fitted. */
  readonly fitted: number;
  /** Layers that keep their weights although what they read has changed. */
  readonly skipped: readonly { readonly at: string; readonly reason: string }[];
}

/** Edits `pruned`, which is as good as the samples are like what it will see: 128 to 512 pictures.
 *  @throws ENGINE_OPEN, ENGINE_RUN, CALIBRATION_NOT_FINITE */
export async function reconstruct(
  engine: Engine,
  { dense, pruned, outputs }: PrunedPair,
  samples: Samples,
  options: ReconstructOptions = {},
): Promise<Reconstructed> {
  const skipped: { at: string; reason: string }[] = [];
  const layers: Fittable[] = [];
  const known = new Map(findWeightLayers(dense).map((l) => [l.value.name, l]));
  for (const layer of changedLayers(dense, pruned)) {
    const found = fittable(layer, known.get(layer.value.name), options.maxColumns ?? 2304);
    if (typeof found === 'string') skipped.push({ at: layer.name, reason: found });
    else layers.push(found);
  }
  const together = Math.min(...layers.map(togetherFor));
  const stacked = await stackedSamples(samples, dense.graph, together);
  const { signal } = options;
  const pair = openSideBySide(engine, dense, pruned, stacked, { stack: together, signal });
  for (const [i, layer] of layers.entries()) {
    await pair.advance(layer.node);
    const sums = await measure(pair, layer, outputs.get(layer.answer.name));
    refit(layer, sums, options.damping ?? 0.01);
    options.onProgress?.(i + 1, layers.length);
  }
  return { fitted: layers.length, skipped };
}

/** A layer that can be fitted. */
interface Fittable {
  readonly node: Node;
  readonly value: Value;
  readonly layout: Layout;
  readonly request: MomentRequest;
  /** What its weights are multiplied with, and what it answers. */
  readonly input: Value;
  readonly answer: Value;
  /** Channels of the dense layer's answer. */
  readonly width: number;
}

/** Layers that read something other than they did: those behind the first weights that were cut. */
function changedLayers(dense: Model, pruned: Model): WeightLayer[] {
  const before = new Map([...dense.graph.initializers].map((v) => [v.name, v.constant?.dims.join()]));
  const changed = new Set<Value>();
  for (const node of pruned.graph.nodes) {
    const cut = node.inputs.some((v) => v?.constant && before.get(v.name) !== v.constant.dims.join());
    if (!cut && !node.inputs.some((v) => v && changed.has(v))) continue;
    for (const v of node.outputs) if (v) changed.add(v);
  }
  return findWeightLayers(pruned).filter(({ node }) => node.inputs[0] && changed.has(node.inputs[0]));
}

/** Or the reason why it can't be fitted. */
function fittable(layer: WeightLayer, before: WeightLayer | undefined, most: number): Fittable | string {
  const { node, value, layout, weight } = layer;
  const request = layer.moments(false);
  const [input] = node.inputs;
  const [answer] = node.outputs;
  if (!layout || !request || !input || !answer || !before?.layout) return `no-fit-for-${node.opType}`;
  if (value.uses.length > 1) return 'weights-read-twice';
  if (layout.columns > most) return `too-wide: sums over ${layout.columns}`;
  if (isOp(node, 'Gemm') && (floatAttribute(node, 'alpha', 1) !== 1 || floatAttribute(node, 'beta', 1) !== 1))
    return 'scaled-Gemm';
  const bias = weight.bias === null ? null : node.inputs[weight.bias];
  if (bias && !isByChannel(constantOf(bias), layout.rows)) return 'bias-not-by-channel';
  return { node, value, layout, request, input, answer, width: before.layout.rows };
}

/** So many samples at a time that unfolded inputs stay below 32 MiB. */
const togetherFor = (layer: Fittable) =>
  Math.max(
    1,
    Math.min(32, Math.floor(2 ** 23 / (placesOf(layer) * layer.layout.columns * layer.layout.groups))),
  );

/** Sums the products that a fit needs, one group of a convolution after the other.
 *  @param kept  channels of the dense layer's answer that are left, undefined: all */
async function measure(
  pair: SideBySide,
  { layout, request, input, answer, width }: Fittable,
  kept: readonly number[] | undefined,
): Promise<ProductSums[]> {
  const sums = [new Float64Array(), new Float64Array()];
  const { groups, rows, columns } = layout;
  const sumsOver = (joint: Joint) => {
    const { graph } = joint;
    const op = operators(graph);
    const target = (value: Value) => {
      const rows = answersOf(graph, value, request.patches, width);
      return kept ? op('Gather', [rows, integers(graph, ...kept)], { axis: 1 }) : rows;
    };
    let y = target(joint.dense(answer.name) as Value);
    const branch = branchOf(answer, request.patches ? 1 : -1);
    const [was, is] = branch ? [joint.dense(branch.stream.name), joint.pruned(branch.stream)] : [];
    if (branch && was && is) {
      const missing = op('Sub', [target(was), answersOf(graph, is, request.patches, rows)]);
      y = op('Add', [y, branch.scale ? op('Mul', [missing, inverse(graph, branch.scale)]) : missing]);
    }
    const flat = rowsOf(graph, joint.pruned(input) as Value, request.patches);
    const x = withOnes(op, graph, inGroups(graph, flat, groups, groups * columns));
    const found = [x, inGroups(graph, y, groups, rows)].map((v) => products(graph, v, x, groups));
    for (const v of found) v.type = tensorType('float32', null);
    return found;
  };
  await pair.run(sumsOver, (tensors, sample) => {
    tensors.forEach((t, k) => {
      const values = float32Values(t);
      if (sums[k]!.length === 0) sums[k] = new Float64Array(values.length);
      const total = sums[k]!;
      for (let i = 0; i < values.length; i++) total[i]! += values[i]!;
      if (!Number.isFinite(total[0]!)) throw calibrationNotFinite(answer.name, sample.id);
    });
  });
  const [xx, yx] = sums as [Float64Array, Float64Array];
  return Array.from({ length: groups }, (_, g) => {
    const part = (all: Float64Array) =>
      all.subarray((g * all.length) / groups, ((g + 1) * all.length) / groups);
    return apart(part(xx), part(yx), rows / groups, columns);
  });
}

/** A last column of ones: products with it are sums. */
function withOnes(op: AddOperator, graph: Graph, x: Value): Value {
  const [start, end, axis] = [integers(graph, 0), integers(graph, 1), integers(graph, -1)];
  const zeros = op('Mul', [op('Slice', [x, start, end, axis]), number(graph, 0)]);
  return op('Concat', [x, op('Add', [zeros, number(graph, 1)])], { axis: -1 });
}

const number = (graph: Graph, value: number) =>
  addInitializer(graph, 'edgepress/number', tensorOf('float32', [], [value]));

/** A channel that is scaled by almost nothing can mend almost nothing. */
const inverse = (graph: Graph, scale: Float64Array) =>
  addInitializer(
    graph,
    'edgepress/inverse',
    tensorOf(
      'float32',
      [scale.length],
      scale.map((s) => (Math.abs(s) < leastScale ? 0 : 1 / s)),
    ),
  );

const leastScale = 1e-3;

/** @param xx  [columns + 1, columns + 1] @param yx  [rows, columns + 1] */
function apart(xx: Float64Array, yx: Float64Array, rows: number, columns: number): ProductSums {
  const wide = columns + 1;
  const take = (from: Float64Array, n: number) => {
    const inner = new Float64Array(n * columns);
    for (let r = 0; r < n; r++) inner.set(from.subarray(r * wide, r * wide + columns), r * columns);
    return inner;
  };
  return {
    places: xx[wide * wide - 1]!,
    xx: take(xx, columns),
    yx: take(yx, rows),
    x: xx.slice(columns * wide, columns * wide + columns),
    y: Float64Array.from({ length: rows }, (_, r) => yx[r * wide + columns]!),
  };
}

/** @param sums  of each group of rows */
function refit({ node, value, layout }: Fittable, sums: readonly ProductSums[], damping: number): void {
  const { rows, columns, rowStride, columnStride, groups } = layout;
  const tensor = value.constant as Tensor;
  const next = float32Values(tensor).slice();
  const home = interceptOf(node, rows);
  const intercept = new Float64Array(rows);
  const few = rows / groups;
  for (const [g, own] of sums.entries()) {
    const at = (k: number) => (g * few + Math.floor(k / columns)) * rowStride + (k % columns) * columnStride;
    const prior = Float64Array.from({ length: few * columns }, (_, k) => next[at(k)]!);
    const fit = fitWeights(own, prior, dampingFor(damping, columns, own.places), home !== null);
    for (let k = 0; k < prior.length; k++) next[at(k)] = fit.weights[k]!;
    intercept.set(fit.intercept, g * few);
  }
  setConstant(value, tensorOf('float32', tensor.dims, next));
  home?.add(home.own ? intercept.map((v, i) => v - home.own![i]!) : intercept);
}
