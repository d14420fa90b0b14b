/** Normalisations. Statistics of one channel alone (batch, instance) don't see that others are gone, those over a
 *  channel axis do: the axis is pinned, unless the caller lets it shrink (students, which are trained anyway). */
import { intAttribute } from '../../ir/attribute.ts';
import { setAttribute } from '../../ir/edit.ts';
import type { Value } from '../../ir/model.ts';
import {
  broadcastAxes,
  type ChannelRule,
  type ChannelTable,
  type LinkContext,
  normal,
  pinNode,
  sameAxes,
} from './rule.ts';

const over = 'normalised-over-it';

const batchNorm: ChannelRule = (c) => {
  const [x, scale, bias, mean, variance] = c.node.inputs;
  const [y, ...others] = c.node.outputs;
  if (!x || !y) return;
  sameAxes(c, x, y);
  const axis = (c.shape(x)?.length ?? 0) > 1 ? 1 : 0;
  for (const p of [scale, bias, mean, variance, ...others]) if (p) c.same(p, 0, y, axis);
  c.role(scale, 0, 'scale');
  for (const p of [bias, mean, variance]) c.role(p, 0, 'bias');
};

const instanceNorm: ChannelRule = (c) => {
  const [x, scale, bias] = c.node.inputs;
  const [y] = c.node.outputs;
  if (!x || !y) return;
  sameAxes(c, x, y);
  for (let axis = 2; axis < (c.shape(x)?.length ?? 0); axis++) c.pin(x, axis, over);
  for (const p of [scale, bias]) if (p) c.same(p, 0, y, 1);
  c.role(scale, 0, 'scale');
  c.role(bias, 0, 'bias');
};

/** The channels of a group go together, and the group with them. Scale and bias are one a group before opset 21. */
const groupNorm: ChannelRule = (c) => {
  const [x, scale, bias] = c.node.inputs;
  const [y] = c.node.outputs;
  const channels = c.shape(x)?.[1];
  const groups = intAttribute(c.node, 'num_groups', 1);
  if (!x || !y || typeof channels !== 'number') return pinNode(c, 'shape-unknown');
  sameAxes(c, x, y);
  for (let axis = 2; axis < (c.shape(x)?.length ?? 0); axis++) c.pin(x, axis, over);
  const each = channels / groups;
  for (let i = 0; i < channels; i++) c.link(x, 1, i - (i % each), x, 1, i);
  for (const p of [scale, bias]) {
    if (!p) continue;
    if (c.shape(p)?.[0] === channels) c.same(p, 0, y, 1);
    else for (let g = 0; g < groups; g++) c.link(p, 0, g, x, 1, g * each);
  }
  c.role(scale, 0, 'scale');
  c.role(bias, 0, 'bias');
  c.onShrink((kept) => {
    if (kept.changed(x, 1)) setAttribute(c.node, 'num_groups', (kept.size(x, 1) as number) / each);
  });
};

function pinOver(c: LinkContext, x: Value, axis: number): void {
  if (!c.shrinkNorms) c.pin(x, axis, over);
}

/** Scale and bias over the axes from `axis` on. */
const layerNorm: ChannelRule = (c) => {
  const [x, scale, bias] = c.node.inputs;
  const [y, ...statistics] = c.node.outputs;
  const rank = c.shape(x)?.length;
  if (!x || !y || rank === undefined) return pinNode(c, 'shape-unknown');
  sameAxes(c, x, y);
  const first = normal(intAttribute(c.node, 'axis', -1), rank);
  for (let axis = first; axis < rank; axis++) pinOver(c, x, axis);
  for (const [p, role] of [
    [scale, 'scale'],
    [bias, 'bias'],
  ] as const) {
    if (!p) continue;
    broadcastAxes(c, p, y);
    c.role(p, (c.shape(p)?.length ?? 1) - 1, role);
  }
  for (const s of statistics) if (s) for (let axis = 0; axis < first; axis++) c.same(s, axis, x, axis);
};

/** (input + skip + bias), normalised over the last axis; the sum itself may be an output. */
const skipLayerNorm =
  (parameters: number): ChannelRule =>
  (c) => {
    const [x, skip, ...rest] = c.node.inputs;
    const [y, , , sum] = c.node.outputs;
    const rank = c.shape(x)?.length;
    if (!x || !y || rank === undefined) return pinNode(c, 'shape-unknown');
    sameAxes(c, x, y);
    if (skip) broadcastAxes(c, skip, y);
    if (sum) sameAxes(c, sum, y);
    pinOver(c, x, rank - 1);
    rest.forEach((p, i) => {
      if (!p) return;
      c.same(p, 0, y, rank - 1);
      c.role(p, 0, i === 0 && parameters > 0 ? 'scale' : 'bias');
    });
  };

/** Sums over a window of channels, or over one axis. */
const across =
  (axisOf: (c: LinkContext, rank: number) => number): ChannelRule =>
  (c) => {
    const [x] = c.node.inputs;
    const [y] = c.node.outputs;
    const rank = c.shape(x)?.length;
    if (!x || !y || rank === undefined) return pinNode(c, 'shape-unknown');
    sameAxes(c, x, y);
    pinOver(c, x, axisOf(c, rank));
  };

export const normalizationChannels: ChannelTable = {
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  GroupNormalization: groupNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: layerNorm,
  SimplifiedLayerNormalization: layerNorm,
  LRN: across(() => 1),
  LpNormalization: across((c, rank) => normal(intAttribute(c.node, 'axis', -1), rank)),
  'com.microsoft:SkipLayerNormalization': skipLayerNorm(1),
  'com.microsoft:SkipSimplifiedLayerNormalization': skipLayerNorm(1),
};
