/** How far a model can be moved where a newer definition, or what a runtime makes of it, is stricter than the model.
 *  Sources: ONNX LayerNormalization-17, whose scale has the type of its input; onnxruntime's LayerNormFusion, which folds a
 *  Cast to float32 into the norm behind it and so makes such a node, and its own LayerNormalization before 17, which takes
 *  them; the shape inference of BatchNormalization-9, which asks for one scale a channel. */
import { constantOf, dtypeOf, isOp, type Model, type Node, shapeOf } from '../../ir/model.ts';
import { graphsOf } from '../../ir/walk.ts';

export interface OpsetLimit {
  readonly version: number;
  readonly node: Node;
  readonly reason: string;
}

type Limit = (node: Node) => Omit<OpsetLimit, 'node'> | null;

const isHalf = (dtype: string | null) => dtype === 'float16' || dtype === 'bfloat16';

const widenedNorm: Limit = (node) => {
  if (!isOp(node, 'Cast') || !isHalf(dtypeOf(node.inputs[0])) || isHalf(dtypeOf(node.outputs[0])))
    return null;
  const norm = node.outputs[0]!.uses.some((use) => isOp(use.node, 'ReduceMean'));
  return norm ? { version: 16, reason: 'a norm computes in float32 on half floats' } : null;
};

const mixedNorm: Limit = (node) => {
  if (!isOp(node, 'LayerNormalization')) return null;
  const [x, scale] = node.inputs.map((v) => dtypeOf(v));
  return x && scale && x !== scale ? { version: 16, reason: `its input is ${x}, its scale ${scale}` } : null;
};

const batchNorm: Limit = (node) => {
  if (!isOp(node, 'BatchNormalization')) return null;
  const channels = shapeOf(node.inputs[0])?.[1];
  const scales = (constantOf(node.inputs[1])?.dims ?? shapeOf(node.inputs[1]))?.[0];
  return typeof channels === 'number' && typeof scales === 'number' && channels !== scales
    ? { version: 8, reason: `${scales} scales for ${channels} channels` }
    : null;
};

const limits: readonly Limit[] = [widenedNorm, mixedNorm, batchNorm];

/** The lowest version that a node of the model must stay at, with the node; null where any will do. Types must be inferred. */
export function opsetLimit(model: Model): OpsetLimit | null {
  const found = [...graphsOf(model)].flatMap((graph) =>
    graph.nodes.flatMap((node) =>
      limits.flatMap((limit) => {
        const l = limit(node);
        return l ? [{ ...l, node }] : [];
      }),
    ),
  );
  return found.reduce<OpsetLimit | null>((low, l) => (low && low.version <= l.version ? low : l), null);
}
