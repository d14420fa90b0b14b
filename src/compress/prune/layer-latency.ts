/** What a layer takes at other widths, measured: every product of the network is run alone at a grid of widths on the
 *  target's runtime, and times between are interpolated. What is left of the whole network's time (activations, additions,
 *  overhead) is shared out by output elements. */

import type { Engine } from '../../compute/engine/contract.ts';
import { buildKernel, openKernel } from '../../compute/engine/kernel.ts';
import { inputsOf, noise, onesFor } from '../../compute/engine/latency-ratio.ts';
import type { RunContext } from '../../compute/engine/run-context.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import { isOp, type Model, type Node } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { Bindings } from '../../model/ops/dims.ts';
import { boundShape, inferShapes } from '../../model/ops/shapes.ts';
import { weightsOf } from '../../model/ops/weights.ts';
import { labelOf } from '../../model/rewrite/apply.ts';
import type { LayerCost } from './cost-model.ts';

/** Shares of a width that are measured. */
const grid = [0.25, 0.5, 0.75, 1] as const;

interface Product {
  readonly node: Node;
  readonly input: readonly number[];
  readonly weight: readonly number[];
  /** Axes of the weight that hold input and output channels. */
  readonly axes: { readonly input: number; readonly output: number };
  /** Axis of the input that holds its channels. */
  readonly channels: number;
  /** One filter a channel: input and output width are one. */
  readonly depthwise: boolean;
}

/** Milliseconds of a layer for planPruning's latency target. @param options  `bindings`: sizes for symbols, 1 otherwise
 *  @throws ENGINE_OPEN, ENGINE_RUN */
export async function measureLayers(
  model: Model,
  options: RunContext & { readonly bindings?: Bindings },
): Promise<LayerCost> {
  const { engine, signal } = options;
  const typed = cloneModel(model);
  inferShapes(typed);
  const bindings = { ...onesFor(typed), ...options.bindings };
  const products = typed.graph.nodes.flatMap((n) => productOf(n, bindings) ?? []);
  const kinds = new Map(products.map((p) => [signatureOf(p), p]));
  const tables = new Map<string, Map<string, number>>();
  const total = [...kinds.values()].reduce((n, p) => n + (p.depthwise ? grid.length : grid.length ** 2), 0);
  let done = 0;
  for (const [signature, product] of kinds) {
    const table = new Map<string, number>();
    for (const a of grid)
      for (const b of product.depthwise ? [a] : grid) {
        signal?.throwIfAborted();
        table.set(`${a} ${b}`, await timeProduct(engine, product, a, b));
        options.onProgress?.(++done, total);
      }
    tables.set(signature, table);
  }
  const known = new Map(products.map((p) => [labelOf(p.node), p]));
  const others = await timeOfTheRest(engine, typed, products, tables, bindings);
  return ({ name, inputs, outputs, node }) => {
    const product = known.get(name);
    const elements = sizeOf(outputs[0] ?? null);
    if (!product) return isFree(node) ? 0 : others * elements;
    const channels = (shape: readonly unknown[] | null, dense: number, axis: number) =>
      clamp(Number(shape?.[axis] ?? dense) / dense);
    const weight = inputs[1] ?? null;
    const output = channels(weight, product.weight[product.axes.output] ?? 1, product.axes.output);
    const input = product.depthwise
      ? output
      : channels(weight, product.weight[product.axes.input] ?? 1, product.axes.input);
    return interpolate(
      tables.get(signatureOf(product)) as Map<string, number>,
      input,
      output,
      product.depthwise,
    );
  };
}

const clamp = (share: number) => Math.min(1, Math.max(0, share));
const sizeOf = (shape: readonly unknown[] | null) =>
  (shape ?? []).reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);

/** Views and constants take no time; BatchNormalization is part of the convolution before it. */
const free = [
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Identity',
  'Constant',
  'Dropout',
  'BatchNormalization',
];

const isFree = (node: Node) => isOp(node, ...free);

/** A product by a constant that two thin ones could stand for, and so one of another width. */
function productOf(node: Node, bindings: Bindings): Product | null {
  const found = weightsOf(node, 'low-rank');
  const [place] = found.kind === 'known' ? found.weights : [];
  const weight = node.inputs[place?.index ?? -1]?.constant?.dims;
  const input = boundShape(node.inputs[place?.activation ?? -1]?.type ?? null, bindings);
  const { channel: output, reduced, groups = 1, kernel } = place?.layout ?? {};
  if (!input || !weight || weight.length < 2 || output == null) return null;
  const depthwise = groups > 1 && weight[1] === 1 && weight[0] === groups;
  // Grouped convolutions between the two extremes are rare; their time counts with the rest.
  if (groups > 1 && !depthwise) return null;
  const channels = kernel === 'channels-first' ? 1 : input.length - 1;
  return { node, input, weight, axes: { output, input: reduced![0]! }, channels, depthwise };
}

const signatureOf = ({ node, input, weight }: Product) =>
  `${node.opType} ${input} ${weight} ${[...node.attributes].map(([k, a]) => `${k}=${'value' in a ? String(a.value) : ''}`)}`;

async function timeProduct(engine: Engine, p: Product, a: number, b: number): Promise<number> {
  const part = (n: number, share: number) => Math.max(1, Math.round(n * share));
  const weight = [...p.weight];
  weight[p.axes.output] = part(p.weight[p.axes.output] ?? 1, b);
  if (!p.depthwise) weight[p.axes.input] = part(p.weight[p.axes.input] ?? 1, a);
  const input = [...p.input];
  input[p.channels] = part(p.input[p.channels] ?? 1, p.depthwise ? b : a);
  const attributes = Object.fromEntries(p.node.attributes);
  if (p.depthwise) attributes['group'] = { type: 'int', value: BigInt(weight[0] ?? 1) };
  const model = buildKernel((k) => {
    const x = k.input('x', 'float32', input);
    k.output('y', k.op(p.node.opType, [x, k.constant(noise(weight))], attributes), 'float32');
  });
  return timeModel(engine, model, { x: noise(input) });
}

async function timeModel(engine: Engine, model: Model, feeds: Record<string, Tensor>): Promise<number> {
  const session = await openKernel(engine, model, { threads: 1 });
  try {
    const times: number[] = [];
    await session.run(feeds);
    const end = performance.now() + measuredMs;
    while (times.length < least || (performance.now() < end && times.length < most)) {
      const start = performance.now();
      await session.run(feeds);
      times.push(performance.now() - start);
    }
    // The least: other programs on the machine only ever add to a time.
    return Math.min(...times);
  } finally {
    await session.close();
  }
}

const [measuredMs, least, most] = [40, 5, 200];

/** Milliseconds for an output element of what is not a product. */
async function timeOfTheRest(
  engine: Engine,
  model: Model,
  products: readonly Product[],
  tables: ReadonlyMap<string, ReadonlyMap<string, number>>,
  bindings: Bindings,
): Promise<number> {
  const feeds = inputsOf(model, bindings);
  if (!feeds) return 0;
  const whole = await timeModel(engine, model, feeds);
  const inProducts = products.reduce((ms, p) => ms + (tables.get(signatureOf(p))?.get('1 1') ?? 0), 0);
  const own = new Set(products.map((p) => p.node));
  const elements = model.graph.nodes
    .filter((n) => !own.has(n) && !isFree(n))
    .reduce((n, node) => n + sizeOf(boundShape(node.outputs[0]?.type ?? null, bindings)), 0);
  return elements > 0 ? Math.max(0, whole - inProducts) / elements : 0;
}

/** Bilinear between measured shares; below the least one, in proportion to the width. */
function interpolate(
  table: ReadonlyMap<string, number>,
  input: number,
  output: number,
  depthwise: boolean,
): number {
  const at = (a: number, b: number) => table.get(depthwise ? `${b} ${b}` : `${a} ${b}`) ?? 0;
  const [a0, a1, fa] = between(input);
  const [b0, b1, fb] = between(output);
  const low = at(a0, b0) * (1 - fb) + at(a0, b1) * fb;
  const high = at(a1, b0) * (1 - fb) + at(a1, b1) * fb;
  const value = low * (1 - fa) + high * fa;
  return value * Math.min(1, input / grid[0]) * (depthwise ? 1 : Math.min(1, output / grid[0]));
}

function between(share: number): [number, number, number] {
  const upper = grid.find((g) => g >= share) ?? 1;
  const lower = [...grid].reverse().find((g) => g <= share) ?? grid[0];
  return [lower, upper, upper === lower ? 0 : (share - lower) / (upper - lower)];
}
