/** Reverse-mode differentiation: from a scalar loss back to the values asked for, one rule a node (rules/).
 *  Gradients are ordinary ONNX nodes at the end of the graph. */
import { type Node, opKey, type Value } from '../../model/ir/model.ts';
import { gradientQuantized } from '../../support/diagnostics/gradients.ts';
import { gradientMissing } from '../../support/diagnostics/training.ts';
import { own } from '../../support/own.ts';
import type { Emitter } from './emitter.ts';
import { notedCell } from './recurrent/cell.ts';
import type { RuleContext } from './rule.ts';
import { gradientRules } from './rules/index.ts';

/** Derivative of `loss` (one element) by each value of `wrt`; values that the loss doesn't depend on are absent.
 *  @throws GRADIENT_MISSING naming every operator on the way that has no rule; GRADIENT_QUANTIZED */
export function differentiate(emitter: Emitter, loss: Value, wrt: readonly Value[]): Map<Value, Value> {
  const { graph } = emitter;
  const needed = dependants(graph.nodes, wrt);
  const path = graph.nodes.filter((n) => n.outputs.some((v) => v && needed.has(v)));
  const live = ancestors(path, loss);
  refuseQuantized(ancestors(graph.nodes, loss), needed);
  refuseMissing(live);

  const pending = new Map<Value, Value[]>([[loss, [emitter.full(emitter.dims(loss), 1)]]]);
  const collected = (v: Value): Value | null => {
    const parts = pending.get(v);
    if (!parts) return null;
    // One Sum over all readers: a value read k times costs one pass over memory, not k − 1.
    const total = parts.length === 1 ? (parts[0] as Value) : emitter.op('Sum', parts);
    pending.set(v, [total]);
    return total;
  };
  for (const node of live.reverse()) {
    const gradients = node.outputs.map((v) => v && collected(v));
    if (gradients.every((g) => !g)) continue;
    const rule = own(gradientRules, opKey(node));
    const parts = rule?.(contextOf(emitter, node, gradients, needed)) ?? [];
    parts.forEach((part, i) => {
      const input = inputsOf(node)[i];
      if (!part || !input || !needed.has(input)) return;
      pending.get(input)?.push(part) ?? pending.set(input, [part]);
    });
  }
  return new Map(
    wrt.flatMap((v) => {
      const gradient = collected(v);
      return gradient ? [[v, gradient] as const] : [];
    }),
  );
}

function contextOf(
  emitter: Emitter,
  node: Node,
  gradients: readonly (Value | null)[],
  needed: ReadonlySet<Value>,
): RuleContext {
  return {
    ...emitter,
    node,
    input: (i) => inputsOf(node)[i] as Value,
    wants: (i) => {
      const v = inputsOf(node)[i];
      return v != null && needed.has(v);
    },
    output: (i) => node.outputs[i] as Value,
    gradient: (i) => gradients[i] ?? null,
  };
}

/** A node's inputs; after those of a loop over time the weights that its steps read from the graph around them. */
function inputsOf(node: Node): readonly (Value | null)[] {
  const noted = notedCell(node);
  return noted ? [...node.inputs, noted.recurrent, noted.bias] : node.inputs;
}

/** Floating-point values that depend on one of `roots`, roots included. */
function dependants(nodes: readonly Node[], roots: readonly Value[]): Set<Value> {
  const found = new Set(roots);
  for (const node of nodes) {
    if (own(gradientRules, opKey(node)) === null || !inputsOf(node).some((v) => v && found.has(v))) continue;
    for (const v of node.outputs)
      if (v?.type?.kind === 'tensor' && v.type.dtype.startsWith('float')) found.add(v);
  }
  return found;
}

/** Those of `nodes` that the loss is computed from, in their order. */
function ancestors(nodes: readonly Node[], loss: Value): Node[] {
  const wanted = new Set<Value>([loss]);
  const live: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((v) => v && wanted.has(v))) continue;
    live.push(node);
    for (const v of inputsOf(node)) if (v) wanted.add(v);
  }
  return live.reverse();
}

const quantizers = ['QuantizeLinear', 'com.microsoft:QuantizeLinear', 'DynamicQuantizeLinear'];

/** Integers let no gradient through. Where they are computed from what is trained, the weights before them would stay as
 *  they are, or learn from the scale alone, and nobody would hear of it. Lowering has already written out those that a
 *  DequantizeLinear reads again. */
function refuseQuantized(nodes: readonly Node[], needed: ReadonlySet<Value>): void {
  const found = nodes.filter(
    (n) => quantizers.includes(opKey(n)) && n.inputs.some((v) => v !== null && needed.has(v)),
  );
  if (found.length > 0)
    throw gradientQuantized(found.map((n) => ({ op: opKey(n), node: n.name || (n.outputs[0]?.name ?? '') })));
}

function refuseMissing(nodes: readonly Node[]): void {
  const missing = nodes
    .filter((n) => own(gradientRules, opKey(n)) === undefined)
    .map((n) => ({ op: opKey(n), node: n.name || (n.outputs[0]?.name ?? '') }));
  if (missing.length > 0) throw gradientMissing(missing);
}
