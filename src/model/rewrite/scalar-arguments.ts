/** Arguments that ONNX wants as scalars and runtimes take as one element in an axis too, as long as they don't notice: their
 *  shape inference refuses it once it is known. A rewrite that makes more known calls this.
 *    Range(s: [1], l: [1], d: [])   ⇒   Range(Squeeze(s), Squeeze(l), d)
 *  Source: ONNX Range-11; onnxruntime's kernel, which asks for one element. */
import { addNode, setInput } from '../ir/edit.ts';
import { constantOf, isOp, type Model, shapeOf, type Value } from '../ir/model.ts';
import { graphsOf } from '../ir/walk.ts';

/** Edits the model in place; types must be inferred. @returns how many arguments changed */
export function makeArgumentsScalar(model: Model): number {
  let changed = 0;
  for (const graph of graphsOf(model))
    for (const node of graph.nodes.filter((n) => isOp(n, 'Range')))
      node.inputs.forEach((v, i) => {
        if (!v || !isOneInAxes(v)) return;
        const squeezed = addNode(
          graph,
          { opType: 'Squeeze', inputs: [v], outputs: [`${v.name}/scalar`] },
          node,
        );
        setInput(node, i, squeezed.outputs[0]!);
        changed++;
      });
  return changed;
}

function isOneInAxes(v: Value): boolean {
  const shape = constantOf(v)?.dims ?? shapeOf(v);
  return shape !== null && shape.length > 0 && shape.every((d) => d === 1);
}
