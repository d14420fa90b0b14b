/** Loops and branches of TensorFlow 1, which are made of single nodes: Enter → Merge → Switch → … → NextIteration → Merge,
 *  Exit behind the Switch. What a loop computes is found backwards from what it hands to its next round.
 *  Source: tensorflow core/ops/control_flow_ops.cc, core/common_runtime/executor.cc. */
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import type { Value } from '../../../ir/model.ts';
import { cast, type Emitter, toScalar } from '../../emit/index.ts';
import { emitLoop } from '../../emit/loop.ts';
import type { GraphNode, Source } from '../graph/graph-def.ts';
import { evaluate, evaluateReal, openScope, type Scope, type Structure, sourceOf } from '../graph/scope.ts';

/** A loop variable. */
interface Variable {
  readonly merge: GraphNode;
  /** Before the first round. */
  readonly start: Source;
  /** Into the next. */
  readonly next: Source;
  readonly switches: readonly GraphNode[];
}

interface Frame {
  readonly variables: readonly Variable[];
  /** What every round reads without changing it. */
  readonly invariants: readonly GraphNode[];
  readonly condition: Source;
  readonly inside: ReadonlySet<string>;
}

const frames = new WeakMap<ReadonlyMap<string, GraphNode>, Map<string, Frame>>();

const isEnter = (node: GraphNode | undefined) => node?.op === 'Enter';
const frameName = (node: GraphNode) => node.attributes.text('frame_name', '');

/** The frame of an Exit. @throws TFJS_MALFORMED for a loop that isn't whole */
function frameOf(scope: Scope, exit: GraphNode): Frame {
  const { nodes } = scope;
  const fail = () => tfjsMalformed(scope.program.file, `the loop that ends in "${exit.name}" is not whole`);
  const merge = nodes.get(nodes.get(exit.inputs[0]?.node ?? '')?.inputs[0]?.node ?? '');
  const enter = merge?.inputs.map((source) => nodes.get(source.node)).find(isEnter);
  if (!enter) throw fail();
  const known = frames.get(nodes) ?? new Map<string, Frame>();
  frames.set(nodes, known);
  const name = frameName(enter);
  const frame = known.get(name) ?? findFrame(nodes, name, fail);
  known.set(name, frame);
  return frame;
}

function findFrame(nodes: ReadonlyMap<string, GraphNode>, name: string, fail: () => Error): Frame {
  const all = [...nodes.values()];
  const enters = all.filter((node) => isEnter(node) && frameName(node) === name);
  const own = new Set(enters.map((node) => node.name));
  const merges = all.filter((node) => node.op === 'Merge' && node.inputs.some(({ node: n }) => own.has(n)));
  const switchesBehind = (merge: GraphNode) =>
    all.filter((node) => node.op === 'Switch' && node.inputs[0]?.node === merge.name);
  const variables = merges.map((merge): Variable => {
    const enter = merge.inputs.find(({ node }) => own.has(node))!;
    const back = nodes.get(
      merge.inputs.find(({ node }) => nodes.get(node)?.op === 'NextIteration')?.node ?? '',
    );
    const start = nodes.get(enter.node)!.inputs[0];
    const next = back?.inputs[0];
    if (!start || !next) throw fail();
    return { merge, start, next, switches: switchesBehind(merge) };
  });
  const condition = variables
    .flatMap((variable) => variable.switches.map((node) => nodes.get(node.inputs[1]?.node ?? '')))
    .find((node) => node?.op === 'LoopCond')?.inputs[0];
  if (!condition) throw fail();
  const changed = new Set(merges.flatMap((merge) => merge.inputs.map(({ node }) => node)));
  const invariants = enters.filter((node) => !changed.has(node.name));
  const inside = reachable(nodes, [condition, ...variables.map(({ next }) => next)], own);
  return { variables, invariants, condition, inside };
}

/** Everything that is read on the way back to the loop's entries, inner loops included. */
function reachable(
  nodes: ReadonlyMap<string, GraphNode>,
  from: readonly Source[],
  entries: ReadonlySet<string>,
): Set<string> {
  const seen = new Set<string>();
  const stack = from.map(({ node }) => node);
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (entries.has(name)) continue;
    stack.push(...(nodes.get(name)?.inputs ?? []).map(({ node }) => node));
  }
  return seen;
}

const exit: Structure = {
  sources(scope, node) {
    const { variables, invariants } = frameOf(scope, node);
    return [...variables.map(({ start }) => start), ...invariants.map((enter) => sourceOf(scope, enter, 0))];
  },
  convert(scope, node) {
    const frame = frameOf(scope, node);
    const { variables } = frame;
    const results = loopResults(scope, node, frame);
    const from = sourceOf(scope, node, 0).node;
    const at = variables.findIndex(({ switches }) => switches.some((s) => s.name === from));
    if (at < 0) throw tfjsMalformed(scope.program.file, `Exit "${node.name}" leaves another loop`);
    return [results[at]!];
  },
};

/** Loops that are written, by the scope that they are written in. */
const written = new WeakMap<Scope['values'], Map<Frame, readonly Value[]>>();

function loopResults(scope: Scope, node: GraphNode, frame: Frame): readonly Value[] {
  const here = written.get(scope.values) ?? new Map<Frame, readonly Value[]>();
  written.set(scope.values, here);
  const { variables, invariants, condition, inside } = frame;
  const constants = invariants.map(
    (enter) => [enter.name, [evaluate(scope, sourceOf(scope, enter, 0))]] as const,
  );
  const round = (e: Emitter, values: readonly Value[]): Scope =>
    openScope({ ...scope, e, outer: { scope, inside } }, [
      ...constants,
      ...variables.flatMap(({ merge, switches }, i) => [
        [merge.name, [values[i]!]] as const,
        ...switches.map((s) => [s.name, [values[i]!, values[i]!]] as const),
      ]),
    ]);
  const results =
    here.get(frame) ??
    emitLoop(scope.e.at(node.op, node.name), {
      start: variables.map(({ start }) => evaluateReal(scope, start, node)),
      condition: (e, values) => evaluate(round(e, values), condition),
      body: (e, values) => {
        const inner = round(e, values);
        return variables.map(({ next }) => evaluateReal(inner, next, node));
      },
    });
  here.set(frame, results);
  return results;
}

/** Outside of loops: the value goes the way that the condition says; both ways are written, and Merge chooses. */
const switched: Structure = {
  convert(scope, node) {
    const value = evaluate(scope, sourceOf(scope, node, 0));
    return [value, value];
  },
};

/** The value of the branch that is taken, and which it was. */
const merged: Structure = {
  sources: (scope, node) => [...node.inputs, ...(deciding(scope, node)?.condition ?? [])],
  convert(scope, node) {
    const e = scope.e.at(node.op, node.name);
    const found = deciding(scope, node);
    if (!found) return e.refuse('what decides between its inputs was not found');
    const condition = cast(e, toScalar(e, evaluate(scope, found.condition[0]!)), 'bool');
    const values = node.inputs.map((source) => evaluateReal(scope, source, node));
    const [whenTrue, whenFalse] = [values[found.taken]!, values[1 - found.taken]!];
    const known = e.data(condition)?.[0];
    if (typeof known === 'number')
      return [
        known === 0 ? whenFalse : whenTrue,
        e.scalar('int32', known === 0 ? 1 - found.taken : found.taken),
      ];
    const branch = (value: Value, index: number) =>
      e.body('branch', [], (inner) => [value, inner.scalar('int32', index)]);
    return e.emitAll('If', [condition], 2, {
      then_branch: { type: 'graph', value: branch(whenTrue, found.taken) },
      else_branch: { type: 'graph', value: branch(whenFalse, 1 - found.taken) },
    });
  },
};

/** Which input of a Merge comes from the true side of a Switch, and the condition of that Switch. */
function deciding(scope: Scope, merge: GraphNode): { taken: number; condition: readonly Source[] } | null {
  const sides = merge.inputs.map((source) => sideOf(scope, source));
  const taken = sides.findIndex((side) => side?.port === 1);
  const other = sides.findIndex((side) => side?.port === 0);
  const side = sides[taken] ?? sides[other];
  if (merge.inputs.length !== 2 || !side) return null;
  return { taken: taken >= 0 ? taken : 1 - other, condition: [side.condition] };
}

/** The nearest Switch on the way back. */
function sideOf(scope: Scope, from: Source): { port: number; condition: Source } | null {
  const seen = new Set<string>();
  const queue = [from];
  for (let source = queue.shift(); source; source = queue.shift()) {
    const node = scope.nodes.get(source.node);
    if (!node || seen.has(node.name)) continue;
    seen.add(node.name);
    if (node.op === 'Switch') return { port: source.port, condition: sourceOf(scope, node, 1) };
    queue.push(...node.inputs);
  }
  return null;
}

/** An Enter that is asked for from outside of its loop hands its input on. */
const passed: Structure = {
  convert: (scope, node) => [evaluate(scope, sourceOf(scope, node, 0))],
};

export const frameStructures: Readonly<Record<string, Structure>> = {
  Exit: exit,
  Switch: switched,
  Merge: merged,
  Enter: passed,
  NextIteration: passed,
  LoopCond: passed,
};
