/** Sizes of inputs that a model leaves open. LiteRT plans memory before it runs, so a file has numbers. */
import { tfliteSize } from '../../../../support/diagnostics/tflite-writing.ts';
import { cloneModel } from '../../../ir/clone.ts';
import type { DType } from '../../../ir/dtype.ts';
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

/** Known before any work on a model. @throws TFLITE_SIZE for open sizes other than the batch */
export const requireSizes = (model: Model): void => void sizesOf(model, 1);

/** A copy that has a number where the batch is open. @throws TFLITE_SIZE for other open sizes */
export function withFixedSizes(source: Model, batch = 1): Model {
  const model = cloneModel(source);
  for (const [v, { dtype, sizes }] of sizesOf(model, batch)) v.type = tensorType(dtype, sizes);
  for (const graph of graphsOf(model)) forgetTypes(graph);
  return model;
}

/** Of inputs, in numbers. */
function sizesOf(model: Model, batch: number): Map<Value, { dtype: DType; sizes: readonly number[] }> {
  const inputs = model.graph.inputs.filter((v) => !v.constant);
  const bindings = Object.fromEntries(inputs.flatMap((v) => batchOf(v, batch)));
  const found = new Map<Value, { dtype: DType; sizes: readonly number[] }>();
  for (const v of inputs) {
    if (v.type?.kind !== 'tensor') continue;
    const { dtype, shape } = v.type;
    const sizes = shape?.map(
      (d, i) => (isNamed(d) ? evaluate(d, bindings) : null) ?? (i === 0 ? batch : null),
    );
    if (!sizes || !isStatic(sizes)) throw tfliteSize(v.name, formatShape(shape), toSay(model, bindings));
    found.set(v, { dtype, sizes });
  }
  return found;
}

/** Names of open sizes without the batch. */
const toSay = (model: Model, bindings: Readonly<Record<string, number>>): string[] => {
  const first = model.graph.inputs.map(({ name }) => `${name}:0`);
  return openSizes(model).filter((name) => !Object.hasOwn(bindings, name) && !first.includes(name));
};

const batchOf = (v: Value, batch: number): [string, number][] => {
  const first = v.type?.kind === 'tensor' ? v.type.shape?.[0] : null;
  return typeof first === 'string' && isNamed(first) ? [[first, batch]] : [];
};

/** Types of the file hold symbols; what follows from the inputs is inferred again. */
function forgetTypes(graph: Graph): void {
  for (const node of graph.nodes)
    for (const v of node.outputs) if (v?.type?.kind === 'tensor') v.type = tensorType(v.type.dtype, null);
}
