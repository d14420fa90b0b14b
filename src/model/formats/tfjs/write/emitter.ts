/** What turns nodes of a model into nodes of a TensorFlow graph: operators (operators/) ask it for their inputs and hand
 *  it what they are made of. Values keep the axes that they have in the model. */
import { tfjsRank } from '../../../../support/diagnostics/tfjs-writing.ts';
import { dtypeOf, type Graph, type Node, shapeOf, type Value } from '../../../ir/model.ts';
import { type Tensor, tensorOf } from '../../../ir/tensor.ts';
import type { InferredShapes } from '../../../ops/shapes.ts';
import { labelOf } from '../../../rewrite/apply.ts';
import { refuse } from '../../lowered/refusal.ts';
import { type Weight, weightOf } from '../../lowered/weights.ts';
import { emitWeight } from './emit-weight.ts';
import {
  addTfNode,
  port,
  type Ref,
  type TfAttribute,
  type TfFunction,
  type TfGraph,
  type TfType,
  type WeightData,
} from './graph.ts';
import { storeTensor, tfType } from './stored.ts';

export { numbersAt, shapeAt, staticShapeAt } from '../../lowered/arguments.ts';
export { refuse };

export type TfAttributes = Readonly<Record<string, TfAttribute>>;

/** One result, or one for each output of the node; null where nobody reads it. */
export type Emitted = Ref | readonly (Ref | null)[];

/** Emits what a node computes. */
export type TfOperator = (node: Node, e: Emitter) => Emitted;

/** By opKey. */
export type TfOperators = Readonly<Record<string, TfOperator>>;

export interface Emitter {
  readonly inferred: InferredShapes;
  /** A node with one result. @param dtype  of the result; by default that of the first input */
  op(op: string, inputs: readonly Ref[], attributes?: TfAttributes, dtype?: TfType): Ref;
  /** A node with several results. */
  ops(op: string, inputs: readonly Ref[], dtypes: readonly TfType[], attributes?: TfAttributes): Ref[];
  /** The constant behind a value; null when it is computed while running. */
  weightOf(value: Value | null | undefined): Weight | null;
  /** What stands for a value of the model. */
  ref(value: Value): Ref;
  /** What stands for a required input of the node being emitted. */
  input(node: Node, index: number): Ref;
  /** Integers: a scalar or a vector. */
  int(values: number | readonly number[]): Ref;
  /** A float32 scalar. */
  float(value: number): Ref;
  constant(tensor: Tensor): Ref;
  /** A constant in the form given. */
  stored(data: WeightData): Ref;
  /** A weight, in as few bytes as keep every bit. */
  weight(weight: Weight): Ref;
  /** A function of the library. @param inputs  types of its inputs @param build  makes its results from them */
  fn(hint: string, inputs: readonly TfType[], build: BuildFunction): TfFunction;
  /** Emits the nodes of a subgraph here. @param bindings  what stands for its inputs, and for outer values
   *  @returns its outputs */
  body(graph: Graph, bindings: ReadonlyMap<Value, Ref>): readonly Ref[];
}

export type BuildFunction = (inner: Emitter, inputs: readonly Ref[]) => readonly Ref[];

export interface EmitterParts {
  readonly graph: TfGraph;
  readonly inferred: InferredShapes;
  /** What stands for values so far: inputs, and outer values inside a function. */
  readonly known: Map<Value, Ref>;
  /** Node that is being emitted, for names. */
  readonly current: { node: Node | null };
  readonly fn: Emitter['fn'];
  readonly body: Emitter['body'];
}

export function createEmitter(parts: EmitterParts): Emitter {
  const { graph, known, current, inferred } = parts;
  const shared = new Map<string, Ref>();
  const hint = (op: string) => (current.node ? `${labelOf(current.node)}/${op}` : op);
  const ops: Emitter['ops'] = (op, inputs, dtypes, attributes = {}) => {
    const node = addTfNode(graph, { op, inputs, hint: hint(op), attributes });
    return dtypes.map((dtype, i) => port(node, i, dtype));
  };
  const put = (data: WeightData, name: string) =>
    port(addTfNode(graph, { op: 'Const', inputs: [], hint: name, weight: data }), 0, data.dtype);
  const store = (tensor: Tensor, name: string) => put(storeTensor(tensor, name), name);
  const once = (key: string, tensor: () => Tensor): Ref => {
    const made = shared.get(key) ?? store(tensor(), hint('constant'));
    shared.set(key, made);
    return made;
  };
  const weights = new Map<Value, Weight | null>();
  const e: Emitter = {
    inferred,
    ops,
    weightOf(value) {
      if (!value) return null;
      const found = weights.get(value);
      if (found !== undefined) return found;
      const made = weightOf(value);
      weights.set(value, made);
      return made;
    },
    op: (op, inputs, attributes, dtype) => ops(op, inputs, [dtype ?? inputs[0]!.dtype], attributes)[0]!,
    ref(value) {
      const found = known.get(value);
      if (found) return found;
      const weight = e.weightOf(value);
      if (!weight) throw new RangeError(`"${value.name}" is read before it is made.`);
      const made = e.weight(weight);
      known.set(value, made);
      return made;
    },
    input(node, index) {
      const value = node.inputs[index];
      if (!value) return refuse(node, `its input ${index + 1} is left out`);
      return e.ref(value);
    },
    int: (values) =>
      Array.isArray(values)
        ? once(`[${values}]`, () => tensorOf('int32', [values.length], values))
        : once(`${values}`, () => tensorOf('int32', [], [values as number])),
    float: (value) => once(`f${Object.is(value, -0) ? '-0' : value}`, () => tensorOf('float32', [], [value])),
    stored: (data) => put(data, hint('weight')),
    constant: (tensor) => store(tensor, hint('constant')),
    weight: (weight) => emitWeight(e, weight),
    fn: parts.fn,
    body: parts.body,
  };
  return e;
}

export const typeOf = (v: Value | null | undefined): TfType =>
  tfType(dtypeOf(v) ?? 'float32', v ? `"${v.name}"` : 'a value');

/** @throws TFJS_RANK */
export function requireRank(value: Value): void {
  const rank = shapeOf(value)?.length ?? 0;
  if (rank > 6) throw tfjsRank(`"${value.name}"`, rank);
}
