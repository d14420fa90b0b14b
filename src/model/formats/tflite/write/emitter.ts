/** What turns nodes of a model into operators of LiteRT: tables (operators/) ask it for their inputs and hand it what they
 *  are made of. Values keep the axes that they have in the model. */
import type { Graph, Node, Value } from '../../../ir/model.ts';
import type { Tensor } from '../../../ir/tensor.ts';
import type { Weight } from '../../lowered/weights.ts';
import type { BuiltinOperator } from '../codes.ts';
import type { LiteGraph, LiteOptions, LiteTensor, LiteType, Quantization } from './graph.ts';

/** All sizes are known here. */
export { numbersAt, staticShapeAt as shapeAt } from '../../lowered/arguments.ts';
export { refuse } from '../../lowered/refusal.ts';

/** One result, or one for each output of the node; null where nobody reads it. */
export type Emitted = LiteTensor | readonly (LiteTensor | null)[];

export interface LiteRow {
  /** Emits what a node computes. */
  readonly emit: (node: Node, e: Emitter) => Emitted;
  /** How it computes in 8-bit integers; absent where it doesn't. */
  readonly integers?: IntegerKind;
  /** Whether a Relu, Relu6 or the like behind it can be a part of it. */
  readonly fuses?: boolean;
}

interface IntegerTraits {
  /** Inputs with values, which must be integers; by default the first. */
  readonly data?: (node: Node) => 'all' | readonly number[];
  /** What else must hold. */
  readonly ready?: (node: Node, e: Emitter) => boolean;
}

export type IntegerKind = IntegerTraits &
  (
    | {
        /** moves: results are elements of the inputs, in the same grid. blends: results are in the grid of the inputs,
         *  rounded. free: any grid. */
        readonly kind: 'moves' | 'blends' | 'free';
      }
    /** Results are in one grid that LiteRT prescribes. */
    | { readonly kind: 'fixed'; readonly grid: Quantization }
  );

/** By opKey. */
export type LiteRows = Readonly<Record<string, LiteRow>>;

export interface Emitter {
  /** Whether the node at hand is computed in 8-bit integers. */
  readonly integers: boolean;
  /** Number of the activation that is a part of the node at hand. */
  readonly activation: number;
  op(
    op: BuiltinOperator,
    inputs: readonly (LiteTensor | null)[],
    result: LiteType,
    options?: LiteOptions,
  ): LiteTensor;
  /** An operator with several results. */
  ops(
    op: BuiltinOperator,
    inputs: readonly (LiteTensor | null)[],
    results: readonly LiteType[],
    options?: LiteOptions,
  ): LiteTensor[];
  /** What the node at hand makes. */
  result(index?: number): LiteType;
  /** A required input of the node at hand: integers where it computes in them. */
  input(node: Node, index: number): LiteTensor;
  /** A value in the model's own type. */
  plain(value: Value): LiteTensor;
  /** A value in 8-bit integers of one scale; null where it isn't there in them. */
  integer(value: Value | null): LiteTensor | null;
  /** The type of a value in the model. */
  typeOf(value: Value): LiteType;
  /** The constant behind a value; null when it is computed while running. */
  weightOf(value: Value | null | undefined): Weight | null;
  /** A vector of integers, or a scalar. */
  int(values: number | readonly number[]): LiteTensor;
  /** A float32 scalar. */
  float(value: number): LiteTensor;
  constant(tensor: Tensor): LiteTensor;
  /** A weight in floats; one with a scale, or of half floats, is stored so, behind a DEQUANTIZE. */
  weight(weight: Weight): LiteTensor;
  /** A name for a tensor of the node at hand. */
  name(part: string): string;
  /** A graph of its own, for branches and bodies. @param build  its results, from tensors of the types of its inputs */
  graph(
    name: string,
    inputs: readonly LiteType[],
    build: (inner: InnerEmitter, given: readonly LiteTensor[]) => readonly LiteTensor[],
  ): LiteGraph;
  /** A value as it is there: integers of one scale where it is in them, as a caller feeds it, or else in its own type. */
  held(value: Value): LiteTensor;
}

/** Of a graph that sees nothing of the one around it. */
export interface InnerEmitter extends Emitter {
  /** Says what stands for a value of the graph around it, or for an input of a body. */
  take(value: Value, tensor: LiteTensor): void;
  /** Emits what the nodes of a branch or body compute. @returns its outputs */
  body(graph: Graph): readonly LiteTensor[];
}

/** The same, of other sizes. */
export const shaped = (type: LiteType, shape: readonly number[]): LiteType => ({
  type: type.type,
  quantization: type.quantization,
  shape,
});

/** The same elements in other sizes. */
export const reshaped = (e: Emitter, x: LiteTensor, shape: readonly number[]): LiteTensor =>
  x.shape.join() === shape.join() && x.shape.length === shape.length
    ? x
    : e.op('RESHAPE', [x, e.int(shape)], shaped(x, shape));

export const activated = (e: Emitter) => ({ fusedActivationFunction: e.activation });
