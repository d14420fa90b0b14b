/** Writing the window of a convolution: its strides, dilations and pads. */
import { ints } from '../ir/attribute.ts';
import type { Node } from '../ir/model.ts';

/** Attributes of a Conv with some of them in other numbers, and none that says its padding in words. */
export function withWindow(
  conv: Node,
  numbers: Readonly<Record<string, readonly number[]>>,
): Node['attributes'] {
  const attributes: Node['attributes'] = new Map(conv.attributes);
  attributes.delete('auto_pad');
  for (const [name, list] of Object.entries(numbers)) attributes.set(name, ints(list));
  return attributes;
}
