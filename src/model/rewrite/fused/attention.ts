/** com.microsoft Attention: its projection becomes a product of its own, the rest MultiHeadAttention.
 *    q, k, v = Split(x·W);  y = MultiHeadAttention(q, k, v, b)
 *  x [B, S, D], W [D, Dq + Dk + Dv], b [Dq + Dk + Dv]; past and present [2, B, N, T, H] hold keys, then values.
 *  Source: onnxruntime's kernels of the two, which share all that follows the projection. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { dtypes } from '../../ir/dtype.ts';
import { type Node, shapeOf, type Value } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { formatType } from '../../ir/type.ts';
import { isSame, multiply } from '../../ops/dims.ts';
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

/** How a mask says what is hidden. `none`: nothing is. */
type MaskForm = 'none' | 'as-it-is' | 'ends-and-starts' | 'unknown';

/** MultiHeadAttention takes ends [B], [B, T] and [B, S, T] as they are. A mask [B, 1] hides nothing. */
function maskForm(node: Node): MaskForm {
  const mask = inputAt(node, 3);
  if (!mask) return 'none';
  const shape = shapeOf(mask);
  const batch = shapeOf(node.inputs[0])?.[0] ?? null;
  if (shape?.length === 2) return shape[1] === 1 ? 'none' : 'as-it-is';
  if (shape?.length === 3) return 'as-it-is';
  if (shape?.length !== 1 || batch === null) return 'unknown';
  if (isSame(shape[0] ?? null, batch)) return 'as-it-is';
  return isSame(shape[0] ?? null, multiply(batch, 2)) ? 'ends-and-starts' : 'unknown';
}

/** Ends, then starts, [2·B], as a mask [B, T]: 1 where start ≤ t < end. onnxruntime's kernels fill both forms with
 *  mask_filter_value. Source: attention_helper.h, PrepareMask. */
function rangesMask(emit: Emit, mask: Value, keys: Value): Value {
  const ends = emit.node('Split', [emit('Reshape', [mask, int64(2, -1, 1)])], 2, { attributes: { axis: 0 } });
  const [end, start] = ends.outputs.map((v) => emit('Squeeze', [v, int64(0)]));
  const length = emit('Cast', [keys], { attributes: { to: dtypes.int32.code } });
  const zero = tensorOf('int32', [], [0]);
  const places = emit('Range', [zero, length, tensorOf('int32', [], [1])]);
  const before = emit('Less', [places, end ?? null]);
  const after = emit('Not', [emit('Less', [places, start ?? null])]);
  return emit('Cast', [emit('And', [before, after])], { attributes: { to: dtypes.int32.code } });
}

/** How many keys there are: those of the cache and those of the input; int64, no axes. */
function keyCount(emit: Emit, x: Value, past: Value | null): Value {
  const size = (v: Value, axis: number) =>
    emit('Gather', [emit('Shape', [v]), tensorOf('int64', [], [axis])], { attributes: { axis: 0 } });
  return past ? emit('Add', [size(x, 1), size(past, 3)]) : size(x, 1);
}

function maskOf(emit: Emit, node: Node, form: MaskForm): Value | null {
  const [x, mask] = [inputAt(node, 0), inputAt(node, 3)];
  if (form === 'none' || !mask || !x) return null;
  return form === 'as-it-is' ? mask : rangesMask(emit, mask, keyCount(emit, x, inputAt(node, 4)));
}

/** Keys or values of the cache, [B, N, P, H]. */
const half = (emit: Emit, past: Value | null, which: 0 | 1) =>
  past && emit('Gather', [past, tensorOf('int64', [], [which])], { attributes: { axis: 0 } });

function stacked(emit: Emit, parts: readonly (Value | null | undefined)[]): Value {
  const axes = tensorOf('int64', [1], [0]);
  const layers = parts.map((v) => emit('Unsqueeze', [v ?? null, axes]));
  return emit('Concat', layers, { attributes: { axis: 0 } });
}

const maskShape = (node: Node) => formatType(node.inputs[3]?.type ?? null);

const int64 = (...values: number[]) => tensorOf('int64', [values.length], values);

const copied = ['num_heads', 'scale', 'mask_filter_value', 'unidirectional'];

const attention: Apart = (node, emit) => {
  if (emit.opset < 13) return skip('needs-opset-13');
  const reason = obstacle(node);
  if (reason) return skip(reason);
  const sizes = widths(node);
  if (!sizes) return skip('weight-shape-unknown');
  const form = maskForm(node);
  if (form === 'unknown') return skip(`attention-mask-form: ${maskShape(node)}`);
  const product = emit('MatMul', [inputAt(node, 0), inputAt(node, 1)]);
  const split = emit.node('Split', [product, tensorOf('int64', [3], sizes)], 3, { attributes: { axis: 2 } });
  const past = inputAt(node, 4);
  const keeps = isRead(node, 1);
  const made = emit.node(
    'MultiHeadAttention',
    [
      ...split.outputs,
      inputAt(node, 2),
      maskOf(emit, node, form),
      inputAt(node, 5),
      half(emit, past, 0),
      half(emit, past, 1),
    ],
    keeps ? 3 : 1,
    { domain: node.domain, attributes: new Map([...node.attributes].filter(([k]) => copied.includes(k))) },
  );
  return [made.outputs[0] ?? null, keeps ? stacked(emit, made.outputs.slice(1)) : null];
};

export const fusedAttention: FusedOperators = {
  'com.microsoft:Attention': attention,
};
