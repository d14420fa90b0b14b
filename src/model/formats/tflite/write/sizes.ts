/** Sizes of inputs that a model leaves open. LiteRT plans memory before it runs, so a file has numbers. */
import { tfliteSize } from '../../../../support/diagnostics/tflite-writing.ts';
import { cloneModel } from '../../../ir/clone.ts';
import type { Graph, Model, Value } from '../../../ir/model.ts';
import { formatShape, isStatic, tensorType } from '../../../ir/type.ts';
import { graphsOf } from '../../../ir/walk.ts';
import { evaluate } from '../../../ops/dims.ts';
import { isNamed } from '../../../ops/shapes.ts';
import { openSizes } from '../../../rewrite/fix-sizes.ts';

/** A copy whose batch is 1 where it is open. @throws TFLITE_SIZE for other open sizes */
export function withFixedSizes(source: Model): Model {
  const model = cloneModel(source);
  const inputs = model.graph.inputs.filter((v) => !v.constant);
  const bindings = Object.fromEntries(inputs.flatMap(batchOf));
  for (const v of inputs) {
    if (v.type?.kind !== 'tensor') continue;
    const { dtype, shape } = v.type;
    const known = shape?.map((d, i) => (isNamed(d) ? evaluate(d, bindings) : null) ?? (i === 0 ? 1 : null));
    if (!known || !isStatic(known)) throw tfliteSize(v.name, formatShape(shape), openSizes(model));
    v.type = tensorType(dtype, known);
  }
  for (const graph of graphsOf(model)) forgetTypes(graph);
  return model;
}

const batchOf = (v: Value): [string, number][] => {
  const first = v.type?.kind === 'tensor' ? v.type.shape?.[0] : null;
  return typeof first === 'string' && isNamed(first) ? [[first, 1]] : [];
};

/** Types of the file hold symbols; what follows from the inputs is inferred again. */
function forgetTypes(graph: Graph): void {
  for (const node of graph.nodes)
    for (const v of node.outputs) if (v?.type?.kind === 'tensor') v.type = tensorType(v.type.dtype, null);
}
