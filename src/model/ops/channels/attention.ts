/** Fused attention: a head is a run of columns of query, key, value and output. With fewer key heads than query heads,
 *  a key head goes with all the query heads that read it. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { setAttribute } from '../../ir/edit.ts';
import type { Value } from '../../ir/model.ts';
import { type ChannelRule, type ChannelTable, type LinkContext, pinNode } from './rule.ts';

/** Columns [offset, offset + heads·size) of an axis, in as many runs as `anchor` has units of the leading kind. */
interface Columns {
  readonly value: Value;
  readonly axis: number;
  readonly heads: number;
  readonly offset?: number;
  /** Width of all heads; the axis's own size when absent. */
  readonly width?: number;
}

/** Links runs of columns so that unit u, of `units`, is the same everywhere. */
function linkHeads(c: LinkContext, units: number, columns: readonly Columns[]): boolean {
  const [anchor] = columns;
  if (!anchor) return false;
  for (const { value, axis, offset = 0, width } of columns) {
    const size = width ?? c.shape(value)?.[axis];
    if (typeof size !== 'number' || size % units !== 0) return false;
    const run = size / units;
    for (let i = 0; i < size; i++)
      c.link(
        value,
        axis,
        offset + i,
        anchor.value,
        anchor.axis,
        (anchor.offset ?? 0) + Math.floor(i / run) * runOf(c, anchor, units),
      );
  }
  c.kind(anchor.value, anchor.axis, 'heads');
  return true;
}

const runOf = (c: LinkContext, { value, axis, width }: Columns, units: number) =>
  (width ?? (c.shape(value)![axis] as number)) / units;

/** The head counts after removal, from the new width of the query. */
function shrinkHeads(c: LinkContext, at: Columns, names: readonly (readonly [string, number])[]): void {
  const size = (at.width ?? (c.shape(at.value)?.[at.axis] as number)) / at.heads;
  c.onShrink((kept) => {
    if (!kept.changed(at.value, at.axis)) return;
    const indices = kept.indices(at.value, at.axis)!;
    const offset = at.offset ?? 0;
    const left = indices.filter((i) => i >= offset && i < offset + size * at.heads).length / size;
    for (const [name, before] of names) setAttribute(c.node, name, (before * left) / at.heads);
  });
}

/** Separate query [B,S,N·H], key and value [B,T,Nkv·H]; an output [B,S,N·Hv]. */
const separate =
  (queryHeads: string, keyHeads: string | null): ChannelRule =>
  (c) => {
    const [q, k, v, ...rest] = c.node.inputs;
    const [y] = c.node.outputs;
    const heads = intAttribute(c.node, queryHeads, 0);
    const groups = keyHeads ? intAttribute(c.node, keyHeads, heads) : heads;
    if (!q || !k || !v || !y || [q, k, v].some((x) => c.shape(x)?.length !== 3) || heads === 0)
      return pinNode(c, 'no-channel-rule: packed attention');
    for (const x of [q, k, v, y]) for (const axis of [0, 1]) c.pin(x, axis, 'attended-over');
    const others = [...rest, ...c.node.outputs.slice(1)];
    // A bias over query, key and value (MultiHeadAttention), a cache or a mask with one row a head.
    const tied = others.some((x) => c.shape(x)?.length === 4 && c.shape(x)![1] !== 1);
    if (tied || (rest[0] && keyHeads === null)) return pinNode(c, 'attention-state-or-mask');
    for (const x of others) c.pinAll(x, 'attention-state-or-mask');
    const query = { value: q, axis: 2, heads };
    const parts = [
      query,
      { value: k, axis: 2, heads: groups },
      { value: v, axis: 2, heads: groups },
      { value: y, axis: 2, heads },
    ];
    if (!linkHeads(c, groups, parts)) return pinNode(c, 'shape-unknown');
    shrinkHeads(c, query, [[queryHeads, heads], ...(keyHeads ? [[keyHeads, groups] as const] : [])]);
  };

/** com.microsoft:Attention: one weight [D, Nq + Nk + Nv] with the three projections side by side. */
const packed: ChannelRule = (c) => {
  const [x, w, b, mask, past, extra] = c.node.inputs;
  const [y, present] = c.node.outputs;
  const width = c.shape(w)?.[1];
  const heads = intAttribute(c.node, 'num_heads', 0);
  if (
    !x ||
    !w ||
    !y ||
    typeof width !== 'number' ||
    heads === 0 ||
    past ||
    extra ||
    present ||
    c.node.inputs[6]
  )
    return pinNode(c, 'no-channel-rule: packed attention');
  c.pinAll(mask, 'attention-state-or-mask');
  for (const v of [x, y]) for (const axis of [0, 1]) c.pin(v, axis, 'attended-over');
  c.same(w, 0, x, 2);
  if (b) c.same(b, 0, w, 1);
  c.role(w, 0, 'in');
  c.role(w, 1, 'out');
  c.role(b, 0, 'bias');
  const sizes = intsAttribute(c.node, 'qkv_hidden_sizes', [width / 3, width / 3, width / 3]);
  const columns = sizes.map((size, i) => ({
    value: w,
    axis: 1,
    heads,
    offset: sizes.slice(0, i).reduce((n, s) => n + s, 0),
    width: size,
  }));
  if (!linkHeads(c, heads, [...columns, { value: y, axis: 2, heads }])) return pinNode(c, 'shape-unknown');
  shrinkHeads(c, columns[0]!, [['num_heads', heads]]);
  c.onShrink((kept) => {
    if (!kept.changed(w, 1) || !c.node.attributes.has('qkv_hidden_sizes')) return;
    const stay = kept.indices(w, 1)!;
    setAttribute(
      c.node,
      'qkv_hidden_sizes',
      columns.map(({ offset, width: size }) => stay.filter((i) => i >= offset && i < offset + size).length),
    );
  });
};

export const attentionChannels: ChannelTable = {
  Attention: separate('q_num_heads', 'kv_num_heads'),
  'com.microsoft:MultiHeadAttention': separate('num_heads', null),
  'com.microsoft:Attention': packed,
};
