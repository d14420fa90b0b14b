/** Applies rules until nothing changes. Owns what every rewrite must get right: nothing that others read is removed,
 *  graph outputs keep their names, new names are fresh or taken over from what they replace, types are carried over,
 *  subgraphs are covered, and it ends. */
import { canReplaceAllUses, removeInitializer, removeUnread, replaceAllUses } from '../ir/edit.ts';
import { type Graph, isGraphOutput, type Model, type Node, opKey, type Value } from '../ir/model.ts';
import { inheritName, releaseName } from '../ir/names.ts';
import { inheritNotes } from '../ir/note.ts';
import { graphsOf } from '../ir/walk.ts';
import { createDraft } from './draft.ts';
import { type Match, matchPattern } from './match.ts';
import type { Replacement, Rule } from './rule.ts';

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
  for (const { old, to } of pairs) if (to) replace(model, old, to, draft.values.has(to));
  draft.settle(removeMatched(model, match));
  return 'applied';
}

/** A freshly made value takes over type and name of the one it replaces; one that was there keeps its own. */
function replace(model: Model, old: Value, to: Value, fresh: boolean): void {
  const wasOutput = isGraphOutput(old);
  if (fresh && old.type) to.type = old.type;
  replaceAllUses(old, to);
  if (!fresh) return;
  if (wasOutput) releaseName(model.names, old.name);
  else inheritName(model.names, to, old);
  inheritNotes(old, to);
}

/** A node that still has a reader stays. Then the initializers that only they read go, wherever they stand. Returns these. */
function removeMatched(model: Model, match: Match): Set<Value> {
  const gone = removeUnread([...match.nodes, ...match.shared]);
  const read = gone.flatMap((n) => n.inputs.filter((v) => v !== null));
  const unread = read.filter((v) => v.constant && v.uses.length === 0 && !v.overridable);
  for (const v of new Set(unread)) {
    const has = (graph: Graph) => graph.initializers.has(v);
    const home = has(match.root.graph) ? match.root.graph : [...graphsOf(model)].find(has);
    if (home) removeInitializer(home, v);
  }
  return new Set(unread);
}
