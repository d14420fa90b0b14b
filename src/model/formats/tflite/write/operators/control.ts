/** If, Loop and Scan: their graphs become graphs of the file, which are handed the outer values that they read. */
import { intAttribute, intsAttribute } from '../../../../ir/attribute.ts';
import { type Graph, type Node, shapeOf, type Value } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import { isStatic } from '../../../../ir/type.ts';
import { constantNumbers, normalAxis } from '../../../../rewrite/arguments.ts';
import { capturedBy, graphOf } from '../../../lowered/captured.ts';
import {
  type Emitter,
  type InnerEmitter,
  type LiteRow,
  type LiteRows,
  refuse,
  reshaped,
  shapeAt,
} from '../emitter.ts';
import type { LiteTensor, LiteType } from '../graph.ts';
import { binary, cast, compare, gathered, logical } from './arithmetic.ts';

const capturedFrom = (e: Emitter, ...graphs: Graph[]): Value[] => [
  ...new Set(graphs.flatMap((graph) => capturedBy(graph, (v) => e.weightOf(v) !== null))),
];

const choose: LiteRow = {
  emit(node, e) {
    const [then, otherwise] = [graphOf(node, 'then_branch'), graphOf(node, 'else_branch')];
    const captured = capturedFrom(e, then, otherwise);
    const condition = reshaped(e, e.input(node, 0), []);
    const values = captured.map((v) => e.held(v));
    const results = node.outputs.map((_, i) => typeOfResult(node, e, i));
    const branch = (name: string, graph: Graph) =>
      e.graph(name, values, (inner, given) => {
        captured.forEach((v, i) => void inner.take(v, given[i]!));
        return inner.body(graph);
      });
    const graphs = {
      thenSubgraphIndex: branch('then', then),
      elseSubgraphIndex: branch('else', otherwise),
    };
    return e.ops('IF', [condition, ...values], results, ['IfOptions', {}, graphs]);
  },
};

/** A branch that nobody can size has another result than the other. */
function typeOfResult(node: Node, e: Emitter, index: number): LiteType {
  const value = node.outputs[index];
  if (!value) return refuse(node, `its output ${index + 1} is left out`);
  return isStatic(shapeOf(value))
    ? e.typeOf(value)
    : refuse(
        node,
        `its branches make "${value.name}" in different sizes, or in one that is not known (where an input ` +
          'decides which is taken, --fix gives it one number)',
      );
}

const int32: LiteType = { type: 'int32', shape: [], quantization: null };
const bool: LiteType = { type: 'bool', shape: [], quantization: null };

const truth = (e: Emitter): LiteTensor => e.constant(tensorOf('bool', [], [1]));

interface Made {
  /** Whether to go on; null: until the rounds are done. */
  readonly goes: LiteTensor | null;
  readonly carried: readonly LiteTensor[];
  /** Parts that are put beside one another. */
  readonly parts: readonly LiteTensor[];
}

interface Repetition {
  /** int32 []; null: without end. */
  readonly rounds: LiteTensor | null;
  readonly goes: LiteTensor | null;
  readonly carried: readonly LiteTensor[];
  readonly constant: readonly LiteTensor[];
  readonly stacks: readonly Stack[];
  body(
    inner: InnerEmitter,
    index: LiteTensor,
    carried: readonly LiteTensor[],
    constant: readonly LiteTensor[],
  ): Made;
}

/** What is filled part by part. */
interface Stack {
  readonly type: LiteType;
  readonly axis: number;
  readonly backwards: boolean;
}

/** WHILE, whose variables are the number of the round, whether to go on, what is carried, what is stacked, and what stays.
 *  @returns what is carried, and what is stacked, after the last round */
function repeat(node: Node, e: Emitter, r: Repetition): LiteTensor[] {
  const stacks = r.stacks.map(({ type }) =>
    e.op('FILL', [e.int(type.shape), cast(e, e.int(0), type.type)], type, ['FillOptions', {}]),
  );
  const start = [e.int(0), r.goes ?? truth(e), ...r.carried, ...stacks, ...r.constant];
  const rounds = r.rounds?.data ? null : r.rounds;
  const variables = rounds ? [...start, rounds] : start;
  const [first, second] = [2 + r.carried.length, 2 + r.carried.length + stacks.length];
  const types = variables.map((t, i): LiteType => (i < 2 ? [int32, bool][i]! : t));
  const condition = e.graph('condition', types, (inner, all) => {
    const [index, goes] = all as [LiteTensor, LiteTensor];
    const limit = rounds ? all.at(-1)! : r.rounds;
    if (!limit) return [goes];
    return [logical(inner, 'LOGICAL_AND', compare(inner, 'LESS', index, limit), goes)];
  });
  const body = e.graph('body', types, (inner, all) => {
    const [index, goes] = all as [LiteTensor, LiteTensor];
    const made = r.body(inner, index, all.slice(2, first), all.slice(second));
    made.carried.forEach((t, i) => {
      if (t.shape.join() !== r.carried[i]!.shape.join())
        refuse(node, 'what it carries changes its size from round to round');
    });
    const filled = made.parts.map((part, i) => put(inner, all[first + i]!, part, index, r.stacks[i]!));
    const next = binary(inner, 'ADD', index, inner.int(1));
    return [next, made.goes ?? goes, ...made.carried, ...filled, ...all.slice(second)];
  });
  const graphs = { condSubgraphIndex: condition, bodySubgraphIndex: body };
  return e.ops('WHILE', variables, types, ['WhileOptions', {}, graphs]).slice(2, second);
}

/** The stack with a part at its place. */
function put(e: Emitter, stack: LiteTensor, part: LiteTensor, index: LiteTensor, { axis, backwards }: Stack) {
  const place = backwards ? binary(e, 'SUB', e.int(stack.shape[axis]! - 1), index) : index;
  const along = e.int(stack.shape.map((_, i) => (i === axis ? 1 : 0)));
  const inputs = [stack, reshaped(e, part, stack.shape.with(axis, 1)), binary(e, 'MUL', along, place)];
  return e.op('DYNAMIC_UPDATE_SLICE', inputs, stack, ['DynamicUpdateSliceOptions', {}]);
}

/** int32 []; a count beyond what that holds never ends. */
function roundsOf(node: Node, e: Emitter): LiteTensor | null {
  const value = node.inputs[0];
  const known = constantNumbers(value)?.[0];
  if (!value || (known !== undefined && known > 2 ** 31 - 1)) return null;
  return reshaped(e, known === undefined ? e.plain(value) : e.int(known), []);
}

/** What a body is handed, in the shape that it has there. */
const take = (inner: InnerEmitter, value: Value, tensor: LiteTensor) =>
  inner.take(value, reshaped(inner, tensor, inner.typeOf(value).shape));

const loop: LiteRow = {
  emit(node, e) {
    const graph = graphOf(node, 'body');
    const count = graph.inputs.length - 2;
    const captured = capturedFrom(e, graph);
    return repeat(node, e, {
      rounds: roundsOf(node, e),
      goes: node.inputs[1] ? reshaped(e, e.input(node, 1), []) : null,
      carried: Array.from({ length: count }, (_, i) => e.input(node, i + 2)),
      constant: captured.map((v) => e.held(v)),
      stacks: graph.outputs.slice(count + 1).map((_, i) => ({
        ...{ type: typeOfStack(node, e, count + i), axis: 0, backwards: false },
      })),
      body(inner, index, carried, constant) {
        captured.forEach((v, i) => void inner.take(v, constant[i]!));
        const [number, going, ...values] = graph.inputs as [Value, Value, ...Value[]];
        take(inner, number, index);
        take(inner, going, truth(inner));
        values.forEach((v, i) => void take(inner, v, carried[i]!));
        const [goes, ...made] = inner.body(graph) as [LiteTensor, ...LiteTensor[]];
        return {
          ...{ goes: reshaped(inner, goes, []), carried: made.slice(0, count), parts: made.slice(count) },
        };
      },
    });
  },
};

function typeOfStack(node: Node, e: Emitter, index: number): LiteType {
  const value = node.outputs[index];
  if (!value) return refuse(node, `its output ${index + 1} is left out`);
  return isStatic(shapeOf(value))
    ? e.typeOf(value)
    : refuse(node, `how often it runs, and so the size of "${value.name}", is not known`);
}

/** Over axes of inputs, from either end. */
const scan: LiteRow = {
  emit(node, e) {
    const graph = graphOf(node, 'body');
    const scanned = intAttribute(node, 'num_scan_inputs', 1);
    const count = graph.inputs.length - scanned;
    const setting = (name: string, i: number) => intsAttribute(node, name, [])[i] ?? 0;
    const captured = capturedFrom(e, graph);
    const inputs = Array.from({ length: scanned }, (_, i) => e.input(node, count + i));
    const axes = inputs.map((t, i) => normalAxis(setting('scan_input_axes', i), t.shape.length));
    const rounds = shapeAt(node, count)[axes[0]!]!;
    return repeat(node, e, {
      rounds: e.int(rounds),
      goes: null,
      carried: Array.from({ length: count }, (_, i) => e.input(node, i)),
      constant: [...inputs, ...captured.map((v) => e.held(v))],
      stacks: graph.outputs.slice(count).map((_, i) => {
        const type = typeOfStack(node, e, count + i);
        const axis = normalAxis(setting('scan_output_axes', i), type.shape.length);
        return { type, axis, backwards: setting('scan_output_directions', i) === 1 };
      }),
      body(inner, index, carried, constant) {
        captured.forEach((v, i) => void inner.take(v, constant[scanned + i]!));
        const backwards = binary(inner, 'SUB', inner.int(rounds - 1), index);
        graph.inputs.forEach((v, i) => {
          const at = i - count;
          const place = setting('scan_input_directions', at) === 1 ? backwards : index;
          take(inner, v, at < 0 ? carried[i]! : gathered(inner, constant[at]!, place, axes[at]!));
        });
        const made = inner.body(graph);
        return { goes: null, carried: made.slice(0, count), parts: made.slice(count) };
      },
    });
  },
};

export const control: LiteRows = { If: choose, Loop: loop, Scan: scan };
