/** Multi-head attention from primitives, with or without a mask, a bias on the scores and a cache of keys and values. */
import type { Value } from '../ir/model.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { NetworkBuilder } from './builder.ts';
import { type Initial, xavier } from './initial.ts';
import { cast, dropout, linear } from './layers.ts';

/** Scores of hidden places: their softmax is exactly 0, and float16 can hold it. */
const hiddenScore = -10_000;

export interface AttentionOptions {
  readonly width: number;
  readonly heads: number;
  /** width / heads by default. */
  readonly headDim?: number;
  /** What keys and values are made from, [batch, source, width]; the input itself by default. */
  readonly memory?: Value;
  /** bool, broadcast to [batch, heads, sequence, source]: true where a query may look. */
  readonly mask?: Value | undefined;
  /** float32, broadcast to the same: added to the scores. */
  readonly bias?: Value | undefined;
  /** Keys and values of the tokens before, [batch, heads, past, headDim] each. */
  readonly past?: { readonly key: Value; readonly value: Value } | undefined;
  /** Scores are multiplied by it; 1/√headDim by default. */
  readonly scale?: number;
  /** Whether the four projections have a bias; true by default. */
  readonly projectionBias?: boolean;
  readonly dropout?: number;
  /** Of query, key and value; Xavier by default. */
  readonly initial?: Initial;
  readonly queryInitial?: Initial;
  readonly outputInitial?: Initial;
}

export interface AttentionOutputs {
  /** [batch, sequence, width] */
  readonly output: Value;
  /** With the past before it, [batch, heads, past + source, headDim]; null where there is no past. */
  readonly present: { readonly key: Value; readonly value: Value } | null;
}

/** softmax(q·kᵀ·scale + bias)·v over `heads` heads; weights "<name>/query", "/key", "/value" [width, heads·headDim] and
 *  "/output" [heads·headDim, width]. @see Vaswani et al. 2017, arXiv:1706.03762, 3.2 */
export function multiHeadAttention(
  b: NetworkBuilder,
  name: string,
  x: Value,
  options: AttentionOptions,
): AttentionOutputs {
  const { width, heads, memory = x, past, projectionBias = true } = options;
  const headDim = options.headDim ?? width / heads;
  b.check(Number.isInteger(headDim), `width must be a multiple of heads (${heads}); ${width} came`);
  const inner = heads * headDim;
  const initial = options.initial ?? xavier(width, inner);
  const at = b.at(name);
  const project = (role: string, from: Value, start: Initial) =>
    linear(at, role, from, { inputs: width, outputs: inner, bias: projectionBias, initial: start });
  const split = (role: string, projected: Value, perm: readonly number[]) => {
    const scoped = at.at(role);
    const shaped = scoped.op('Reshape', [projected, scoped.integers(0, 0, heads, headDim)]);
    return scoped.op('Transpose', [shaped], { perm });
  };

  const query = split('query', project('query', x, options.queryInitial ?? initial), [0, 2, 1, 3]);
  const projectedKey = project('key', memory, initial);
  const newValue = split('value', project('value', memory, initial), [0, 2, 1, 3]);
  let keyT: Value;
  let value = newValue;
  let present: AttentionOutputs['present'] = null;
  if (past) {
    const key = at.op('Concat', [past.key, split('key', projectedKey, [0, 2, 1, 3])], { axis: 2 });
    value = at.op('Concat', [past.value, newValue], { axis: 2 });
    keyT = at.at('key').op('Transpose', [key], { perm: [0, 1, 3, 2] });
    present = { key, value };
  } else keyT = split('key', projectedKey, [0, 2, 3, 1]);

  const scale = options.scale ?? 1 / Math.sqrt(headDim);
  const scaled = scale === 1 ? query : at.op('Mul', [query, at.scalar('scale', scale)]);
  let scores = at.op('MatMul', [scaled, keyT]);
  if (options.bias) scores = at.op('Add', [scores, options.bias]);
  if (options.mask) scores = at.op('Where', [options.mask, scores, at.scalar('hidden', hiddenScore)]);
  const weights = dropout(at, 'dropout', at.op('Softmax', [scores], { axis: -1 }), options.dropout ?? 0);
  const mixed = at.op('Transpose', [at.op('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
  const joined = at.op('Reshape', [mixed, at.integers(0, 0, inner)]);
  const output = linear(at, 'output', joined, {
    inputs: inner,
    outputs: width,
    bias: projectionBias,
    initial: options.outputInitial ?? xavier(inner, width),
  });
  return { output, present };
}

/** Which places queries may look at, bool [queries, keys]: no later than themselves.
 *  @param queries,keys  positions, int64 [queries] and [keys] */
export function causalMask(b: NetworkBuilder, queries: Value, keys: Value): Value {
  return b.op('LessOrEqual', [
    b.op('Unsqueeze', [keys, b.integers(0)]),
    b.op('Unsqueeze', [queries, b.integers(1)]),
  ]);
}

/** int64 [batch, source], 1 for a token and 0 for padding → bool [batch, 1, 1, source]. */
export const paddingMask = (b: NetworkBuilder, mask: Value): Value =>
  b.op('Unsqueeze', [cast(b, mask, 'bool'), b.integers(1, 2)]);

/** bool [batch, sequence]: where `ids` is not the padding token. */
export const notPadding = (b: NetworkBuilder, ids: Value, padding: number): Value =>
  b.op('Not', [b.op('Equal', [ids, b.constant('padding', tensorOf('int64', [], [padding]))])]);
