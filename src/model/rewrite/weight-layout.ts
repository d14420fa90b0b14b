/** Where a linear op keeps its output channels. */
import { intAttribute } from '../ir/attribute.ts';
import { isOp, type Node } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { ChannelLayout } from './channel-scale.ts';

/** Layout of the output channels in the weight of a Conv, ConvTranspose, Gemm or MatMul (input 1); null when the weight's
 *  rank doesn't fit (a batched MatMul). */
export function outputChannelAxis(node: Node, weight: Tensor): ChannelLayout | null {
  const rank = weight.dims.length;
  if (isOp(node, 'Conv')) return rank >= 3 ? { axis: 0, groups: 1 } : null;
  if (isOp(node, 'ConvTranspose'))
    return rank >= 3 ? { axis: 1, groups: intAttribute(node, 'group', 1) } : null;
  if (rank !== 2) return null;
  if (isOp(node, 'MatMul')) return { axis: 1, groups: 1 };
  return isOp(node, 'Gemm') ? { axis: intAttribute(node, 'transB', 0) ? 0 : 1, groups: 1 } : null;
}

/** Number of output channels under that layout. */
export const channelCount = (layout: ChannelLayout, weight: Tensor) =>
  weight.dims[layout.axis]! * layout.groups;
