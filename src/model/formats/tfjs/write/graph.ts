/** A TensorFlow graph under construction, in GraphDef's vocabulary. Nodes refer to one another as objects; names are given
 *  when the graph is written (model-json.ts).
 *  Source: tensorflow/core/framework/{graph,node_def,attr_value}.proto. */
import type { Shape } from '../../../ir/type.ts';

/** Element types that TensorFlow.js computes in. */
export type TfType = 'float32' | 'int32' | 'bool';

export type TfAttribute =
  | { readonly type: TfType }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly texts: readonly string[] }
  | { readonly shape: Shape | null }
  /** A function of the graph's library. */
  | { readonly call: string };

export interface TfNode {
  op: string;
  /** What the name is made from. */
  hint: string;
  inputs: Ref[];
  attributes: Record<string, TfAttribute>;
  /** Only of op Const. */
  readonly weight: WeightData | null;
}

/** One result of a node. */
export interface Ref {
  readonly node: TfNode;
  readonly port: number;
  readonly dtype: TfType;
}

/** How a constant is stored. Affine: value = code·scale + min, computed in double and rounded to float32 (to int32). */
export type WeightData = {
  readonly dims: readonly number[];
  readonly dtype: TfType;
  /** Little-endian bytes; asked for once, when the file is written. */
  readonly bytes: () => Uint8Array;
} & (
  | { readonly stored: 'plain' }
  | { readonly stored: 'float16' }
  | { readonly stored: 'uint8' | 'uint16'; readonly scale: number; readonly min: number }
);

export interface TfGraph {
  readonly nodes: TfNode[];
}

export interface TfFunction {
  readonly name: string;
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
  readonly graph: TfGraph;
}

export const createTfGraph = (): TfGraph => ({ nodes: [] });

export interface TfNodeInit {
  readonly op: string;
  readonly inputs: readonly Ref[];
  readonly hint: string;
  readonly attributes?: Readonly<Record<string, TfAttribute>> | undefined;
  readonly weight?: WeightData;
}

export function addTfNode(graph: TfGraph, init: TfNodeInit): TfNode {
  const node: TfNode = {
    op: init.op,
    hint: init.hint,
    inputs: [...init.inputs],
    attributes: { ...init.attributes },
    weight: init.weight ?? null,
  };
  graph.nodes.push(node);
  return node;
}

/** As the port of an input: nothing is read, the node runs first. */
export const controlPort = -1;

export const port = (node: TfNode, index: number, dtype: TfType): Ref => ({ node, port: index, dtype });
