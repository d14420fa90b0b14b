/** Sizes of inputs that a model leaves open. LiteRT plans memory before it runs, so a file has numbers. */
import { tfliteSize } from '../../../../support/diagnostics/tflite-writing.ts';
import { cloneModel } from '../../../ir/clone.ts';
import type { Graph, Model, Value } from '../../../ir/model.ts';
import { type Dim, formatShape, isStatic, tensorType } from '../../../ir/type.ts';
import { graphsOf } from '../../../ir/walk.ts';
import { evaluate } from '../../../ops/dims.ts';
import { isNamed } from '../../../ops/shapes.ts';
import { openSizes } from '../../../rewrite/fix-sizes.ts';

/** Whether a batch is open, which a file has a number for. */
export const isBatchOpen = (model: Model): boolean =>
  model.graph.inputs.some((v) => !v.constant && v.type?.kind === 'tensor' && isOpen(v.type.shape?.[0]));

const isOpen = (size: Dim | undefined): boolean => size === null || typeof size === 'string';

/** A copy that has a number where the batch is open. @throws TFLITE_SIZE for other open sizes */
export function withFixedSizes(source: Model, batch = 1): Model {
  const model = cloneModel(source);
  const inputs = model.graph.inputs.filter((v) => !v.constant);
  const bindings = Object.fromEntries(inputs.flatMap((v) => batchOf(v, batch)));
  for (const v of inputs) {
    if (v.type?.kind !== 'tensor') continue;
    const { dtype, shape } = v.type;
    const known = shape?.map(
      (d, i) => (isNamed(d) ? evaluate(d, bindings) : null) ?? (i === 0 ? batch : null),
    );
    if (!known || !isStatic(known)) throw tfliteSize(v.name, formatShape(shape), openSizes(model));
    v.type = tensorType(dtype, known);
  }
  for (const graph of graphsOf(model)) forgetTypes(graph);
  return model;
}

const batchOf = (v: Value, batch: number): [string, number][] => {
  const first = v.type?.kind === 'tensor' ? v.type.shape?.[0] : null;
  return typeof first === 'string' && isNamed(first) ? [[first, batch]] : [];
};

/** Types of the file hold symbols; what follows from the inputs is inferred again. */
function forgetTypes(graph: Graph): void {
  for (const node of graph.nodes)
    for (const v of node.outputs) if (v?.type?.kind === 'tensor') v.type = tensorType(v.type.dtype, null);
}
