/** A copy of a model that can be differentiated: opset 21, every size a number, no Constant nodes, no shape arithmetic. */
import { cloneModel } from '../../model/ir/clone.ts';
import { constantNodeTensor } from '../../model/ir/constant-node.ts';
import {
  addInitializer,
  removeInitializer,
  removeNodes,
  replaceAllUses,
  setConstant,
} from '../../model/ir/edit.ts';
import {
  type Graph,
  isGraphOutput,
  type Model,
  type Node,
  opset,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { numbers, tensorOf } from '../../model/ir/tensor.ts';
import { isStatic, tensorType } from '../../model/ir/type.ts';
import { evaluate } from '../../model/ops/dims.ts';
import { type InferredShapes, inferShapes } from '../../model/ops/shapes.ts';
import { upgradeModel } from '../../model/rewrite/opset/upgrade.ts';
import { trainingShape } from '../../support/diagnostics/training.ts';

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
  foldKnown(copy.graph, inferShapes(copy));
  removeDead(copy.graph);
  requireSizes(copy.graph);
  return copy;
}

function liftConstants(graph: Graph): void {
  const gone = new Set<Node>();
  for (const node of graph.nodes) {
    const tensor = constantNodeTensor(node);
    const out = node.outputs[0];
    if (!tensor || !out || isGraphOutput(out)) continue;
    replaceAllUses(out, addInitializer(graph, out.name || 'constant', tensor));
    gone.add(node);
  }
  removeNodes(graph, gone);
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
    const wanted = shapes[v.name];
    shapeOf(v)?.forEach((d, i) => {
      const size = wanted?.[i];
      if (size === undefined) return;
      if (typeof d === 'string') bindings[d] ??= size;
      else if (typeof d === 'number' && d !== size && i === 0) rebatched = { from: d, to: size };
    });
  }
  for (const v of inputs) {
    if (v.type?.kind !== 'tensor') continue;
    const known = shapes[v.name] ?? v.type.shape?.map((d) => evaluate(d, bindings));
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

/** Sizes computed from sizes are constants now. */
function foldKnown(graph: Graph, inferred: InferredShapes): void {
  for (const node of graph.nodes) {
    for (const out of node.outputs) {
      if (!out || out.uses.length === 0 || isGraphOutput(out) || out.type?.kind !== 'tensor') continue;
      const { dtype } = out.type;
      const known = inferred.data(out);
      if (!known || !['int64', 'int32', 'bool'].includes(dtype)) continue;
      if (!known.values.every((v) => typeof v === 'number')) continue;
      replaceAllUses(out, addInitializer(graph, out.name, tensorOf(dtype, known.dims, known.values)));
    }
  }
}

export function removeDead(graph: Graph): void {
  const gone = new Set<Node>();
  const alive = (v: Value | null) => v?.uses.some((u) => !u.node || !gone.has(u.node)) ?? false;
  for (const node of [...graph.nodes].reverse()) if (!node.outputs.some(alive)) gone.add(node);
  removeNodes(graph, gone);
  for (const v of [...graph.initializers]) if (v.uses.length === 0) removeInitializer(graph, v);
}

function requireSizes(graph: Graph): void {
  for (const node of graph.nodes)
    for (const v of node.outputs)
      if (v && !isStatic(shapeOf(v)) && v.uses.length > 0)
        throw trainingShape(v.name, node.opType, shapeOf(v));
}
