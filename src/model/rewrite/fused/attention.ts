/** com.microsoft Attention: its projection becomes a product of its own, the rest MultiHeadAttention.
 *    q, k, v = Split(x·W);  y = MultiHeadAttention(q, k, v, b)
 *  x [B, S, D], W [D, Dq + Dk + Dv], b [Dq + Dk + Dv]; past and present [2, B, N, T, H] hold keys, then values.
 *  Source: onnxruntime's kernels of the two, which share all that follows the projection. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { type Node, shapeOf, type Value } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { isSame } from '../../ops/dims.ts';
import { type Emit, skip } from '../rule.ts';
import { type Apart, type FusedOperators, inputAt, isRead } from './apart.ts';

/** What Attention has and MultiHeadAttention has not. */
function obstacle(node: Node): string | null {
  if (intAttribute(node, 'do_rotary', 0) !== 0) return 'attention-rotates';
  const shares = intAttribute(node, 'past_present_share_buffer', 0) !== 0;
  return shares || inputAt(node, 6) ? 'attention-shares-its-cache' : null;
}

/** Widths of query, key and value; null where they don't follow from attribute or weight. */
function widths(node: Node): number[] | null {
  const given = intsAttribute(node, 'qkv_hidden_sizes');
  if (given && given.length > 0) return given;
  const all = shapeOf(node.inputs[1])?.[1];
  return typeof all === 'number' ? [all / 3, all / 3, all / 3] : null;
}

/** The mask as MultiHeadAttention takes it: ends [B], or [B, T], or [B, S, T]. A mask [B, 1] hides nothing.
 *  undefined: a form that it doesn't take. */
function maskOf(node: Node): Value | null | undefined {
  const mask = inputAt(node, 3);
  if (!mask) return null;
  const shape = shapeOf(mask);
  const batch = shapeOf(node.inputs[0])?.[0];
  if (shape?.length === 1) return batch !== undefined && isSame(shape[0] ?? null, batch) ? mask : undefined;
  if (shape?.length === 2) return shape[1] === 1 ? null : mask;
  return shape?.length === 3 ? mask : undefined;
}

/** Keys or values of the cache, [B, N, P, H]. */
const half = (emit: Emit, past: Value | null, which: 0 | 1) =>
  past && emit('Gather', [past, tensorOf('int64', [], [which])], { attributes: { axis: 0 } });

function stacked(emit: Emit, parts: readonly (Value | null | undefined)[]): Value {
  const axes = tensorOf('int64', [1], [0]);
  const layers = parts.map((v) => emit('Unsqueeze', [v ?? null, axes]));
  return emit('Concat', layers, { attributes: { axis: 0 } });
}

const copied = ['num_heads', 'scale', 'mask_filter_value', 'unidirectional'];

const attention: Apart = (node, emit) => {
  if (emit.opset < 13) return skip('needs-opset-13');
  const reason = obstacle(node);
  if (reason) return skip(reason);
  const sizes = widths(node);
  if (!sizes) return skip('weight-shape-unknown');
  const mask = maskOf(node);
  if (mask === undefined) return skip('attention-mask-form');
  const product = emit('MatMul', [inputAt(node, 0), inputAt(node, 1)]);
  const split = emit.node('Split', [product, tensorOf('int64', [3], sizes)], 3, { attributes: { axis: 2 } });
  const past = inputAt(node, 4);
  const keeps = isRead(node, 1);
  const made = emit.node(
    'MultiHeadAttention',
    [...split.outputs, inputAt(node, 2), mask, inputAt(node, 5), half(emit, past, 0), half(emit, past, 1)],
    keeps ? 3 : 1,
    { domain: node.domain, attributes: new Map([...node.attributes].filter(([k]) => copied.includes(k))) },
  );
  return [made.outputs[0] ?? null, keeps ? stacked(emit, made.outputs.slice(1)) : null];
};

export const fusedAttention: FusedOperators = {
  'com.microsoft:Attention': attention,
};
