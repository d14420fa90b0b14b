/** Convolutions, pooling and what moves between channels and space. Spatial axes are pinned wherever a window slides
 *  over them. */
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import { setAttribute } from '../../ir/edit.ts';
import type { Value } from '../../ir/model.ts';
import { type ChannelRule, type ChannelTable, type LinkContext, pinNode, sameAxes } from './rule.ts';
import { linkSizes } from './shape-operand.ts';

const window = 'a-window-slides-over-it';

function pinSpatial(c: LinkContext, ...values: (Value | null | undefined)[]): void {
  for (const v of values) for (let axis = 2; axis < (c.shape(v)?.length ?? 0); axis++) c.pin(v, axis, window);
}

/** Weight [out, in/group, …k]; transposed [in, out/group, …k]. With groups, all channels of a group go together and
 *  the group with them; a depthwise convolution has one input channel a group. */
const convolution =
  (transposed: boolean): ChannelRule =>
  (c) => {
    const [x, w, b] = c.node.inputs;
    const [y] = c.node.outputs;
    const [wide, out] = [c.shape(x)?.[1], c.shape(y)?.[1]];
    if (!x || !w || !y || typeof wide !== 'number' || typeof out !== 'number')
      return pinNode(c, 'shape-unknown');
    // FusedConv adds a fourth input to its result.
    if (c.node.domain !== '') sameAxes(c, c.node.inputs[3], y);
    pinSpatial(c, x, w, y);
    c.same(x, 0, y, 0);
    const group = intAttribute(c.node, 'group', 1);
    const [inAxis, outAxis] = transposed ? [0, 1] : [1, 0];
    c.kind(y, 1, 'channels');
    if (b) {
      c.same(b, 0, y, 1);
      c.role(b, 0, 'bias');
    }
    if (group === 1) {
      c.same(w, inAxis, x, 1);
      c.same(w, outAxis, y, 1);
      c.role(w, inAxis, 'in');
      c.role(w, outAxis, 'out');
      return;
    }
    // The weight's first axis has the groups one after the other, the second what is in one group.
    const first = transposed ? x : y;
    c.same(w, 0, first, 1);
    c.pin(w, 1, 'inside-a-group');
    c.role(w, 0, 'out');
    const [inside, outside] = [wide / group, out / group];
    for (let g = 0; g < group; g++) {
      for (let i = 0; i < inside; i++) c.link(x, 1, g * inside, x, 1, g * inside + i);
      for (let i = 0; i < outside; i++) c.link(x, 1, g * inside, y, 1, g * outside + i);
    }
    c.onShrink((kept) => {
      if (kept.changed(x, 1)) setAttribute(c.node, 'group', (kept.size(x, 1) as number) / inside);
    });
  };

/** Channel by channel. */
const pooling: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  if (!x) return;
  for (const y of c.node.outputs) {
    if (!y) continue;
    pinSpatial(c, x, y);
    for (const axis of [0, 1]) c.same(x, axis, y, axis);
  }
  // Indices into the flattened input, channels included.
  if (c.node.outputs[1]) c.pinAll(x, 'indices-count-channels');
};

/** Axes that keep their size go on as they are; others are resampled. */
const resize: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const [from, to] = [c.shape(x), c.shape(y)];
  if (!x || !y || !from || !to) return pinNode(c, 'shape-unknown');
  from.forEach((size, axis) => {
    if (axis < 2 || (size === to[axis] && size === 1)) c.same(x, axis, y, axis);
    else for (const v of [x, y]) c.pin(v, axis, 'resampled');
  });
  if (c.node.inputs[3] && !c.node.attributes.has('axes')) linkSizes(c);
  else if (c.node.inputs[3]) c.pin(y, 1, 'resized-by-axes');
};

/** Channel k·C + j of C·b² becomes channel j (DCR), or channel j·b² + k (CRD). */
const depthToSpace: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const channels = c.shape(y)?.[1];
  if (!x || !y || typeof channels !== 'number') return pinNode(c, 'shape-unknown');
  pinSpatial(c, x, y);
  c.same(x, 0, y, 0);
  const square = intAttribute(c.node, 'blocksize', 1) ** 2;
  const rowsFirst = textAttribute(c.node, 'mode', 'DCR') === 'DCR';
  for (let j = 0; j < channels; j++)
    for (let k = 0; k < square; k++) c.link(x, 1, rowsFirst ? k * channels + j : j * square + k, y, 1, j);
};

/** Channel j becomes channels k·C + j, one for each place of the block. */
const spaceToDepth: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const channels = c.shape(x)?.[1];
  if (!x || !y || typeof channels !== 'number') return pinNode(c, 'shape-unknown');
  pinSpatial(c, x, y);
  c.same(x, 0, y, 0);
  const square = intAttribute(c.node, 'blocksize', 1) ** 2;
  for (let j = 0; j < channels; j++) for (let k = 0; k < square; k++) c.link(x, 1, j, y, 1, k * channels + j);
};

export const convolutionChannels: ChannelTable = {
  Conv: convolution(false),
  ConvTranspose: convolution(true),
  'com.microsoft:FusedConv': convolution(false),
  AveragePool: pooling,
  MaxPool: pooling,
  LpPool: pooling,
  GlobalAveragePool: pooling,
  GlobalMaxPool: pooling,
  GlobalLpPool: pooling,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
