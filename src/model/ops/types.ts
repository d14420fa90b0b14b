/** Row types of the operator tables. */
import type { DType } from '../ir/dtype.ts';
import type { Graph, Node } from '../ir/model.ts';
import type { Dim, Shape, ValueType } from '../ir/type.ts';

/** Elements of a small tensor as far as they are known; booleans are 0 and 1. */
export interface Data {
  readonly dims: readonly number[];
  /** Row-major. A string is an expression over symbols (see dims.ts), null is unknown. */
  readonly values: readonly Dim[];
}

/** What is known of a value while shapes are inferred. */
export interface Facts {
  readonly type: ValueType | null;
  readonly data: Data | null;
}

/** What a shape rule sees of its node. Inputs that are left out or unknown answer null. */
export interface ShapeContext {
  readonly node: Node;
  /** Operator-set version of the node's domain. */
  readonly opset: number;
  type(index: number): ValueType | null;
  dtype(index: number): DType | null;
  /** Null also when the rank is unknown. */
  shape(index: number): Shape | null;
  /** Known elements of a small input. */
  data(index: number): Data | null;
  /** Whether the node has this input at all. */
  has(index: number): boolean;
  /** Types that bodies of loops carried when they were followed before, from another round of a loop around them. */
  readonly settled: Map<Graph, readonly (ValueType | null)[]>;
  /** Infers a subgraph with these facts for its inputs (as declared where null), and gives those of its outputs.
   *  In a dead branch nothing is reported as missing: what doesn't fit there never runs. */
  infer(graph: Graph, inputs: readonly (Facts | null)[], dead?: boolean): Facts[];
}

/** Types of the node's outputs, in order; null or absent where unknown. Unknown dimensions stay null.
 *  @throws SHAPE_CONFLICT when the inputs don't fit the operator */
export type ShapeRule = (c: ShapeContext) => readonly (ValueType | null)[];
export type ShapeTable = Readonly<Record<string, ShapeRule>>;

/** Elements of the outputs, where they follow from the elements or shapes of the inputs. */
export type DataRule = (c: ShapeContext) => readonly (Data | null)[] | null;
export type DataTable = Readonly<Record<string, DataRule>>;

/** Multiply–accumulates in terms of sizes; null when a shape that is needed is unknown. */
export type CostRule = (node: Node, size: (d: Dim | undefined) => number) => number | null;

/** What an operator that holds no weight does with a scale. */
export type QuantizationTrait =
  /** Values only move: output and first input share one scale. */
  | { readonly kind: 'same-as-input' }
  /** All inputs share the output's scale. */
  | { readonly kind: 'same-as-output' }
  /** Own output scale; integer kernel when all inputs and the output are quantised. */
  | { readonly kind: 'elementwise' }
  /** The same, with an output scale that the kernel prescribes: that of this range. */
  | { readonly kind: 'fixed'; readonly range: readonly [min: number, max: number] }
  /** max(x, 0) or a clamp: folded into the range of what follows where that is exact. */
  | { readonly kind: 'clamp' };

/** How an operator computes in float16: see float16.ts. */
export type Float16Kind = 'product' | 'light' | 'reader' | 'stored';
