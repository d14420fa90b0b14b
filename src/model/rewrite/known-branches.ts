/** Branches of which it is known beforehand that they are taken: their nodes take the place of the If.
 *    y = If(c) { then: p = f(x), else: … },  c = true   ⇒   y = f(x)
 *  Conditions are constants, or follow from sizes. */
import { subgraphs } from '../ir/attribute.ts';
import { copyContent } from '../ir/clone.ts';
import { addNode, releaseOutput, removeNode } from '../ir/edit.ts';
import { constantOf, type Graph, isOp, type Model, type Node, type Value } from '../ir/model.ts';
import { freshName } from '../ir/names.ts';
import { numbers } from '../ir/tensor.ts';
import { graphsOf } from '../ir/walk.ts';
import { inferShapes } from '../ops/shapes.ts';
import { makeArgumentsScalar } from './scalar-arguments.ts';

/** Edits the model in place, branches of branches too; types are inferred where something changed.
 *  @returns how many Ifs are gone */
export function inlineKnownBranches(model: Model): number {
  // Inference takes weights that a caller may override at their default.
  if (model.graph.inputs.some((v) => v.overridable)) return 0;
  let changed = 0;
  for (let now = -1; now !== 0; changed += now) {
    if (![...graphsOf(model)].some((graph) => graph.nodes.some((n) => isOp(n, 'If')))) return changed;
    now = inlineOnce(model);
  }
  return changed;
}

/** Outer ones first: what is known within a branch that isn't taken is nothing. */
function inlineOnce(model: Model): number {
  const { data } = inferShapes(model);
  const known = (v: Value | null | undefined) => {
    const constant = constantOf(v);
    const value = constant ? numbers(constant)[0] : v && data(v)?.values[0];
    return typeof value === 'number' ? value !== 0 : null;
  };
  let changed = 0;
  const visit = (graph: Graph) => {
    for (const node of [...graph.nodes]) {
      const condition = isOp(node, 'If') ? known(node.inputs[0]) : null;
      const branch = node.attributes.get(condition ? 'then_branch' : 'else_branch');
      if (condition === null || branch?.type !== 'graph') for (const inner of subgraphs(node)) visit(inner);
      else {
        place(branch.value, node);
        changed++;
      }
    }
  };
  visit(model.graph);
  if (changed > 0) {
    inferShapes(model);
    makeArgumentsScalar(model);
  }
  return changed;
}

/** Copies the branch to where its If stands, and removes that. */
function place(branch: Graph, node: Node): void {
  const { graph } = node;
  const end = graph.nodes.length;
  const fresh = (name: string) => freshName(graph.names, name);
  const made = copyContent(branch, graph, new Map(), fresh);
  node.outputs.forEach((_, i) => {
    const output = releaseOutput(node, i);
    const result = branch.outputs[i];
    if (output && result)
      addNode(graph, { opType: 'Identity', inputs: [made.get(result) ?? result], outputs: [output] });
  });
  const added = graph.nodes.splice(end);
  graph.nodes.splice(graph.nodes.indexOf(node), 0, ...added);
  removeNode(node);
}
