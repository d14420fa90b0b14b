/** Decides, before anything is edited, what becomes int8 and what does not, each with its reason.
 *  Static: products with constant weights compute in int8 where the target's kernels gain from it; ops that only
 *  move, add or pool values between them join; a clamp after them is absorbed into the range. The rest stays float. */
import { floatAttribute, intAttribute } from '../../model/ir/attribute.ts';
import {
  constantOf,
  dtypeOf,
  type Graph,
  isGraphOutput,
  type Node,
  readers,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { elementCount } from '../../model/ir/tensor.ts';
import { clampInterval, type QuantizationTrait, traitOf } from '../../model/ops/quantization.ts';

export type Precision = 'int8' | 'int8-dynamic' | 'int8-weights' | 'q4' | 'float16' | 'float';

export interface Decision {
  readonly precision: Precision;
  /** Why it is not int8 compute; null when it is. */
  readonly reason: string | null;
}

/** Says whether an integer kernel is worth it on the target: null when it is, else the reason. */
export type KernelAdvice = (node: Node) => string | null;

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

export interface PlannedTensor {
  /** true: produced by an integer kernel, so every reader gets the dequantised value; false: only integer readers do. */
  readonly integerProducer: boolean;
}

type Product = Extract<QuantizationTrait, { kind: 'product' }>;

export const isProduct = (node: Node) => traitOf(node)?.kind === 'product';

/** Why a product can't be quantised at all (weight not constant, and the like); null when it can. */
export function productObstacle(node: Node, trait: Product): string | null {
  const weight = constantOf(node.inputs[trait.weight]);
  if (!weight) return 'weight-computed-at-run-time';
  if (weight.dtype !== 'float32') return `weight-is-${weight.dtype}`;
  if (elementCount(weight.dims) === 0) return 'empty-weight';
  if (dtypeOf(node.inputs[trait.activation]) === null) return 'type-unknown';
  if (constantOf(node.inputs[trait.activation])) return 'input-is-constant';
  return null;
}

/** What onnxruntime's integer kernels can't take. */
function kernelObstacle(node: Node, trait: Product): string | null {
  const added = trait.bias === null ? null : node.inputs[trait.bias];
  if (added && !constantOf(added)) return 'bias-computed-at-run-time';
  if (node.opType !== 'Gemm') return null;
  if (intAttribute(node, 'transA', 0)) return 'gemm-transposes-input';
  if (floatAttribute(node, 'alpha', 1) !== 1) return 'gemm-alpha-not-1';
  const bias = node.inputs[2];
  if (!bias) return null;
  if (floatAttribute(node, 'beta', 1) !== 1) return 'gemm-beta-not-1';
  const c = constantOf(bias);
  const weight = shapeOf(node.inputs[1]);
  const outputs = weight?.[intAttribute(node, 'transB', 0) ? 0 : 1];
  const perOutput = c && elementCount(c.dims) === outputs && (outputs === 1 || c.dims.at(-1) === outputs);
  return perOutput ? null : 'gemm-bias-not-per-output';
}

export function planStatic(graph: Graph, chosen: (node: Node) => boolean, advice: KernelAdvice): StaticPlan {
  const decisions = new Map<Node, Decision>();
  for (const node of graph.nodes) {
    const trait = traitOf(node);
    if (trait?.kind !== 'product') continue;
    decisions.set(node, decideProduct(node, trait, chosen, advice));
  }
  const products = new Set([...decisions].filter(([, d]) => d.precision === 'int8').map(([n]) => n));
  const region = growRegion(graph, products, chosen);
  const absorbed = new Set<Node>();
  const outputOf = (node: Node): Value => {
    const clamp = clampAfter(node);
    if (!clamp) return node.outputs[0]!;
    absorbed.add(clamp);
    return clamp.outputs[0]!;
  };
  const tensors = new Map<Value, PlannedTensor>();
  const groups = new Groups();
  for (const node of region) {
    const output = outputOf(node);
    const inputs = activations(node);
    const kind = traitOf(node)!.kind;
    if (quantizesOutput(node, output, region)) tensors.set(output, { integerProducer: true });
    for (const v of inputs) if (!tensors.has(v)) tensors.set(v, { integerProducer: false });
    if (kind === 'same-as-input') groups.join(output, inputs[0]!);
    if (kind === 'same-as-output') for (const v of inputs) groups.join(output, v);
  }
  return { decisions, region, absorbed, tensors, groups: groups.of(tensors.keys()) };
}

function decideProduct(
  node: Node,
  trait: Product,
  chosen: (node: Node) => boolean,
  advice: KernelAdvice,
): Decision {
  const obstacle = productObstacle(node, trait);
  if (obstacle) return { precision: 'float', reason: obstacle };
  if (!chosen(node)) return { precision: 'float', reason: 'excluded' };
  const kernel = kernelObstacle(node, trait);
  if (kernel) return { precision: 'float', reason: kernel };
  const against = advice(node);
  return against ? { precision: 'int8-weights', reason: against } : { precision: 'int8', reason: null };
}

/** Adds the ops between products whose inputs all come from integer kernels and whose output goes to one. */
function growRegion(graph: Graph, products: ReadonlySet<Node>, chosen: (node: Node) => boolean): Set<Node> {
  const fed = new Set(products);
  const source = (v: Value): Node | null => {
    const p = v.producer;
    return p && traitOf(p)?.kind === 'clamp' && clampInterval(p) ? (p.inputs[0]?.producer ?? null) : p;
  };
  for (const node of graph.nodes) {
    const kind = traitOf(node)?.kind;
    if (kind === undefined || kind === 'product' || kind === 'clamp' || kind === 'activation-product')
      continue;
    if (!chosen(node)) continue;
    const inputs = activations(node);
    if (inputs.length === 0 || inputs.some((v) => constantOf(v) || dtypeOf(v) !== 'float32')) continue;
    if (inputs.every((v) => fed.has(source(v)!))) fed.add(node);
  }
  const region = new Set(products);
  for (const node of [...graph.nodes].reverse()) {
    if (!fed.has(node) || region.has(node)) continue;
    const clamp = clampAfter(node);
    const next = readers((clamp ?? node).outputs[0]!);
    if (next.some((r) => region.has(r))) region.add(node);
  }
  return region;
}

/** The float values that an op computes from, weights and shape inputs left out. */
export function activations(node: Node): Value[] {
  const trait = traitOf(node);
  if (trait?.kind === 'product') return [node.inputs[trait.activation]!];
  const all = node.inputs.filter((v): v is Value => v !== null);
  return trait?.kind === 'same-as-input' ? all.slice(0, 1) : all;
}

/** The clamp that alone reads a node's output, if its interval is known. */
function clampAfter(node: Node): Node | null {
  const output = node.outputs[0]!;
  if (output.uses.length !== 1) return null;
  const next = readers(output)[0];
  return next && traitOf(next)?.kind === 'clamp' && clampInterval(next) && next.inputs[0] === output
    ? next
    : null;
}

function quantizesOutput(node: Node, output: Value, region: ReadonlySet<Node>): boolean {
  const trait = traitOf(node)!;
  if (trait.kind !== 'product' || trait.needsQuantizedOutput) return true;
  return !isGraphOutput(output) && readers(output).every((r) => region.has(r)) && output.uses.length > 0;
}

/** Union–find over values. */
class Groups {
  private readonly parent = new Map<Value, Value>();

  private root(v: Value): Value {
    const p = this.parent.get(v) ?? v;
    if (p === v) return v;
    const r = this.root(p);
    this.parent.set(v, r);
    return r;
  }

  join(a: Value, b: Value): void {
    this.parent.set(this.root(a), this.root(b));
  }

  of(values: Iterable<Value>): Value[][] {
    const byRoot = new Map<Value, Value[]>();
    for (const v of values) {
      const r = this.root(v);
      byRoot.get(r)?.push(v) ?? byRoot.set(r, [v]);
    }
    return [...byRoot.values()];
  }
}
