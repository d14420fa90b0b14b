/** Operators that look along an axis: that axis is pinned, the others go on. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import type { Value } from '../../ir/model.ts';
import { type ChannelRule, type ChannelTable, type LinkContext, normal, pinNode, sameAxes } from './rule.ts';

/** `x` to `y` with `axes` reduced to 1 or left out. */
function reduceAxes(
  c: LinkContext,
  x: Value,
  y: Value,
  axes: readonly number[],
  keepDims: boolean,
  reason: string | null,
) {
  let out = 0;
  c.shape(x)!.forEach((_, axis) => {
    if (axes.includes(axis)) {
      if (reason) c.pin(x, axis, reason);
      if (keepDims) out++;
    } else c.same(x, axis, y, out++);
  });
}

/** Mean, sum and norms may go over fewer channels where the caller says so: the network stays valid. */
const reduce: ChannelRule = (c) => {
  const [x, given] = c.node.inputs;
  const [y] = c.node.outputs;
  const rank = c.shape(x)?.length;
  if (!x || !y || rank === undefined) return pinNode(c, 'shape-unknown');
  const listed = intsAttribute(c.node, 'axes') ?? (given ? c.data(given)?.values : []);
  if (!listed?.every((a) => typeof a === 'number')) return pinNode(c, 'axes-computed-at-run-time');
  if (listed.length === 0 && intAttribute(c.node, 'noop_with_empty_axes', 0)) return sameAxes(c, x, y);
  const axes = listed.length > 0 ? listed.map((a) => normal(a as number, rank)) : [...Array(rank).keys()];
  reduceAxes(
    c,
    x,
    y,
    axes,
    intAttribute(c.node, 'keepdims', 1) !== 0,
    c.shrinkNorms ? null : 'reduced-over-it',
  );
};

const argument: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const rank = c.shape(x)?.length;
  if (!x || rank === undefined) return pinNode(c, 'shape-unknown');
  const axis = normal(intAttribute(c.node, 'axis', 0), rank);
  for (const y of c.node.outputs)
    if (y) reduceAxes(c, x, y, [axis], intAttribute(c.node, 'keepdims', 1) !== 0, 'indices-count-it');
};

/** The same shape, but every element along the axis matters to every other. Before opset 13 a softmax goes over all
 *  axes from `axis` on. */
const along =
  (axisDefault: (opset: number) => number, reason: string): ChannelRule =>
  (c) => {
    const [x] = c.node.inputs;
    const rank = c.shape(x)?.length;
    if (!x || rank === undefined) return pinNode(c, 'shape-unknown');
    sameAxes(c, x, c.node.outputs[0]);
    const first = normal(intAttribute(c.node, 'axis', axisDefault(c.opset)), rank);
    const last = c.opset < 13 && reason.startsWith('softmax') ? rank - 1 : first;
    for (let axis = first; axis <= last; axis++) c.pin(x, axis, reason);
  };

const softmax = along((opset) => (opset < 13 ? 1 : -1), 'softmax-over-it');

const cumulative: ChannelRule = (c) => {
  const [x, axis] = c.node.inputs;
  const rank = c.shape(x)?.length;
  const at = c.data(axis)?.values[0];
  if (!x || rank === undefined || typeof at !== 'number') return pinNode(c, 'axes-computed-at-run-time');
  sameAxes(c, x, c.node.outputs[0]);
  c.pin(x, normal(at, rank), 'summed-along-it');
};

const reductions = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'];

export const reductionChannels: ChannelTable = {
  ...Object.fromEntries(reductions.map((name) => [`Reduce${name}`, reduce])),
  ArgMax: argument,
  ArgMin: argument,
  Softmax: softmax,
  LogSoftmax: softmax,
  Hardmax: softmax,
  CumSum: cumulative,
  CumProd: cumulative,
};
