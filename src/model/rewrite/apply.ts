/** Applies rules until nothing changes. Owns what every rewrite must get right: nothing that others read is removed,
 *  graph outputs keep their names, new names are fresh or taken over from what they replace, types are carried over,
 *  subgraphs are covered, and it ends. */
import {
  addInitializer,
  addNode,
  canReplaceAllUses,
  removeInitializer,
  removeNode,
  replaceAllUses,
} from '../ir/edit.ts';
import { isGraphOutput, type Model, type Node, opKey, opset, type Value } from '../ir/model.ts';
import { freshName } from '../ir/names.ts';
import type { Tensor } from '../ir/tensor.ts';
import { graphsOf } from '../ir/walk.ts';
import { type Match, matchPattern } from './match.ts';
import { allowPlainInitializers } from './plain-initializers.ts';
import type { Emit, EmitOptions, Replacement, Rule } from './rule.ts';

export interface RewriteResult {
  readonly changed: number;
  readonly skipped: readonly { readonly at: string; readonly reason: string }[];
}

/** Sweeps over the model; more than this many mean that two rules undo each other. */
const maxSweeps = 64;

/** Applies `rules` to every node of the model, subgraphs included, to a fixed point. Function bodies are left alone. */
export function applyRules(model: Model, rules: readonly Rule[]): RewriteResult {
  const byType = new Map<string, Rule[]>();
  for (const rule of rules)
    for (const type of rule.match.types) byType.set(type, [...(byType.get(type) ?? []), rule]);
  let changed = 0;
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    const skips = new Map<string, { at: string; reason: string }>();
    const before = changed;
    for (const graph of [...graphsOf(model)])
      for (const node of [...graph.nodes]) changed += visit(model, node, byType, skips);
    if (changed === before) return { changed, skipped: [...skips.values()] };
  }
  return { changed, skipped: [{ at: model.graph.name, reason: `no-fixed-point: ${maxSweeps} sweeps` }] };
}

function visit(
  model: Model,
  node: Node,
  byType: ReadonlyMap<string, readonly Rule[]>,
  skips: Map<string, { at: string; reason: string }>,
): number {
  for (const rule of byType.get(opKey(node)) ?? []) {
    if (isGone(node)) return 0;
    const result = matchPattern(rule.match, node);
    const reason = result.match ? applyMatch(model, rule, result.match) : result.reason;
    if (reason === 'applied') return 1;
    const at = labelOf(result.match ? node : result.at);
    if (reason !== null) skips.set(`${at}\n${reason}`, { at, reason });
  }
  return 0;
}

/** Removed earlier in this sweep: its outputs have lost their producer. */
const isGone = (node: Node) => node.outputs.some((v) => v && v.producer !== node);

/** How skips and messages name a node. */
export const labelOf = (node: Node) => node.name || (node.outputs.find((v) => v)?.name ?? node.opType);

function applyMatch(model: Model, rule: Rule, match: Match): 'applied' | string | null {
  const draft = createDraft(model, match);
  let answer: Replacement;
  try {
    answer = rule.rewrite(match, draft.emit);
  } catch (error) {
    draft.discard();
    throw error;
  }
  if (answer === null || 'skip' in answer) {
    draft.discard();
    return answer === null ? null : answer.skip;
  }
  const values = Array.isArray(answer) ? (answer as readonly (Value | null)[]) : [answer as Value];
  const pairs = match.root.outputs.flatMap((old, i) => (old ? [{ old, to: values[i] ?? null }] : []));
  const lost = pairs.find(({ old, to }) => (to ? !canReplaceAllUses(old, to) : old.uses.length > 0));
  if (lost) {
    draft.discard();
    return lost.to ? 'graph-output' : null;
  }
  for (const { old, to } of pairs) if (to) replace(old, to, draft.values.has(to));
  const removed = removeMatched(model, match);
  for (const { old, to } of pairs) if (to && draft.values.has(to)) model.names.taken.delete(old.name);
  draft.settleNames(removed);
  return 'applied';
}

/** A freshly made value takes over type and name of the one it replaces; one that was there keeps its own. */
function replace(old: Value, to: Value, fresh: boolean): void {
  const wasOutput = isGraphOutput(old);
  if (fresh && old.type) to.type = old.type;
  replaceAllUses(old, to);
  if (fresh && !wasOutput) [old.name, to.name] = [to.name, old.name];
  if (fresh)
    for (const [key, note] of old.annotations) if (!to.annotations.has(key)) to.annotations.set(key, note);
}

/** Outer nodes first; a node that still has a reader stays. Then the initializers that only they read, wherever they
 *  stand. Returns these. */
function removeMatched(model: Model, match: Match): Set<Value> {
  const constants = new Set<Value>();
  for (const node of [...[...match.nodes].reverse(), ...[...match.shared].reverse()]) {
    if (node.outputs.some((v) => v && v.uses.length > 0)) continue;
    for (const v of node.inputs) if (v?.constant) constants.add(v);
    removeNode(node);
  }
  for (const v of constants) {
    if (v.uses.length > 0 || v.annotations.has('overridable')) constants.delete(v);
    else for (const graph of graphsOf(model)) if (graph.initializers.has(v)) removeInitializer(graph, v);
  }
  return constants;
}

/** Without absent inputs at the end. */
function trimmed<T>(inputs: readonly (T | null)[]): readonly (T | null)[] {
  return inputs.slice(0, inputs.findLastIndex((v) => v !== null) + 1);
}

/** What a rewrite has emitted so far, so that it can be taken back. */
function createDraft(model: Model, match: Match) {
  const { root } = match;
  const { graph } = root;
  const nodes: Node[] = [];
  const constants: { made: Value; like: Value | null }[] = [];
  const values = new Set<Value>();
  const nodeNames = new Set(match.nodes.map((n) => n.name));

  const constant = (tensor: Tensor, like: Value | string) => {
    const base = typeof like === 'string' ? like : like.name;
    const made = addInitializer(graph, base, tensor);
    constants.push({ made, like: typeof like === 'string' ? null : like });
    return made;
  };
  const nameFor = (opType: string) => {
    const heir =
      match.nodes.find((n) => n.opType === opType && nodeNames.delete(n.name)) ??
      match.nodes.find((n) => n.name && nodeNames.delete(n.name));
    if (heir) return heir.name;
    const base = root.name || match.nodes.find((n) => n.name)?.name;
    return base ? freshName(model.names, `${base}/${opType}`) : '';
  };
  const node: Emit['node'] = (opType, inputs, count, options: EmitOptions = {}) => {
    const base = root.outputs.find((v) => v)?.name ?? opType;
    const made = addNode(
      graph,
      {
        opType,
        domain: options.domain ?? '',
        name: options.name ?? nameFor(opType),
        inputs: trimmed(inputs).map((v) => (v && 'bytes' in v ? constant(v, `${base}/constant`) : v)),
        outputs: Array.from({ length: count }, () => `${base}/${opType}`),
        ...(options.attributes ? { attributes: options.attributes } : {}),
      },
      root,
    );
    for (const v of made.outputs) if (v) values.add(v);
    const first = made.outputs[0];
    if (first && options.type) first.type = options.type;
    nodes.push(made);
    return made;
  };
  const emit: Emit = Object.assign(
    (opType: string, inputs: Parameters<Emit>[1], options?: EmitOptions) =>
      node(opType, inputs, 1, options).outputs[0]!,
    { node, constant, model, opset: opset(model) },
  );
  return {
    emit,
    values,
    discard() {
      for (const made of nodes.reverse()) {
        removeNode(made);
        for (const v of made.outputs) if (v) model.names.taken.delete(v.name);
        model.names.taken.delete(made.name);
      }
      for (const { made } of constants) {
        removeInitializer(graph, made);
        model.names.taken.delete(made.name);
      }
    },
    /** New constants take the names of those that went; the names made for them are free again. */
    settleNames(removed: ReadonlySet<Value>) {
      if (constants.length > 0) allowPlainInitializers(model);
      for (const { made, like } of constants) {
        if (made.uses.length === 0) {
          removeInitializer(graph, made);
          model.names.taken.delete(made.name);
        } else if (like && removed.has(like)) {
          [made.name, like.name] = [like.name, made.name];
          model.names.taken.delete(like.name);
        }
      }
    },
  };
}
