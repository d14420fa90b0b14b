/** Decides, before anything is edited, what becomes int8 and what does not, each with its reason.
 *  Static: products with constant weights compute in int8 where the target's kernels gain from it; ops that only
 *  move, add or pool values between them join; a clamp after them is absorbed into the range. The rest stays float. */
import { floatAttribute, intAttribute } from '../../model/ir/attribute.ts';
import {
  constantOf,
  dtypeOf,
  type Graph,
  isGraphOutput,
  isOp,
  type Node,
  opKey,
  readers,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { elementCount } from '../../model/ir/tensor.ts';
import { constantBehind } from '../../model/ops/constant-behind.ts';
import { clampInterval, integerProduct, traitOf } from '../../model/ops/quantization.ts';
import { type StoredWeight, storedWeight } from '../../model/ops/stored-weight.ts';
import type { QuantizationTrait } from '../../model/ops/types.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';

export type Precision = 'int8' | 'int8-dynamic' | 'int8-weights' | 'q4' | 'float16' | 'float';

export interface Decision {
  readonly precision: Precision;
  /** Why it is not int8 compute; null when it is. */
  readonly reason: string | null;
}

/** Says whether an integer kernel is worth it on the target: null when it is, else the reason. */
export type KernelAdvice = (node: Node) => string | null;

/** What a target's runtime computes in integers. */
export interface IntegerKernels {
  readonly advice: KernelAdvice;
  /** How an operator that is no product joins products around it; undefined where it stays in float. */
  readonly trait: (node: Node) => QuantizationTrait | undefined;
  /** Whether a product that only floats read must have a scale for its result. */
  readonly scalesResult: (product: Node) => boolean;
}

export interface StaticPlan {
  readonly decisions: ReadonlyMap<Node, Decision>;
  /** Nodes that compute on integers: products and what joined them. */
  readonly region: ReadonlySet<Node>;
  /** Clamps that vanish because the range before them ends where they clamp. */
  readonly absorbed: ReadonlySet<Node>;
  /** Values that get Q and DQ, with how their readers are treated. */
  readonly tensors: ReadonlyMap<Value, PlannedTensor>;
  /** Values that share one scale; every planned tensor is in exactly one group. */
  readonly groups: readonly (readonly Value[])[];
}

interface PlannedTensor {
  /** Where the kernel prescribes the scale. */
  readonly range?: readonly [min: number, max: number];
  /** true: produced by an integer kernel, so every reader gets the dequantised value; false: only integer readers do. */
  readonly integerProducer: boolean;
}

/** Why a product can't be quantised at all (weight not constant, and the like); null when it can. */
export function productObstacle({ node, index, activation }: NodeWeight): string | null {
  const input = node.inputs[activation ?? 0];
  const weight = storedWeight(node.inputs[index]);
  if (!weight) return noWeightHere(node, index);
  if (elementCount(weight.tensor.dims) === 0) return 'empty-weight';
  if (weight.order.some((axis, i) => axis !== i)) return otherReader(weight);
  if (dtypeOf(input) === null) return 'type-unknown';
  return storedWeight(input) ? 'input-is-constant' : null;
}

/** Where the right factor is not a float constant: integers, the left one is the weight, or none is. */
function noWeightHere(node: Node, index: number): string {
  const stored = constantBehind(node.inputs[index]);
  if (stored) return `weight-is-${stored.tensor.dtype}`;
  const isLeft = node.inputs.some((v, i) => i < index && storedWeight(v));
  return isLeft ? 'weight-on-the-left' : noWeight(node);
}

/** A product of two activations, such as attention's, has no weight; where an operator takes one, it is computed. */
export const noWeight = (node: Node): string =>
  isOp(node, 'MatMul', 'Einsum') ? 'both-factors-are-activations' : 'weight-computed-at-run-time';

/** A weight that is turned round before it is read, and would have been for good did nothing else read it. */
function otherReader({ value }: StoredWeight): string {
  const other = value.uses.find(({ node }) => node && !isOp(node, 'Transpose', 'Cast', 'Identity'));
  return `weight-also-read-by: ${other?.node ? opKey(other.node) : 'another operator'}`;
}

/** What onnxruntime's integer kernels can't take in whatever type it is. */
export function formObstacle(weight: NodeWeight): string | null {
  const { node } = weight;
  if (!weight.layout || weight.layout.channel === null) return 'weight-has-1-dimension';
  const bias = weight.bias === null ? null : node.inputs[weight.bias];
  const c = storedWeight(bias);
  if (bias && !c) return 'bias-computed-at-run-time';
  if (!isOp(node, 'Gemm')) return null;
  if (intAttribute(node, 'transA', 0)) return 'gemm-transposes-input';
  if (floatAttribute(node, 'alpha', 1) !== 1) return 'gemm-alpha-not-1';
  if (!c) return null;
  if (floatAttribute(node, 'beta', 1) !== 1) return 'gemm-beta-not-1';
  const outputs = shapeOf(node.inputs[weight.index])?.[weight.layout.channel];
  const { dims } = c.tensor;
  const perOutput = elementCount(dims) === outputs && (outputs === 1 || dims.at(-1) === outputs);
  return perOutput ? null : 'gemm-bias-not-per-output';
}

export function planStatic(
  graph: Graph,
  chosen: (node: Node) => boolean,
  kernels: IntegerKernels,
): StaticPlan {
  const decisions = new Map<Node, Decision>();
  for (const node of graph.nodes) {
    const product = integerProduct(node);
    if (product) decisions.set(node, decideProduct(product, chosen, kernels.advice));
  }
  const products = new Set([...decisions].filter(([, d]) => d.precision === 'int8').map(([n]) => n));
  const region = growRegion(graph, products, chosen, kernels);
  const absorbed = new Set<Node>();
  const tensors = new Map<Value, PlannedTensor>();
  const groups = createGroups();
  for (const node of region) {
    const clamp = clampAfter(node);
    if (clamp) absorbed.add(clamp);
    const outputs = resultsOf(node, clamp);
    const inputs = activations(node, kernels);
    const trait = kernels.trait(node);
    const range = trait?.kind === 'fixed' ? trait.range : undefined;
    for (const output of outputs)
      if (quantizesOutput(node, output, region, kernels))
        tensors.set(output, range ? { integerProducer: true, range } : { integerProducer: true });
    for (const v of inputs) if (!tensors.has(v)) tensors.set(v, { integerProducer: false });
    if (trait?.kind === 'same-as-input') for (const output of outputs) groups.join(output, inputs[0]!);
    if (trait?.kind === 'same-as-output') for (const v of inputs) groups.join(outputs[0]!, v);
  }
  return { decisions, region, absorbed, tensors, groups: groups.of(tensors.keys()) };
}

/** What a node's integers become, once the clamp behind it is a part of it. */
const resultsOf = (node: Node, clamp: Node | null): Value[] =>
  clamp ? [clamp.outputs[0]!] : node.outputs.filter((v): v is Value => v !== null && v.uses.length > 0);

function decideProduct(product: NodeWeight, chosen: (node: Node) => boolean, advice: KernelAdvice): Decision {
  const obstacle = productObstacle(product);
  if (obstacle) return { precision: 'float', reason: obstacle };
  if (!chosen(product.node)) return { precision: 'float', reason: 'excluded' };
  const form = formObstacle(product);
  if (form) return { precision: 'float', reason: form };
  const against = advice(product.node);
  if (against) return { precision: 'int8-weights', reason: against };
  // Graphs of other types are widened before, where an integer kernel pays.
  const dtype = dtypeOf(product.node.inputs[product.activation ?? 0]);
  return dtype === 'float32'
    ? { precision: 'int8', reason: null }
    : { precision: 'float', reason: `input-is-${dtype}` };
}

/** Adds the ops between products whose inputs all come from integer kernels and whose output goes to one. */
function growRegion(
  graph: Graph,
  products: ReadonlySet<Node>,
  chosen: (node: Node) => boolean,
  kernels: IntegerKernels,
): Set<Node> {
  const fed = new Set(products);
  const source = (v: Value): Node | null => {
    const p = v.producer;
    return p && traitOf(p)?.kind === 'clamp' && clampInterval(p) ? (p.inputs[0]?.producer ?? null) : p;
  };
  for (const node of graph.nodes) {
    const kind = kernels.trait(node)?.kind;
    if (kind === undefined || kind === 'clamp') continue;
    if (!chosen(node)) continue;
    const inputs = activations(node, kernels);
    if (inputs.length === 0 || inputs.some((v) => constantOf(v) || dtypeOf(v) !== 'float32')) continue;
    if (inputs.every((v) => fed.has(source(v)!))) fed.add(node);
  }
  const region = new Set(products);
  for (const node of [...graph.nodes].reverse()) {
    if (!fed.has(node) || region.has(node)) continue;
    const next = resultsOf(node, clampAfter(node)).flatMap((v) => readers(v));
    if (next.some((r) => region.has(r))) region.add(node);
  }
  return region;
}

/** The float values that an op computes from, weights and shape inputs left out. */
export function activations(node: Node, { trait }: Pick<IntegerKernels, 'trait'>): Value[] {
  const product = integerProduct(node);
  if (product) return [node.inputs[product.activation ?? 0]!];
  const all = node.inputs.filter((v): v is Value => v !== null);
  return trait(node)?.kind === 'same-as-input' ? all.slice(0, 1) : all.filter(isNoIndex);
}

const isNoIndex = (v: Value) => dtypeOf(v) !== 'int64';

/** The clamp that alone reads a node's output, if its interval is known. */
function clampAfter(node: Node): Node | null {
  const output = node.outputs[0]!;
  if (output.uses.length !== 1) return null;
  const next = readers(output)[0];
  return next && traitOf(next)?.kind === 'clamp' && clampInterval(next) && next.inputs[0] === output
    ? next
    : null;
}

function quantizesOutput(
  node: Node,
  output: Value,
  region: ReadonlySet<Node>,
  { scalesResult }: IntegerKernels,
): boolean {
  if (!integerProduct(node) || scalesResult(node)) return true;
  return !isGraphOutput(output) && readers(output).every((r) => region.has(r)) && output.uses.length > 0;
}

/** Union–find over values. */
function createGroups() {
  const parent = new Map<Value, Value>();
  const root = (v: Value): Value => {
    const p = parent.get(v) ?? v;
    if (p === v) return v;
    const r = root(p);
    parent.set(v, r);
    return r;
  };
  return {
    join: (a: Value, b: Value): void => void parent.set(root(a), root(b)),
    of(values: Iterable<Value>): Value[][] {
      const byRoot = new Map<Value, Value[]>();
      for (const v of values) {
        const r = root(v);
        byRoot.get(r)?.push(v) ?? byRoot.set(r, [v]);
      }
      return [...byRoot.values()];
    },
  };
}
