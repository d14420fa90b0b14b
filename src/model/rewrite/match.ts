/** Matching a pattern at a node. Structure (which op feeds which) is searched with backtracking; conditions on what was
 *  found are collected, so that a pattern that is there but for a condition can say what stood in its way. */

import { internal } from '../../support/diagnostics.ts';
import type { Attribute, AttributeInit } from '../ir/attribute.ts';
import { attribute } from '../ir/attribute.ts';
import { constantOf, isGraphOutput, type Node, opKey, type Value } from '../ir/model.ts';
import {
  type Bound,
  type Constant,
  commutativeOps,
  type OpPattern,
  type Pattern,
  type Verdict,
} from './pattern.ts';

export interface Match {
  /** The node that the outermost op pattern met. */
  readonly root: Node;
  /** What a pattern met. @throws when the pattern had no part in this match (an alternative not taken) */
  get<P extends Pattern>(pattern: P): Bound<P>;
  has(pattern: Pattern): boolean;
  /** Matched nodes that the rewrite replaces: all but the shared ones, inner before outer. */
  readonly nodes: readonly Node[];
  /** Matched nodes marked `shared`: removed only when nobody reads them any more. */
  readonly shared: readonly Node[];
}

/** reason null: the structure isn't there. Otherwise the ops are, and `reason` says why they can't be used. */
type MatchResult =
  | { readonly match: Match }
  | { readonly match: null; readonly reason: string | null; readonly at: Node };

type Met = Node | Value | null;

interface State {
  readonly met: ReadonlyMap<Pattern, Met>;
  /** Conditions that failed, outermost first, with the node they were about. */
  readonly objections: readonly { reason: string; at: Node }[];
}

type Goal =
  | { readonly pattern: Pattern; readonly value: Value | null; readonly reader: Node }
  | { readonly pattern: OpPattern; readonly node: Node };

/** Looks for `pattern` with its outermost op at `root`. */
export function matchPattern(pattern: OpPattern, root: Node): MatchResult {
  let near: State | null = null;
  const found = solve([{ pattern, node: root }], { met: new Map(), objections: [] }, (state) => {
    const checked = checkReaders(pattern, state);
    if (checked.objections.length === 0) return checked;
    if (!near || checked.objections.length < near.objections.length) near = checked;
    return null;
  });
  if (found) return { match: toMatch(root, found) };
  const last = (near as State | null)?.objections.at(-1);
  return { match: null, reason: last?.reason ?? null, at: last?.at ?? root };
}

type Accept = (state: State) => State | null;

/** Depth-first search; the first complete state that `accept` takes is the answer. */
function solve(goals: readonly Goal[], state: State, accept: Accept): State | null {
  const [goal, ...rest] = goals;
  if (!goal) return accept(state);
  const { pattern } = goal;
  if (!('node' in goal) && pattern.kind !== 'op') return solveValue(pattern, goal, rest, state, accept);
  const node = 'node' in goal ? goal.node : producerOf(goal.value, goal.reader, 0);
  return node ? solveOp(pattern as OpPattern, node, rest, state, accept) : null;
}

function solveValue(
  pattern: Exclude<Pattern, OpPattern>,
  goal: { value: Value | null; reader: Node },
  rest: readonly Goal[],
  state: State,
  accept: Accept,
): State | null {
  const { value, reader } = goal;
  switch (pattern.kind) {
    case 'either':
      for (const alternative of pattern.of) {
        const next = bind(state, pattern, value);
        const found = next && solve([{ pattern: alternative, value, reader }, ...rest], next, accept);
        if (found) return found;
      }
      return null;
    case 'optional': {
      const next = bind(state, pattern, value);
      if (!next) return null;
      return solve(value ? [{ pattern: pattern.of, value, reader }, ...rest] : rest, next, accept);
    }
    case 'output': {
      const node = producerOf(value, reader, pattern.index);
      const next = node && bind(state, pattern, value);
      return next ? solveOp(pattern.of, node, rest, next, accept) : null;
    }
    case 'constant': {
      if (!value) return null;
      let next = bind(state, pattern, value);
      if (!next) return null;
      if (constantOf(value)) next = judge(next, pattern.where?.(value as Constant), reader);
      else next = pattern.otherwise ? judge(next, pattern.otherwise, reader) : null;
      return next && solve(rest, next, accept);
    }
    case 'value': {
      if (!value) return null;
      const bound = bind(state, pattern, value);
      const next = bound && judge(bound, pattern.where?.(value), reader);
      return next && solve(rest, next, accept);
    }
  }
}

function solveOp(
  pattern: OpPattern,
  node: Node,
  rest: readonly Goal[],
  state: State,
  accept: Accept,
): State | null {
  if (!pattern.types.includes(opKey(node))) return null;
  if (state.met.has(pattern)) return state.met.get(pattern) === node ? solve(rest, state, accept) : null;
  let next = bind(state, pattern, node);
  if (!next) return null;
  for (const [name, wanted] of Object.entries(pattern.options.attributes ?? {}))
    next = next && judge(next, attributeVerdict(node.attributes.get(name), wanted), node);
  next = next && judge(next, pattern.options.where?.(node), node);
  if (!next) return null;
  for (const inputs of inputOrders(pattern, node)) {
    const goals = pattern.inputs.map((p, i) => ({ pattern: p, value: inputs[i] ?? null, reader: node }));
    const found = solve([...goals, ...rest], next, accept);
    if (found) return found;
  }
  return null;
}

function inputOrders(pattern: OpPattern, node: Node): (Value | null)[][] {
  const { inputs, options } = pattern;
  if (!options.rest && node.inputs.slice(inputs.length).some((v) => v !== null)) return [];
  const swappable = options.commutative ?? commutativeOps.has(opKey(node));
  if (!swappable || inputs.length !== 2 || node.inputs.length !== 2) return [node.inputs];
  return [node.inputs, [...node.inputs].reverse()];
}

/** The node of the reader's own graph that makes `value` as its output number `index`. */
function producerOf(value: Value | null, reader: Node, index: number): Node | null {
  const node = value?.producer;
  return node && node.graph === reader.graph && node.outputs[index] === value ? node : null;
}

function bind(state: State, pattern: Pattern, what: Met): State | null {
  if (state.met.has(pattern)) return state.met.get(pattern) === what ? state : null;
  return { ...state, met: new Map(state.met).set(pattern, what) };
}

function judge(state: State, verdict: Verdict | undefined, at: Node): State | null {
  if (verdict === false) return null;
  if (verdict === true || verdict === undefined) return state;
  return { ...state, objections: [...state.objections, { reason: verdict, at }] };
}

function attributeVerdict(
  found: Attribute | undefined,
  wanted: AttributeInit | ((a: Attribute | undefined) => Verdict),
): Verdict {
  if (typeof wanted === 'function') return wanted(found);
  if (!found || found.type === 'reference') return false;
  const expected = attribute(wanted);
  return found.type === expected.type && sameContent(found, expected);
}

function sameContent(a: Attribute, b: Attribute): boolean {
  if (!('value' in a) || !('value' in b)) return false;
  const list = (x: Attribute & { value: unknown }) => (Array.isArray(x.value) ? x.value : [x.value]);
  const plain = (x: unknown) => (x instanceof Uint8Array ? new TextDecoder().decode(x) : x);
  const [left, right] = [list(a), list(b)];
  return left.length === right.length && left.every((x, i) => plain(x) === plain(right[i]));
}

/** Values inside the match must have no reader outside it: they are about to disappear. */
function checkReaders(root: OpPattern, state: State): State {
  const nodes = new Set<Node>();
  for (const [pattern, met] of state.met) if (pattern.kind === 'op') nodes.add(met as Node);
  let next = state;
  for (const [pattern, met] of state.met) {
    if (pattern.kind !== 'op' || pattern === root || pattern.options.shared) continue;
    const node = met as Node;
    for (const v of node.outputs) {
      if (!v) continue;
      if (isGraphOutput(v)) next = judge(next, 'graph-output', node)!;
      else if (v.uses.some((u) => u.node && !nodes.has(u.node))) next = judge(next, 'used-twice', node)!;
    }
  }
  return next;
}

function toMatch(root: Node, state: State): Match {
  const nodes: Node[] = [];
  const shared: Node[] = [];
  for (const [pattern, met] of state.met)
    if (pattern.kind === 'op') (pattern.options.shared ? shared : nodes).unshift(met as Node);
  return {
    root,
    nodes,
    shared,
    has: (pattern) => state.met.has(pattern),
    get<P extends Pattern>(pattern: P): Bound<P> {
      if (!state.met.has(pattern))
        throw internal('NOT_MATCHED', `The match has no part for that ${pattern.kind} pattern.`);
      return state.met.get(pattern) as Bound<P>;
    },
  };
}
