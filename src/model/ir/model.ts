/** The model in memory: a mutable graph with use–def links, in ONNX's vocabulary.
 *  Identity is the object; names are labels. Read freely; write only through edit.ts, which keeps `uses` right. */
import type { Attribute } from './attribute.ts';
import type { DType } from './dtype.ts';
import type { Notes } from './note.ts';
import type { Tensor } from './tensor.ts';
import type { Shape, ValueType } from './type.ts';

export interface Model {
  graph: Graph;
  functions: ModelFunction[];
  /** Operator-set version by domain; '' is ai.onnx. */
  opsets: Map<string, number>;
  irVersion: number;
  producer: { name: string; version: string };
  domain: string;
  modelVersion: bigint;
  doc: string;
  metadata: Map<string, string>;
  readonly names: NameScope;
  notes: Notes;
}

/** All names in use anywhere in a model, subgraphs and functions included. */
export interface NameScope {
  readonly taken: Set<string>;
  /** The number from which on `base_1`, `base_2` … may be free; below it all are taken. */
  readonly next: Map<string, number>;
}

export interface Graph {
  name: string;
  doc: string;
  readonly inputs: Value[];
  readonly outputs: Value[];
  /** Values with a constant. In old models they may also stand in `inputs` (a default that a caller may override). */
  readonly initializers: Set<Value>;
  /** In topological order. */
  readonly nodes: Node[];
  /** Values named in value_info that nothing in the graph has, and the like, are kept in notes. */
  notes: Notes;
  readonly names: NameScope;
}

export interface ModelFunction {
  name: string;
  domain: string;
  overload: string;
  doc: string;
  opsets: Map<string, number>;
  /** Attributes without a default. */
  attributes: string[];
  attributeDefaults: Map<string, Attribute>;
  graph: Graph;
  notes: Notes;
}

export interface Node {
  readonly opType: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly overload: string;
  name: string;
  /** null: an optional input that is left out. */
  readonly inputs: (Value | null)[];
  readonly outputs: (Value | null)[];
  readonly attributes: Map<string, Attribute>;
  doc: string;
  readonly graph: Graph;
  notes: Notes;
}

export interface Value {
  name: string;
  type: ValueType | null;
  readonly producer: Node | null;
  /** Every reading of this value: by node inputs (subgraphs' nodes too) and as a graph output. */
  readonly uses: readonly Use[];
  /** Set on initializers. */
  readonly constant: Tensor | null;
  /** An initializer that is a graph input too: a default that a caller may override. */
  overridable: boolean;
  doc: string;
  notes: Notes;
}

export type Use = NodeUse | OutputUse;
interface NodeUse {
  readonly node: Node;
  readonly index: number;
  readonly graph?: never;
}
interface OutputUse {
  readonly graph: Graph;
  readonly index: number;
  readonly node?: never;
}

export const dtypeOf = (v: Value | null | undefined): DType | null =>
  v?.type?.kind === 'tensor' ? v.type.dtype : (v?.constant?.dtype ?? null);

export const shapeOf = (v: Value | null | undefined): Shape | null =>
  v?.constant ? v.constant.dims : v?.type?.kind === 'tensor' ? v.type.shape : null;

/** 'Conv', or 'com.microsoft:FusedConv' outside ai.onnx: the key of every table in ops/. */
export const opKey = (node: { opType: string; domain: string }) =>
  node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}:${node.opType}`;

export function isOp(node: Node, ...keys: string[]): boolean;
export function isOp(node: Node | null | undefined, ...keys: string[]): node is Node;
export function isOp(node: Node | null | undefined, ...keys: string[]): boolean {
  return node != null && keys.includes(opKey(node));
}

/** The nodes that read a value, once for each reading. */
export const readers = (v: Value): Node[] => v.uses.flatMap((u) => (u.node ? [u.node] : []));

export const isGraphOutput = (v: Value) => v.uses.some((u) => u.graph !== undefined);

export const isGraphInput = (graph: Graph, v: Value) => graph.inputs.includes(v);

/** The tensor of an initializer that no caller can override; null otherwise. */
export const constantOf = (v: Value | null | undefined): Tensor | null =>
  v?.constant && !v.overridable ? v.constant : null;

export const opset = (model: Model, domain = '') => model.opsets.get(domain) ?? 0;
