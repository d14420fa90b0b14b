/** Edits that adaptations share. */
import {
  addInitializer,
  addNode,
  createValue,
  releaseOutput,
  removeNode,
  setAttribute,
  setInput,
} from '../../ir/edit.ts';
import { type Node, shapeOf, type Value } from '../../ir/model.ts';
import { copyNotes } from '../../ir/note.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { isStatic } from '../../ir/type.ts';

/** Puts a node with another type or fewer outputs in the place of `node`; its outputs stay the same values. */
export function replaceNode(
  node: Node,
  change: { opType?: string; outputs?: readonly (Value | null)[] },
): Node {
  const outputs = change.outputs ?? [...node.outputs];
  node.outputs.forEach((_, i) => {
    releaseOutput(node, i);
  });
  const made = addNode(node.graph, { ...node, opType: change.opType ?? node.opType, outputs }, node);
  copyNotes(node, made);
  removeNode(node);
  return made;
}

/** y = f(x) along flattened axes `axis`…: Flatten, f on the last axis, and back to the shape of x. */
export function flattenAround(node: Node, axis: number): void {
  const { graph } = node;
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  const name = (part: string) => (node.name ? `${node.name}/${part}` : '');
  const flat = addNode(
    graph,
    {
      opType: 'Flatten',
      name: name('flatten'),
      inputs: [x],
      outputs: [`${y.name}/flat`],
      attributes: { axis },
    },
    node,
  );
  const shape = shapeOf(x);
  const target =
    isStatic(shape) && !shape.includes(0)
      ? addInitializer(graph, `${y.name}/shape`, tensorOf('int64', [shape.length], shape))
      : addNode(
          graph,
          { opType: 'Shape', name: name('shape'), inputs: [x], outputs: [`${y.name}/shape`] },
          node,
        ).outputs[0]!;
  releaseOutput(node, 0);
  setInput(node, 0, flat.outputs[0]!);
  setAttribute(node, 'axis', -1);
  const rows = createValue(graph.names, `${y.name}/rows`);
  const made = addNode(graph, { ...node, outputs: [rows] }, node);
  addNode(graph, { opType: 'Reshape', name: name('reshape'), inputs: [rows, target], outputs: [y] }, node);
  removeNode(node);
  copyNotes(node, made);
}
