/** Where a linear op keeps its output channels, as `scaleChannels` wants to know it. */
import type { Node } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';
import { weightsOf } from '../ops/weights.ts';
import type { ChannelLayout } from './channel-scale.ts';

/** Layout of the output channels in the weight of a convolution or a product by one matrix on the right; null for
 *  others. Only a transposed convolution's groups lie on another axis than its channels. */
export function outputChannelAxis(node: Node, weight: Tensor): ChannelLayout | null {
  const found = weightsOf(node);
  const read = found.kind === 'known' && found.weights.find((w) => node.inputs[w.index]?.constant === weight);
  const layout = read ? read.layout : null;
  if (!layout || layout.channel === null) return null;
  if (!layout.kernel) return weight.dims.length === 2 ? { axis: layout.channel, groups: 1 } : null;
  return { axis: layout.channel, groups: layout.channel === 0 ? 1 : layout.groups };
}

/** Number of output channels under that layout. */
export const channelCount = (layout: ChannelLayout, weight: Tensor) =>
  weight.dims[layout.axis]! * layout.groups;
