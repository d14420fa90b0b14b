/** Reading Constant nodes. */
import { isOp, type Node } from './model.ts';
import { scalar, stringTensor, type Tensor, tensorOf } from './tensor.ts';

/** The tensor of a Constant node; null for other nodes and for sparse constants. */
export function constantNodeTensor(node: Node): Tensor | null {
  if (!isOp(node, 'Constant')) return null;
  for (const [name, a] of node.attributes) {
    if (name === 'value' && a.type === 'tensor') return a.value;
    if (name === 'value_float' && a.type === 'float') return scalar('float32', a.value);
    if (name === 'value_int' && a.type === 'int') return tensorOf('int64', [], [a.value]);
    if (name === 'value_string' && a.type === 'string') return stringTensor([], [a.value]);
    if (name === 'value_floats' && a.type === 'floats') return tensorOf('float32', [a.value.length], a.value);
    if (name === 'value_ints' && a.type === 'ints') return tensorOf('int64', [a.value.length], a.value);
    if (name === 'value_strings' && a.type === 'strings') return stringTensor([a.value.length], a.value);
  }
  return null;
}
