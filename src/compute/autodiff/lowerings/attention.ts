/** Attention in its forms as products and a softmax. B batch, S query length, T key length, N heads, H head size.
 *  Forms with a cache of keys and values are left as they are: nothing trains through them. */
import { floatAttribute, intAttribute, intsAttribute } from '../../../model/ir/attribute.ts';
import { dtypeOf, shapeOf, type Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import type { Lowering, LoweringContext, LoweringTable } from '../rule.ts';
import { causal, hidden, hide, padding } from './attention-mask.ts';

interface Heads {
  /** [B, N, S, H]. */
  readonly query: Value;
  /** [B, Nkv, T, H], N a multiple of Nkv. */
  readonly key: Value;
  /** [B, Nkv, T, Hv]. */
  readonly value: Value;
  readonly scale: number;
  /** Added to the scores, after the cap; each broadcasts to [B, N, S, T]. */
  readonly terms: readonly Value[];
  /** cap·tanh(scores / cap); 0: none. */
  readonly cap?: number;
}

/** softmax(q·kᵀ·scale + terms)·v as [B, N, S, Hv]. Heads that share a key are rows of one product. */
function attend(c: LoweringContext, heads: Heads): Value {
  const { query, key, value, scale, terms, cap = 0 } = heads;
  const [b, n, s, h] = c.dims(query) as [number, number, number, number];
  const [, shared, t] = c.dims(key) as [number, number, number];
  const scaled = scale === 1 ? query : c.op('Mul', [query, scale]);
  const rows = c.reshape(scaled, [b, shared, (n / shared) * s, h]);
  const raw = c.reshape(c.op('MatMul', [rows, c.transpose(key, [0, 1, 3, 2])]), [b, n, s, t]);
  const scores = cap === 0 ? raw : c.op('Mul', [c.op('Tanh', [c.op('Mul', [raw, 1 / cap])]), cap]);
  // Small terms are added to each other before they meet the scores.
  const count = (v: Value) => c.dims(v).reduce((x, y) => x * y, 1);
  const [first, ...others] = [...terms].sort((x, y) => count(x) - count(y));
  const bias = first && others.reduce((x, y) => c.op('Add', [x, y]), first);
  const weights = c.op('Softmax', [bias ? c.op('Add', [scores, bias]) : scores], { axis: -1 });
  const grouped = c.reshape(weights, [b, shared, (n / shared) * s, t]);
  return c.reshape(c.op('MatMul', [grouped, value]), [b, n, s, c.dims(value)[3] as number]);
}

/** [B, S, N·H] as [B, N, S, H]. */
function split(c: LoweringContext, v: Value, heads: number): Value {
  const [b, s, width] = c.dims(v) as [number, number, number];
  return c.transpose(c.reshape(v, [b, s, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, N, S, H] as [B, S, N·H]. */
function join(c: LoweringContext, v: Value): Value {
  const [b, n, s, h] = c.dims(v) as [number, number, number, number];
  return c.reshape(c.transpose(v, [0, 2, 1, 3]), [b, s, n * h]);
}

/** `v` cut along an axis into parts of the sizes given. */
const parts = (c: LoweringContext, v: Value, sizes: readonly number[], axis: number) =>
  c.ops('Split', [v, c.ints(sizes)], sizes.length, { axis });

const scaleOf = (c: LoweringContext, headSize: number) =>
  floatAttribute(c.node, 'scale', 0) || 1 / Math.sqrt(headSize);

const isRead = (c: LoweringContext, output: number) => (c.node.outputs[output]?.uses.length ?? 0) > 0;

/** Whether an input is there and holds something: an empty cache is none. */
const holds = (c: LoweringContext, index: number) => c.has(index) && !shapeOf(c.input(index))?.includes(0);

/** com.microsoft Attention: one projection [D, Dq + Dk + Dv] of the input [B, S, D], then attention over itself. */
const selfAttention: Lowering = (c) => {
  if (holds(c, 4) || intAttribute(c.node, 'do_rotary', 0) !== 0 || isRead(c, 1)) return null;
  const [b = 1, s = 1] = c.dims(c.input(0));
  const heads = intAttribute(c.node, 'num_heads', 1);
  const width = c.dims(c.input(1))[1] as number;
  const sizes = intsAttribute(c.node, 'qkv_hidden_sizes', [width / 3, width / 3, width / 3]);
  const mask = c.has(3) ? padding(c, c.input(3), b, s) : undefined;
  if (mask === null) return null;
  const product = c.op('MatMul', [c.input(0), c.input(1)]);
  const projected = c.has(2) ? c.op('Add', [product, c.input(2)]) : product;
  const [query, key, value] = parts(c, projected, sizes, 2).map((v) => split(c, v, heads));
  if (!query || !key || !value) return null;
  const unidirectional = intAttribute(c.node, 'unidirectional', 0) !== 0 ? [causal(c, s, s)] : [];
  const terms = [...unidirectional, mask ?? [], c.has(5) ? c.input(5) : []].flat();
  const scale = scaleOf(c, (sizes[0] as number) / heads);
  return [join(c, attend(c, { query, key, value, scale, terms })), null];
};

/** Query, key and value of com.microsoft MultiHeadAttention by head, its bias added; packed forms are unpacked. */
function projections(c: LoweringContext, heads: number): [Value, Value, Value] | null {
  const unpacked = (v: Value, count: number) => {
    const [b, s, n, , h] = c.dims(v) as [number, number, number, number, number];
    return parts(c, v, Array<number>(count).fill(1), 3).map((part) => c.reshape(part, [b, s, n * h]));
  };
  const query = c.input(0);
  const flat =
    c.dims(query).length === 5
      ? unpacked(query, 3)
      : !c.has(1)
        ? []
        : c.dims(c.input(1)).length === 5
          ? [query, ...unpacked(c.input(1), 2)]
          : c.has(2)
            ? [query, c.input(1), c.input(2)]
            : [];
  if (flat.length !== 3) return null;
  // Keys and values of the encoder come by head already, with their bias.
  const ready = flat.map((v) => c.dims(v).length === 4);
  const widths = flat.map((v, i) => (ready[i] ? heads * (c.dims(v)[3] as number) : (c.dims(v)[2] as number)));
  const biases = c.has(3) ? parts(c, c.input(3), widths, 0) : [];
  const split4 = flat.map((v, i) => {
    if (ready[i]) return v;
    return split(c, biases[i] ? c.op('Add', [v, biases[i]]) : v, heads);
  });
  return split4 as [Value, Value, Value];
}

const multiHead: Lowering = (c) => {
  if (holds(c, 6) || isRead(c, 3)) return null;
  const made = projections(c, intAttribute(c.node, 'num_heads', 1));
  if (!made) return null;
  const [query, key, value] = made;
  const [b = 1, , s = 1, h = 1] = c.dims(query);
  const t = c.dims(key)[2] as number;
  const mask = c.has(4) ? padding(c, c.input(4), b, t) : undefined;
  if (mask === null) return null;
  const unidirectional = intAttribute(c.node, 'unidirectional', 0) !== 0 ? [causal(c, s, t)] : [];
  const terms = [...unidirectional, mask ?? [], c.has(5) ? c.input(5) : []].flat();
  return [join(c, attend(c, { query, key, value, scale: scaleOf(c, h), terms })), key, value, null];
};

/** com.microsoft GroupQueryAttention over a whole prompt: causal, all rows of the same length or padded at the end
 *  (what padded rows give is nobody's concern). */
const groupQuery: Lowering = (c) => {
  const unusual = ['smooth_softmax', 'qk_output'].some((n) => intAttribute(c.node, n, 0) > 0);
  if (holds(c, 3) || holds(c, 4) || c.has(11) || unusual) return null;
  const heads = intAttribute(c.node, 'num_heads', 1);
  const shared = intAttribute(c.node, 'kv_num_heads', heads);
  const [b = 1, s = 1, width = 1] = c.dims(c.input(0));
  const size = c.has(1) ? width / heads : width / (heads + 2 * shared);
  const flat = c.has(1)
    ? [c.input(0), c.input(1), c.input(2)]
    : parts(c, c.input(0), [heads * size, shared * size, shared * size], 2);
  const rotates = intAttribute(c.node, 'do_rotary', 0) !== 0;
  const interleaved = intAttribute(c.node, 'rotary_interleaved', 0);
  const places = () =>
    c.has(9)
      ? c.input(9)
      : c.constant(
          tensorOf(
            'int64',
            [b, s],
            Array.from({ length: b * s }, (_, i) => i % s),
          ),
        );
  const [query, key, value] = flat.map((v, i) => {
    const count = i === 0 ? heads : shared;
    const by = split(c, v, count);
    if (!rotates || i === 2) return by;
    const rotary = (c.dims(c.input(7))[1] as number) * 2;
    const partial = rotary === size ? {} : { num_heads: count, rotary_embedding_dim: rotary };
    const inputs = [by, places(), c.input(7), c.input(8)];
    return c.op('com.microsoft:RotaryEmbedding', inputs, { interleaved, ...partial });
  });
  if (!query || !key || !value) return null;
  const window = intAttribute(c.node, 'local_window_size', -1);
  const terms = [causal(c, s, s, window > 0 ? window - 1 : undefined), ...(c.has(10) ? [c.input(10)] : [])];
  const cap = floatAttribute(c.node, 'softcap', 0);
  return [join(c, attend(c, { query, key, value, scale: scaleOf(c, size), terms, cap })), key, value];
};

/** ai.onnx Attention-23: Q, K, V by head [B, N, S, H] or flat [B, S, N·H]; a mask is bool (true: seen) or added. */
const attention: Lowering = (c) => {
  if (holds(c, 4) || holds(c, 5) || c.has(6) || isRead(c, 3)) return null;
  const isFlat = c.dims(c.input(0)).length === 3;
  const counts = ['q_num_heads', 'kv_num_heads', 'kv_num_heads'].map((n) => intAttribute(c.node, n, 1));
  const byHead = (i: number) => (isFlat ? split(c, c.input(i), counts[i] as number) : c.input(i));
  const [query, key, value] = [byHead(0), byHead(1), byHead(2)];
  const [, , s = 1, h = 1] = c.dims(query);
  const t = c.dims(key)[2] as number;
  const mask = c.has(3) ? c.input(3) : null;
  const added = mask && dtypeOf(mask) === 'bool' ? hide(c, mask, hidden) : mask;
  const isCausal = intAttribute(c.node, 'is_causal', 0) !== 0;
  const terms = [isCausal ? causal(c, s, t) : [], added ?? []].flat();
  const cap = floatAttribute(c.node, 'softcap', 0);
  const out = attend(c, { query, key, value, scale: scaleOf(c, h), terms, cap });
  return [isFlat ? join(c, out) : out, key, value, null];
};

export const attentionLowerings: LoweringTable = {
  Attention: attention,
  'com.microsoft:Attention': selfAttention,
  'com.microsoft:MultiHeadAttention': multiHead,
  'com.microsoft:GroupQueryAttention': groupQuery,
};
