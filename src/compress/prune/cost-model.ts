/** What a model costs once channels are removed, without removing them: a shadow of the graph whose sizes are set and
 *  whose weights hold no bytes. */
import { cloneModel } from '../../model/ir/clone.ts';
import { isFloat } from '../../model/ir/dtype.ts';
import { setAttribute, setConstant } from '../../model/ir/edit.ts';
import { type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, lazyTensor } from '../../model/ir/tensor.ts';
import { type Shape, tensorType } from '../../model/ir/type.ts';
import { graphsOf, initializersOf, nodesOf } from '../../model/ir/walk.ts';
import type { ChannelLinks } from '../../model/ops/channels/links.ts';
import { modelMacs, nodeMacs } from '../../model/ops/cost.ts';
import type { Bindings } from '../../model/ops/dims.ts';
import { labelOf } from '../../model/rewrite/apply.ts';
import { rowClasses } from './kept.ts';

export interface Cost {
  /** Multiply–accumulates of one inference. */
  readonly macs: number;
  /** Elements of float initializers. */
  readonly parameters: number;
  /** Sum of the caller's cost over the layers; null without one. */
  readonly latencyMs: number | null;
}

/** A layer at the sizes that it would have: what a measured table is asked about. */
interface LayerSizes {
  readonly name: string;
  readonly node: Node;
  readonly inputs: readonly (Shape | null)[];
  readonly outputs: readonly (Shape | null)[];
  readonly macs: number;
}

/** Milliseconds that a layer takes at these sizes, from whatever was measured. */
export type LayerCost = (layer: LayerSizes) => number;

export type CostModel = (removed: ReadonlySet<number>) => Cost;

/** @param bindings  sizes for symbols (1 otherwise) @param layerCost  for `latencyMs` */
export function createCostModel(
  model: Model,
  links: ChannelLinks,
  bindings: Bindings = {},
  layerCost?: LayerCost,
): CostModel {
  const shadow = cloneModel(model);
  const twin = twins(model, shadow);
  for (const node of nodesOf(shadow)) setAttribute(node, 'hidden_size', undefined);
  const touched = new Map<Value, { axis: number; classes: Int32Array }[]>();
  for (const { row, classes } of rowClasses(links)) {
    const value = twin.get(row.value);
    if (!value || classes.every((cls) => links.pinOf(cls) !== null)) continue;
    const list = touched.get(value) ?? [];
    touched.set(value, list);
    list.push({ axis: row.axis, classes });
  }
  const dense = new Map([...touched.keys()].map((v) => [v, [...shapeOf(v)!]] as const));
  const none = () => new Uint8Array();
  return (removed) => {
    for (const [value, axes] of touched) {
      const dims = [...dense.get(value)!];
      for (const { axis, classes } of axes) {
        let gone = 0;
        if (removed.size > 0) for (const cls of classes) if (removed.has(cls)) gone++;
        dims[axis] = classes.length - gone;
      }
      const { constant, type } = value;
      if (constant) setConstant(value, lazyTensor(constant.dtype, dims as number[], none));
      else if (type?.kind === 'tensor') value.type = tensorType(type.dtype, dims);
    }
    return costOf(shadow, bindings, layerCost);
  };
}

function twins(model: Model, shadow: Model): Map<Value, Value> {
  const pairs = new Map<Value, Value>();
  const copies = [...graphsOf(shadow)];
  [...graphsOf(model)].forEach((a, g) => {
    const b = copies[g]!;
    const pair = (from: Iterable<Value | null>, to: Iterable<Value | null>) => {
      const other = [...to];
      for (const [i, v] of [...from].entries()) if (v) pairs.set(v, other[i]!);
    };
    pair(a.inputs, b.inputs);
    pair(a.initializers, b.initializers);
    for (const [i, node] of a.nodes.entries()) pair(node.outputs, b.nodes[i]!.outputs);
  });
  return pairs;
}

function costOf(model: Model, bindings: Bindings, layerCost: LayerCost | undefined): Cost {
  let [parameters, latency] = [0, 0];
  for (const node of nodesOf(model)) {
    if (layerCost)
      latency += layerCost({
        name: labelOf(node),
        node,
        inputs: node.inputs.map((v) => shapeOf(v)),
        outputs: node.outputs.map((v) => shapeOf(v)),
        macs: nodeMacs(node, bindings) ?? 0,
      });
    const value = node.opType === 'Constant' ? node.attributes.get('value') : undefined;
    const shape = shapeOf(node.outputs[0]);
    if (value?.type === 'tensor' && isFloat(value.value.dtype) && shape)
      parameters += elementCount(shape as number[]);
  }
  for (const { value } of initializersOf(model))
    if (isFloat(value.constant!.dtype)) parameters += elementCount(value.constant!.dims);
  return { macs: modelMacs(model, bindings).macs, parameters, latencyMs: layerCost ? latency : null };
}
