/** A copy of a model that can be differentiated: opset 21, every size a number, no Constant nodes, no shape arithmetic. */
import { cloneModel } from '../../model/ir/clone.ts';
import { setConstant } from '../../model/ir/edit.ts';
import { type Graph, type Model, opset, shapeOf } from '../../model/ir/model.ts';
import { numbers, tensorOf } from '../../model/ir/tensor.ts';
import { isStatic, tensorType } from '../../model/ir/type.ts';
import { evaluate } from '../../model/ops/dims.ts';
import { inferShapes } from '../../model/ops/shapes.ts';
import { foldKnownSizes, liftConstants, removeDead } from '../../model/rewrite/known-sizes.ts';
import { upgradeModel } from '../../model/rewrite/opset/upgrade.ts';
import { trainingShape } from '../../support/diagnostics/training.ts';
import { own } from '../../support/own.ts';

export const trainingOpset = 21;

/** @param shapes  sizes of the inputs with the batch in front, by input name; inputs that are left out take the sizes that
 *    follow from symbols they share with others
 *  @throws TRAINING_SHAPE when a size stays open; UPGRADE_UNSUPPORTED */
export function prepareTraining(model: Model, shapes: Readonly<Record<string, readonly number[]>>): Model {
  const copy = cloneModel(model);
  inferShapes(copy);
  if (opset(copy) < trainingOpset) upgradeModel(copy, trainingOpset);
  liftConstants(copy.graph);
  const rebatched = pinInputs(copy.graph, shapes);
  forgetTypes(copy.graph);
  if (rebatched) rebatchReshapes(copy.graph, rebatched);
  foldKnownSizes(copy.graph, inferShapes(copy));
  removeDead(copy.graph);
  requireSizes(copy.graph);
  return copy;
}

interface Rebatched {
  readonly from: number;
  readonly to: number;
}

/** Gives every input its sizes. @returns the batch size that a file had fixed and the one it has now, if they differ */
function pinInputs(graph: Graph, shapes: Readonly<Record<string, readonly number[]>>): Rebatched | null {
  const bindings: Record<string, number> = {};
  let rebatched: Rebatched | null = null;
  const inputs = graph.inputs.filter((v) => !v.constant);
  for (const v of inputs) {
    const wanted = own(shapes, v.name);
    shapeOf(v)?.forEach((d, i) => {
      const size = wanted?.[i];
      if (size === undefined) return;
      if (typeof d === 'string') bindings[d] ??= size;
      else if (typeof d === 'number' && d !== size && i === 0) rebatched = { from: d, to: size };
    });
  }
  for (const v of inputs) {
    if (v.type?.kind !== 'tensor') continue;
    const known = own(shapes, v.name) ?? v.type.shape?.map((d) => evaluate(d, bindings));
    if (!known?.every((d) => d !== null)) throw trainingShape(v.name, 'input', v.type.shape);
    v.type = tensorType(v.type.dtype, known);
  }
  return rebatched;
}

/** Types of the file hold symbols, or sizes of another batch; what follows from the inputs is inferred again. */
function forgetTypes(graph: Graph): void {
  for (const node of graph.nodes)
    for (const v of node.outputs) if (v?.type?.kind === 'tensor') v.type = tensorType(v.type.dtype, null);
}

/** A file exported at a fixed batch says it again in its Reshapes; there the first size becomes "as before". */
function rebatchReshapes(graph: Graph, { from }: Rebatched): void {
  for (const node of graph.nodes) {
    const target = node.inputs[1];
    if (node.opType !== 'Reshape' || !target?.constant || target.uses.length > 1) continue;
    const sizes = numbers(target.constant);
    if (Number(sizes[0]) !== from || sizes.length < 2) continue;
    const rest = Array.from(sizes, Number).slice(1);
    const open = rest.indexOf(-1);
    // -1 takes up the batch; where another axis is open already, 0 copies the first size.
    setConstant(target, tensorOf('int64', [sizes.length], [open < 0 ? -1 : 0, ...rest]));
  }
}

function requireSizes(graph: Graph): void {
  for (const node of graph.nodes)
    for (const v of node.outputs)
      if (v && !isStatic(shapeOf(v)) && v.uses.length > 0)
        throw trainingShape(v.name, node.opType, shapeOf(v));
}
