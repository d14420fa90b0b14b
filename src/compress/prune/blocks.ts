/** Whole residual blocks. A block lies between two consecutive values x and y of a residual stream, of the same shape:
 *  y = x + f(x), with what is applied to the sum before the stream is read again (a Relu, a LayerNormalization). Without
 *  it, what read y reads x.
 *  Sources: Fan et al. 2020, arXiv:1909.11556 (every other layer); Men et al. 2024, arXiv:2403.03853 (block influence). */
import { replaceAllUses } from '../../model/ir/edit.ts';
import {
  dtypeOf,
  isGraphOutput,
  isOp,
  type Model,
  type Node,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { elementCount } from '../../model/ir/tensor.ts';
import type { Shape } from '../../model/ir/type.ts';
import { constantTensor } from '../../model/ops/channels/constant.ts';
import { nodeMacs } from '../../model/ops/cost.ts';
import { type Bindings, isSame } from '../../model/ops/dims.ts';
import { inferShapes } from '../../model/ops/shapes.ts';
import { type WeightRole, weightsOf } from '../../model/ops/weights.ts';
import { labelOf } from '../../model/rewrite/apply.ts';
import { blocksTooFew, blockUnknown } from '../../support/diagnostics/pruning.ts';
import { sweep } from './remove.ts';

export interface Block {
  /** Place in the order of the network, from 0. */
  readonly index: number;
  /** Name of the node that adds the block's last branch to the stream. */
  readonly name: string;
  /** The stream before and after it. */
  readonly input: Value;
  readonly output: Value;
  readonly nodes: readonly Node[];
  /** Elements of the constants that only this block reads, multiply–accumulates of its nodes. */
  readonly parameters: number;
  readonly macs: number;
  /** Blocks with the same text have the same operators and weight shapes, and follow one another in a chain. */
  readonly signature: string;
}

interface Section {
  readonly add: Node;
  readonly input: Value;
  output: Value;
}

/** Blocks that can be removed, in the order of the network; residual branches that only repeat together (attention and
 *  feed-forward of one layer) are one block. Types of values are inferred first. */
export function findBlocks(model: Model, bindings: Bindings = {}): Block[] {
  inferShapes(model);
  const order = new Map(model.graph.nodes.map((n, i) => [n, i] as const));
  const sections = sectionsOf(model, order);
  const chains = chainsOf(sections);
  const blocks = chains.flatMap((chain) => joinRepeats(chain, order, bindings));
  return blocks
    .sort((a, b) => order.get(a.nodes.at(-1)!)! - order.get(b.nodes.at(-1)!)!)
    .map((block, index) => ({ ...block, index }));
}

/** Removes blocks by index, as findBlocks numbers them; edits the model. @throws PRUNE_BLOCK_UNKNOWN */
export function removeBlocks(model: Model, indices: readonly number[]): void {
  const blocks = findBlocks(model);
  const chosen = [...new Set(indices)].sort((a, b) => b - a);
  for (const index of chosen) {
    const block = blocks[index];
    if (!block) throw blockUnknown(index, blocks.length);
    // From the last to the first: the input of a later block may be the output of one that goes too.
    replaceAllUses(block.output, block.input);
  }
  sweep(model);
  inferShapes(model);
}

/** Indices to remove so that `keep` blocks stay, spread evenly, first and last included.
 *  @throws PRUNE_BLOCKS_TOO_FEW */
export function chooseBlocks(blocks: readonly Block[], keep: number): number[] {
  const count = blocks.length;
  if (keep > count || keep < 0) throw blocksTooFew(keep, count);
  const all = blocks.map((b) => b.index);
  const kept = new Set(
    Array.from({ length: keep }, (_, i) => (keep === 1 ? 0 : Math.round((i * (count - 1)) / (keep - 1)))),
  );
  return all.filter((i) => !kept.has(i));
}

/** Residual sums whose branch has weights, with the value of the stream that goes in, innermost only. */
function sectionsOf(model: Model, order: ReadonlyMap<Node, number>): Section[] {
  const found: Section[] = [];
  for (const add of model.graph.nodes) {
    if (!isOp(add, 'Add') || add.inputs.length !== 2) continue;
    const [a, b] = add.inputs as [Value, Value];
    const skip = [a, b].find((x) => {
      const branch = x === a ? b : a;
      return sameShape(x, branch) && sameShape(x, add.outputs[0]) && hasWeights(branch, x, order);
    });
    if (skip) found.push({ add, input: skip, output: add.outputs[0]! });
  }
  const inner = found.filter(
    (s) =>
      !found.some(
        (t) => t !== s && between(s.input, s.add.outputs[0]!, order)?.has(t.add) && t.input !== s.input,
      ),
  );
  extendToStream(inner, model, order);
  return inner;
}

const sameShape = (a: Value | null | undefined, b: Value | null | undefined) => {
  const [x, y]: [Shape | null, Shape | null] = [shapeOf(a), shapeOf(b)];
  return (
    x !== null &&
    y !== null &&
    dtypeOf(a) === dtypeOf(b) &&
    x.length === y.length &&
    x.every((d, i) => isSame(d, y[i]!))
  );
};

/** The nodes on the way from `from` to `to`; null when `to` doesn't follow from `from`. */
function between(from: Value, to: Value, order: ReadonlyMap<Node, number>): Set<Node> | null {
  const first = from.producer ? order.get(from.producer)! : -1;
  const reaches = new Map<Node, boolean>();
  const visit = (node: Node | null): boolean => {
    if (!node || (order.get(node) ?? -1) <= first) return false;
    const known = reaches.get(node);
    if (known !== undefined) return known;
    reaches.set(node, false);
    const found = node.inputs.map((v) => v !== null && (v === from || visit(v.producer))).some(Boolean);
    reaches.set(node, found);
    return found;
  };
  return visit(to.producer) ? new Set([...reaches].flatMap(([n, yes]) => (yes ? [n] : []))) : null;
}

function hasWeights(branch: Value, stream: Value, order: ReadonlyMap<Node, number>): boolean {
  const nodes = branch === stream ? null : between(stream, branch, order);
  return nodes !== null && [...nodes].some(multiplies);
}

/** Products and recurrences, in float or integers. */
function multiplies(node: Node): boolean {
  const found = weightsOf(node);
  return found.kind === 'known' && found.weights.some(({ role }) => multiplied.includes(role));
}

const multiplied: readonly WeightRole[] = ['product', 'recurrent', 'packed'];

/** The stream goes on where the next section takes its input; after the last section, after the same operators. */
function extendToStream(sections: readonly Section[], model: Model, order: ReadonlyMap<Node, number>): void {
  let tail: string[] = [];
  sections.forEach((section, i) => {
    const next = sections[i + 1]?.input;
    const sum = section.output;
    if (next && next !== sum && sameShape(next, sum)) {
      const way = between(sum, next, order);
      const branches = way && [...way].some(multiplies);
      if (way && !branches) {
        section.output = next;
        tail = sorted(way, order).map((n) => n.opType);
      }
    } else if (tail.length > 0 && !(next && sameShape(next, sum)))
      section.output = follow(sum, tail, model, order) ?? sum;
    else if (next === sum) tail = [];
  });
}

/** The value after operators `tail` behind `sum`, where exactly these follow. */
function follow(
  sum: Value,
  tail: readonly string[],
  model: Model,
  order: ReadonlyMap<Node, number>,
): Value | null {
  const reached = new Set([sum]);
  const way: Node[] = [];
  for (const node of model.graph.nodes) {
    if (order.get(node)! <= order.get(sum.producer!)!) continue;
    if (!node.inputs.some((v) => v !== null && reached.has(v))) continue;
    way.push(node);
    for (const v of node.outputs) if (v) reached.add(v);
    if (way.length === tail.length) break;
  }
  const end = way.at(-1)?.outputs[0];
  const fits = end && way.every((n, i) => n.opType === tail[i]) && sameShape(end, sum);
  return fits && between(sum, end, order)?.size === tail.length ? end : null;
}

const sorted = (nodes: Iterable<Node>, order: ReadonlyMap<Node, number>) =>
  [...nodes].sort((a, b) => order.get(a)! - order.get(b)!);

/** Sections each of which starts where the one before ends. */
function chainsOf(sections: readonly Section[]): Section[][] {
  const chains: Section[][] = [];
  for (const section of sections) {
    const chain = chains.find((c) => c.at(-1)!.output === section.input);
    if (chain) chain.push(section);
    else chains.push([section]);
  }
  return chains;
}

function joinRepeats(
  chain: readonly Section[],
  order: ReadonlyMap<Node, number>,
  bindings: Bindings,
): Block[] {
  const nodes = chain.map((s) => sorted(between(s.input, s.output, order)!, order));
  const signatures = nodes.map(signatureOf);
  const period = periodOf(signatures);
  const blocks: Block[] = [];
  for (let i = 0; i + period <= chain.length; i += period) {
    const [first, last] = [chain[i]!, chain[i + period - 1]!];
    const inside = nodes.slice(i, i + period).flat();
    if (isGraphOutput(last.output)) continue;
    blocks.push({
      index: 0,
      name: labelOf(last.add),
      input: first.input,
      output: last.output,
      nodes: inside,
      parameters: ownParameters(inside),
      macs: inside.reduce((n, node) => n + (nodeMacs(node, bindings) ?? 0), 0),
      signature: signatures.slice(i, i + period).join(' | '),
    });
  }
  return blocks;
}

/** The smallest p with s[i] = s[i + p] throughout, at least two periods long; 1 when nothing repeats. */
function periodOf(signatures: readonly string[]): number {
  for (let p = 1; p * 2 <= signatures.length; p++)
    if (signatures.every((s, i) => i + p >= signatures.length || s === signatures[i + p])) return p;
  return 1;
}

const signatureOf = (nodes: readonly Node[]) =>
  nodes
    .map((n) => {
      const weights = n.inputs.flatMap((v) => {
        const t = constantTensor(v);
        return t && elementCount(t.dims) > 1 ? [t.dims.join('×')] : [];
      });
      return weights.length > 0 ? `${n.opType}(${weights.join()})` : n.opType;
    })
    .join(' ');

function ownParameters(nodes: readonly Node[]): number {
  const inside = new Set(nodes);
  const constants = new Set(nodes.flatMap((n) => n.inputs.flatMap((v) => (constantTensor(v) ? [v!] : []))));
  return [...constants]
    .filter((v) => v.uses.every((u) => u.node && inside.has(u.node)))
    .reduce((n, v) => n + elementCount(constantTensor(v)!.dims), 0);
}
