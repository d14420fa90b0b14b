/** Node attributes, one case per ONNX attribute type. Integers are bigint so that INT64_MAX survives. */
import type { Graph, Node } from './model.ts';
import type { Tensor } from './tensor.ts';
import type { ValueType } from './type.ts';

export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'string'; readonly value: Uint8Array }
  | { readonly type: 'tensor'; readonly value: Tensor; readonly name?: string | undefined }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'type'; readonly value: ValueType }
  | { readonly type: 'sparse'; readonly value: SparseTensor }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly bigint[] }
  | { readonly type: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly type: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  | { readonly type: 'types'; readonly value: readonly ValueType[] }
  | { readonly type: 'sparses'; readonly value: readonly SparseTensor[] }
  /** Inside a function body: the value comes from the call's attribute `name`. */
  | { readonly type: 'reference'; readonly name: string; readonly of: AttributeKind };

export type AttributeKind = Exclude<Attribute['type'], 'reference'>;

export interface SparseTensor {
  readonly dims: readonly number[];
  /** [nnz] */
  readonly values: Tensor;
  /** int64 [nnz] (linear) or [nnz, rank] */
  readonly indices: Tensor;
  readonly name?: string | undefined;
}

/** Plain JavaScript values as attributes: use `float()` where a whole number must be a float. */
export type AttributeInit = number | bigint | string | readonly number[] | readonly string[] | Attribute;

export const float = (value: number): Attribute => ({ type: 'float', value });
export const floats = (value: readonly number[]): Attribute => ({ type: 'floats', value });
export const int = (value: number | bigint): Attribute => ({ type: 'int', value: BigInt(value) });
export const ints = (value: readonly (number | bigint)[]): Attribute => ({
  type: 'ints',
  value: value.map(BigInt),
});
export const text = (value: string): Attribute => ({
  type: 'string',
  value: new TextEncoder().encode(value),
});
export const tensorAttribute = (value: Tensor): Attribute => ({ type: 'tensor', value });
export const graphAttribute = (value: Graph): Attribute => ({ type: 'graph', value });

/** Whole numbers become int, other numbers float, arrays likewise (an empty array is ints). */
export function attribute(init: AttributeInit): Attribute {
  if (typeof init === 'bigint') return int(init);
  if (typeof init === 'number') return Number.isInteger(init) ? int(init) : float(init);
  if (typeof init === 'string') return text(init);
  if (Array.isArray(init)) {
    const list = init as readonly (number | string)[];
    if (list.some((x) => typeof x === 'string'))
      return { type: 'strings', value: list.map((x) => new TextEncoder().encode(String(x))) };
    const values = list as readonly number[];
    return values.every(Number.isInteger) ? ints(values) : floats(values);
  }
  return init as Attribute;
}

/** Integer attribute as a number (values beyond ±2^53 are clamped there), or the default. */
export function intAttribute(node: Node, name: string): number | undefined;
export function intAttribute(node: Node, name: string, fallback: number): number;
export function intAttribute(node: Node, name: string, fallback?: number): number | undefined {
  const a = node.attributes.get(name);
  return a?.type === 'int' ? clamp(a.value) : fallback;
}

export function floatAttribute(node: Node, name: string, fallback: number): number {
  const a = node.attributes.get(name);
  return a?.type === 'float' ? a.value : a?.type === 'int' ? Number(a.value) : fallback;
}

export function intsAttribute(node: Node, name: string): number[] | undefined;
export function intsAttribute(node: Node, name: string, fallback: readonly number[]): number[];
export function intsAttribute(node: Node, name: string, fallback?: readonly number[]): number[] | undefined {
  const a = node.attributes.get(name);
  return a?.type === 'ints' ? a.value.map(clamp) : fallback && [...fallback];
}

export function textAttribute(node: Node, name: string): string | undefined;
export function textAttribute(node: Node, name: string, fallback: string): string;
export function textAttribute(node: Node, name: string, fallback?: string): string | undefined {
  const a = node.attributes.get(name);
  return a?.type === 'string' ? new TextDecoder().decode(a.value) : fallback;
}

/** Subgraphs of a node (If, Loop, Scan), in attribute order. */
export function subgraphs(node: Node): Graph[] {
  const found: Graph[] = [];
  for (const a of node.attributes.values()) {
    if (a.type === 'graph') found.push(a.value);
    if (a.type === 'graphs') found.push(...a.value);
  }
  return found;
}

const limit = BigInt(Number.MAX_SAFE_INTEGER);
const clamp = (v: bigint) => Number(v > limit ? limit : v < -limit ? -limit : v);
