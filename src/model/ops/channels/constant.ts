/** Constants wherever they stand: initializers, and Constant nodes with a tensor. */
import { addInitializer } from '../../ir/edit.ts';
import { constantOf, type Graph, isOp, type Value } from '../../ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../ir/tensor.ts';

export function constantTensor(value: Value | null | undefined): Tensor | null {
  const own = constantOf(value);
  if (own || !value?.producer || !isOp(value.producer, 'Constant')) return own;
  const a = value.producer.attributes.get('value');
  return a?.type === 'tensor' ? a.value : null;
}

/** A small integer constant called after `base`; the one that is there already when it says the same. */
export function integerConstant(
  graph: Graph,
  base: string,
  values: readonly number[],
  dtype: 'int64' | 'int32' = 'int64',
): Value {
  const name = `${base}/pruned`;
  for (const v of graph.initializers)
    if (
      v.name.startsWith(name) &&
      v.constant?.dtype === dtype &&
      numbers(v.constant).join() === values.join()
    )
      return v;
  return addInitializer(graph, name, tensorOf(dtype, [values.length], values));
}
