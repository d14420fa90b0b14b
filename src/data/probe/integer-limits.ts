/** Which integers an input takes, as far as the graph tells. */
import { intAttribute } from '../../model/ir/attribute.ts';
import { constantOf, isOp, type Model, shapeOf, type Value } from '../../model/ir/model.ts';
import { numbers } from '../../model/ir/tensor.ts';

/** Operators that hand integers on as they are. */
const handing = ['Cast', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Transpose'] as const;

/** How many there are, from 0 on: rows of the tables that are looked up with it, or classes that it is spread over; null where nothing
 *  says it. */
export function integerLimit(model: Model, input: string): number | null {
  const value = model.graph.inputs.find(({ name }) => name === input);
  const found = value ? limitsOf(value) : [];
  return found.length > 0 ? Math.max(1, Math.min(...found)) : null;
}

function limitsOf(value: Value): number[] {
  return value.uses.flatMap(({ node, index }) => {
    if (!node) return [];
    if (isOp(node, ...handing)) return node.outputs.flatMap((o) => (o && index === 0 ? limitsOf(o) : []));
    if (isOp(node, 'Gather') && index === 1) {
      const axis = intAttribute(node, 'axis', 0);
      return sizes(shapeOf(node.inputs[0])?.at(axis) ?? constantOf(node.inputs[0])?.dims.at(axis));
    }
    if (isOp(node, 'OneHot') && index === 0) {
      const depth = constantOf(node.inputs[1]);
      return depth ? sizes(numbers(depth)[0]) : [];
    }
    return [];
  });
}

const sizes = (size: unknown): number[] => (typeof size === 'number' && size > 0 ? [size] : []);
