/** Attention in its forms, ai.onnx and com.microsoft. B batch, S query length, T key length, N heads, H head size. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import type { Dim } from '../../ir/type.ts';
import { add, divideFloor, multiply } from '../dims.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { sameAsInput, tensor } from './common.ts';

/** ai.onnx Attention-23: Q, K, V as [B, N, S, H] or [B, S, N·H]; Y alike with V's head size.
 *  present_key [B, Nkv, past + T, H], scores [B, N, S, past + T]. */
const attention: ShapeRule = (c) => {
  const [q, k, v] = [c.shape(0), c.shape(1), c.shape(2)];
  const dtype = c.dtype(0);
  if (!q || !k || !v) return [0, 1, 2, 0].map((i) => tensor(c.dtype(i), null));
  const packed = q.length === 3;
  const heads: Dim = packed ? (intAttribute(c.node, 'q_num_heads') ?? null) : q[1]!;
  const kvHeads: Dim = packed ? (intAttribute(c.node, 'kv_num_heads') ?? null) : k[1]!;
  const length = packed ? q[1]! : q[2]!;
  const keySize = packed ? divideFloor(k[2]!, kvHeads) : k[3]!;
  const valueSize = packed ? divideFloor(v[2]!, kvHeads) : v[3]!;
  const past: Dim = c.has(4) ? (c.shape(4)?.[2] ?? null) : 0;
  const total = add(packed ? k[1]! : k[2]!, past);
  const y = packed ? [q[0]!, length, multiply(heads, valueSize)] : [q[0]!, heads, length, valueSize];
  return [
    tensor(dtype, y),
    tensor(c.dtype(1), [q[0]!, kvHeads, total, keySize]),
    tensor(c.dtype(2), [q[0]!, kvHeads, total, valueSize]),
    tensor(dtype, [q[0]!, heads, length, total]),
  ];
};

/** A cache that is written in place keeps its length. Source: bert_defs.cc. */
const sharesCache = (c: ShapeContext) => intAttribute(c.node, 'past_present_share_buffer', 0) !== 0;

/** com.microsoft Attention: input [B, S, D], weights [D, sum of qkv sizes]; present [2, B, N, T, H]. */
const packedAttention: ShapeRule = (c) => {
  const [x, w] = [c.shape(0), c.shape(1)];
  const quantised = c.node.opType === 'QAttention';
  const dtype = quantised ? c.dtype(3) : c.dtype(0);
  if (!x) return [tensor(dtype, null)];
  const sizes = intsAttribute(c.node, 'qkv_hidden_sizes');
  const valueSize = sizes?.[2] ?? divideFloor(w?.[1] ?? null, 3);
  const heads = intAttribute(c.node, 'num_heads') ?? null;
  const pastInput = quantised ? 8 : 4;
  const past = c.has(pastInput) ? (c.shape(pastInput)?.[3] ?? null) : 0;
  const total = sharesCache(c) ? past : add(x[1]!, past);
  const present = [2, x[0]!, heads, total, divideFloor(valueSize, heads)];
  return [tensor(dtype, [x[0]!, x[1]!, valueSize]), tensor(dtype, present)];
};

/** Where an attention has its caches and what says that they are written in place. */
interface CacheInputs {
  /** past_key; past_value stands behind it. */
  readonly past: number;
  readonly isShared: (c: ShapeContext) => boolean;
}

/** com.microsoft MultiHeadAttention: query [B, S, D], or packed [B, S, N, 3, H]; key [B, T, D] or, cross attention,
 *  [B, N, T, H]. DecoderMaskedMultiHeadAttention: [B, 1, Dq + Dk + Dv] is packed when there is no key. */
const multiHeadAttention =
  (cache: CacheInputs): ShapeRule =>
  (c) => {
    const [q, k, v] = [c.shape(0), c.shape(1), c.shape(2)];
    const dtype = c.dtype(0);
    if (!q) return [tensor(dtype, null)];
    const heads = intAttribute(c.node, 'num_heads') ?? null;
    const packed = q.length === 3 && !c.has(1);
    const head = q.length === 5 ? q[4]! : divideFloor(q[2]!, multiply(heads, packed ? 3 : 1));
    const valueHead = v?.length === 4 ? v[3]! : v ? divideFloor(v[2]!, heads) : head;
    const keyLength = q.length === 5 || packed ? q[1]! : (k?.[k.length === 4 ? 2 : 1] ?? null);
    const past = c.has(cache.past) ? (c.shape(cache.past)?.[2] ?? null) : 0;
    const total = cache.isShared(c) ? past : add(keyLength, past);
    return [
      tensor(dtype, [q[0]!, q[1]!, multiply(valueHead, heads)]),
      tensor(dtype, [q[0]!, heads, total, head]),
      tensor(dtype, [q[0]!, heads, total, valueHead]),
      tensor(dtype, [q[0]!, heads, q[1]!, total]),
    ];
  };

/** Sequence length of present key and value: that of a shared buffer, which is at least as long as what is needed, or
 *  total_sequence_length; unknown when neither is a number. */
function groupQueryLength(c: ShapeContext): Dim {
  const past = c.shape(3)?.[2] ?? null;
  const total = c.data(6)?.values[0] ?? null;
  if (typeof past === 'number' && typeof total === 'number') return Math.max(past, total);
  return c.has(3) && past !== 0 ? null : total;
}

/** com.microsoft GroupQueryAttention: query [B, S, N·H] (key and value packed in it when absent). */
const groupQueryAttention: ShapeRule = (c) => {
  const q = c.shape(0);
  const dtype = c.dtype(0);
  if (!q) return [tensor(dtype, null)];
  const heads = intAttribute(c.node, 'num_heads') ?? null;
  const kv = intAttribute(c.node, 'kv_num_heads') ?? null;
  const packed = !c.has(1);
  const head = divideFloor(q[2]!, packed ? add(heads, multiply(kv, 2)) : heads);
  // A cache in 4 bits holds two numbers a byte.
  const present = [q[0]!, kv, groupQueryLength(c), c.shape(3)?.[3] ?? head];
  return [
    tensor(dtype, [q[0]!, q[1]!, multiply(heads, head)]),
    tensor(c.has(3) ? c.dtype(3) : dtype, present),
    tensor(c.has(4) ? c.dtype(4) : dtype, present),
  ];
};

/** com.microsoft PackedAttention: input [tokens, D], weights [D, sum of qkv sizes], without padding. */
const tokenAttention: ShapeRule = (c) => {
  const [x, w] = [c.shape(0), c.shape(1)];
  const size = intsAttribute(c.node, 'qkv_hidden_sizes')?.[2] ?? divideFloor(w?.[1] ?? null, 3);
  return [tensor(c.dtype(0), x && [x[0]!, size])];
};

/** com.microsoft PackedMultiHeadAttention: query [tokens, D] with value [tokens, Dv], or packed [tokens, N, 3, H]. */
const tokenMultiHeadAttention: ShapeRule = (c) => {
  const [q, v] = [c.shape(0), c.shape(2)];
  if (!q) return [tensor(c.dtype(0), null)];
  return [tensor(c.dtype(0), [q[0]!, q.length === 4 ? multiply(q[1]!, q[3]!) : (v?.[1] ?? q[1]!)])];
};

/** query and key packed [B, T, heads·d]; state [B, Nkv, dk, dv]. */
const linearAttention: ShapeRule = (c) => {
  const [q, k, v] = [c.shape(0), c.shape(1), c.shape(2)];
  const dtype = c.dtype(0);
  if (!q || !k || !v) return [tensor(dtype, null)];
  const heads = intAttribute(c.node, 'q_num_heads') ?? null;
  const kv = intAttribute(c.node, 'kv_num_heads') ?? null;
  const [dk, dv] = [divideFloor(q[2]!, heads), divideFloor(v[2]!, kv)];
  return [
    tensor(dtype, [q[0]!, q[1]!, multiply(heads, dv)]),
    tensor(c.dtype(3) ?? dtype, [q[0]!, kv, dk, dv]),
  ];
};

/** Q [B, N, S, H], V [B, N, T, Hv] → [B, N, S, Hv]. */
const flexAttention: ShapeRule = (c) => {
  const [q, v] = [c.shape(0), c.shape(2)];
  return [tensor(c.dtype(0), q && v && [...q.slice(0, -1), v[v.length - 1]!])];
};

export const attentionShapes: ShapeTable = {
  Attention: attention,
  RotaryEmbedding: sameAsInput,
  LinearAttention: linearAttention,
  'ai.onnx.preview:FlexAttention': flexAttention,
  'com.microsoft:Attention': packedAttention,
  'com.microsoft:QAttention': packedAttention,
  'com.microsoft:DecoderMaskedSelfAttention': packedAttention,
  'com.microsoft:LongformerAttention': sameAsInput,
  'com.microsoft:PackedAttention': tokenAttention,
  'com.microsoft:PackedMultiHeadAttention': tokenMultiHeadAttention,
  'com.microsoft:MultiHeadAttention': multiHeadAttention({ past: 6, isShared: (c) => c.has(8) }),
  'com.microsoft:DecoderMaskedMultiHeadAttention': multiHeadAttention({ past: 5, isShared: sharesCache }),
  'com.microsoft:GroupQueryAttention': groupQueryAttention,
  'com.microsoft:RotaryEmbedding': sameAsInput,
};
