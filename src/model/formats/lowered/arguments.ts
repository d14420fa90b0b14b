/** What a node says of its inputs, or a refusal that names them. */
import { type Node, shapeOf } from '../../ir/model.ts';
import { isStatic, type Shape } from '../../ir/type.ts';
import { constantNumbers } from '../../rewrite/arguments.ts';
import { refuse } from './refusal.ts';

/** @throws RefusedNode when even the rank is unknown */
export function shapeAt(node: Node, index: number): Shape {
  const shape = shapeOf(node.inputs[index]);
  return shape ?? refuse(node, `the rank of its input ${index + 1} is not known`);
}

/** @throws RefusedNode when a size is open */
export function staticShapeAt(node: Node, index: number): readonly number[] {
  const shape = shapeAt(node, index);
  return isStatic(shape) ? shape : refuse(node, `the sizes of its input ${index + 1} are not known`);
}

/** Numbers of a constant input; undefined when it is left out. @throws RefusedNode when they are computed */
export function numbersAt(node: Node, index: number, what: string): number[] | undefined {
  const found = constantNumbers(node.inputs[index]);
  return found === null ? refuse(node, `its ${what} is computed while it runs`) : found;
}
