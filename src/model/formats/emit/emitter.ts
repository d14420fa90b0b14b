/** Writes ONNX nodes while a model of another format is read. Types are known as soon as a node is there, and what follows
 *  from constants and shapes alone (small integers) becomes a constant at once: a Shape → StridedSlice → Pack → Reshape
 *  chain leaves no node where the sizes are numbers. */
import type { AttributeInit } from '../../ir/attribute.ts';
import type { DType } from '../../ir/dtype.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createGraph,
  createValue,
  discardNode,
} from '../../ir/edit.ts';
import { dtypeOf, type Graph, type Model, type Node, shapeOf, type Value } from '../../ir/model.ts';
import { freshName } from '../../ir/names.ts';
import { elementCount, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { type Dim, isStatic, type Shape, type ValueType } from '../../ir/type.ts';
import { type ShapeTracker, trackShapes } from '../../ops/shapes.ts';

export type Attributes = Readonly<Record<string, AttributeInit | undefined>>;

export interface Emitter {
  readonly model: Model;
  /** Where nodes go: the model's graph, or the body of a Loop or If. */
  readonly graph: Graph;
  /** The operator or layer that is being written, for names and messages. */
  readonly op: string;
  readonly node: string;
  /** First output of a new ai.onnx node. Left out inputs are null. */
  emit(opType: string, inputs: readonly (Value | null)[], attributes?: Attributes): Value;
  /** The same, where the operator's inputs say less of the output than is known. */
  emitAs(type: ValueType, opType: string, inputs: readonly (Value | null)[], attributes?: Attributes): Value;
  /** All outputs of a new node. */
  emitAll(
    opType: string,
    inputs: readonly (Value | null)[],
    outputs: number,
    attributes?: Attributes,
  ): readonly Value[];
  constant(tensor: Tensor, name?: string): Value;
  /** int64 [n]; the same numbers are one constant. */
  integers(...numbers: number[]): Value;
  /** A scalar of that type; the same number is one constant. */
  scalar(dtype: DType, value: number): Value;
  /** @throws a refusal when it is unknown */
  dtype(value: Value): DType;
  shape(value: Value): Shape | null;
  /** @throws a refusal when it is unknown */
  rank(value: Value): number;
  /** All sizes. @throws a refusal when the rank is unknown */
  sizes(value: Value): Shape;
  /** Elements of a small tensor as far as they follow from constants and shapes; null where none does. */
  data(value: Value): readonly Dim[] | null;
  /** Elements of a value that must be known when the model is converted.
   *  @param what  how a message calls it: 'the axis'. @throws a refusal when they are computed while running */
  known(value: Value, what: string): number[];
  /** The same graph for another operator or layer. */
  at(op: string, node: string, earlier?: readonly string[]): Emitter;
  /** A body for a Loop or If: `inputs` are its own, everything of this graph can be read in it too. */
  body(
    name: string,
    inputs: readonly { readonly name: string; readonly type: ValueType | null }[],
    write: (inner: Emitter, inputs: readonly Value[]) => readonly Value[],
  ): Graph;
  /** Fails as the format's refusal. @param reason  what can't be expressed, without a full stop */
  refuse(reason: string): never;
}

/** The error of what has no exact form in ONNX.
 *  @param op,node  what is being read, @param earlier  values that could be outputs in its place */
export type Refusal = (op: string, node: string, reason: string, earlier: readonly string[]) => Error;

/** Everything is written at the end of `model.graph`. The model's opset must be 17. */
export const createEmitter = (model: Model, refusal: Refusal): Emitter =>
  emitterAt({ model, refusal, shapes: trackShapes(model), graph: model.graph, cache: new Map() }, '', '');

interface State {
  readonly model: Model;
  readonly refusal: Refusal;
  readonly shapes: ShapeTracker;
  readonly graph: Graph;
  /** Small constants of this graph by dtype, dims and content. */
  readonly cache: Map<string, Value>;
}

function emitterAt(state: State, op: string, node: string, earlier: readonly string[] = []): Emitter {
  const { model, graph } = state;
  const refuse = (reason: string): never => {
    throw state.refusal(op, node, reason, earlier);
  };
  const cached = (dtype: DType, dims: readonly number[], values: readonly number[]): Value => {
    const broken = dtype.startsWith('int') ? values.find((v) => !Number.isInteger(v)) : undefined;
    if (broken !== undefined) refuse(`${broken} where a whole number was expected`);
    const key = `${dtype}[${dims.join()}]${values.map((v) => (Object.is(v, -0) ? '-0' : v)).join()}`;
    const made = state.cache.get(key) ?? addInitializer(graph, 'constant', tensorOf(dtype, dims, values));
    state.cache.set(key, made);
    return made;
  };
  const write = (
    opType: string,
    inputs: readonly (Value | null)[],
    types: readonly (ValueType | null)[],
    attributes: Attributes = {},
  ): readonly Value[] => {
    const name = freshName(graph.names, `${node}/${opType}`);
    const outputs = types.map((type, i) => createValue(graph.names, i === 0 ? node : `${node}:${i}`, type));
    const made = addNode(graph, { opType, name, inputs, outputs, attributes });
    state.shapes.infer(made);
    return folded(made, state, cached) ?? outputs;
  };
  const emitAll: Emitter['emitAll'] = (opType, inputs, outputs, attributes) => {
    if (!(Number.isInteger(outputs) && outputs >= 0 && outputs <= mostOutputs))
      refuse(`it has ${outputs} outputs, not a whole number up to ${mostOutputs}`);
    return write(opType, inputs, Array<null>(outputs).fill(null), attributes);
  };
  const emitter: Emitter = {
    model,
    graph,
    op,
    node,
    emitAll,
    emit: (opType, inputs, attributes) => emitAll(opType, inputs, 1, attributes)[0]!,
    emitAs: (type, opType, inputs, attributes) => write(opType, inputs, [type], attributes)[0]!,
    constant: (tensor, name = 'constant') => addInitializer(graph, name, tensor),
    integers: (...numbers) => cached('int64', [numbers.length], numbers),
    scalar: (dtype, value) => cached(dtype, [], [value]),
    dtype: (value) => dtypeOf(value) ?? refuse(`the type of "${value.name}" is unknown`),
    shape: (value) => shapeOf(value),
    rank: (value) => emitter.sizes(value).length,
    sizes: (value) => shapeOf(value) ?? refuse(`the rank of "${value.name}" is unknown`),
    data: (value) => state.shapes.data(value)?.values ?? null,
    known(value, what) {
      const values = emitter.data(value);
      return values?.every((v) => typeof v === 'number')
        ? (values as number[])
        : refuse(`${what} is computed while the model runs`);
    },
    at: (nextOp, nextNode, before) => emitterAt(state, nextOp, nextNode, before),
    body(name, inputs, write) {
      const inner = createGraph(graph.names, freshName(graph.names, `${node}/${name}`));
      const given = inputs.map((input) =>
        addInput(inner, createValue(graph.names, `${node}/${input.name}`, input.type)),
      );
      const written = emitterAt({ ...state, graph: inner, cache: new Map() }, op, node, earlier);
      for (const output of write(written, given)) addOutput(inner, ownOutput(written, output));
      return inner;
    },
    refuse,
  };
  return emitter;
}

/** A body may not hand out the same value twice, nor one of the graph around it, nor one of its inputs or constants. */
function ownOutput(e: Emitter, value: Value): Value {
  const own = value.producer?.graph === e.graph && !e.graph.outputs.includes(value);
  return own ? value : e.emit('Identity', [value]);
}

const whole: ReadonlySet<DType | null> = new Set<DType>(['int64', 'int32', 'bool']);
const largestFolded = 2 ** 31;

/** Of one node; a file that says more claims what it doesn't hold. */
const mostOutputs = 1 << 16;

/** The outputs as constants, when all elements of all of them are known; the node is gone then. Floats are left to the
 *  passes, which compute them as the engine does. */
function folded(
  node: Node,
  { shapes }: State,
  cached: (dtype: DType, dims: readonly number[], values: readonly number[]) => Value,
): Value[] | null {
  if (node.opType === 'Identity') return null;
  const found = node.outputs.map((output) => {
    const dtype = dtypeOf(output);
    const dims = shapeOf(output);
    const values = whole.has(dtype) && isStatic(dims) ? shapes.data(output!)?.values : undefined;
    return values?.length === elementCount((dims ?? []) as number[]) && values.every(isFoldable)
      ? { dtype: dtype!, dims: dims as number[], values: values as number[] }
      : null;
  });
  if (found.some((f) => f === null)) return null;
  discardNode(node);
  return found.map((f) => cached(f!.dtype, f!.dims, f!.values));
}

const isFoldable = (v: Dim) => typeof v === 'number' && Number.isInteger(v) && Math.abs(v) < largestFolded;
