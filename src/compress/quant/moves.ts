/** Operators that hand values on, and so keep their range, only with some of their attributes. */
import { textAttribute } from '../../model/ir/attribute.ts';
import type { Node } from '../../model/ir/model.ts';
import { scalarOf } from '../../model/rewrite/arguments.ts';

export const padsZeros = (node: Node): boolean =>
  textAttribute(node, 'mode', 'constant') === 'constant' &&
  (!node.inputs[2] || scalarOf(node.inputs[2]) === 0);

/** Cubic curves leave the range of what they pass through. */
export const staysInRange = (node: Node): boolean =>
  textAttribute(node, 'mode', 'nearest') !== 'cubic' &&
  textAttribute(node, 'coordinate_transformation_mode', 'half_pixel') !== 'tf_crop_and_resize';
