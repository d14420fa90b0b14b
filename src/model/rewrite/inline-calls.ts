/** Writes calls of a model's own functions out, those inside bodies too, and removes what nobody calls any more. */
import { calledFunctions, expandedNodes, functionTable } from '../ir/functions.ts';
import { type Model, type ModelFunction, type Node, opset } from '../ir/model.ts';
import { nodesOf, withSubgraphs } from '../ir/walk.ts';
import { inferShapes } from '../ops/shapes.ts';
import { labelOf, type RewriteResult } from './apply.ts';
import { inlineCall } from './inline.ts';
import { upgradeMain } from './opset/upgrade.ts';

/** Whether a call is to be written out. */
export type ChooseCall = (call: Node, fn: ModelFunction) => boolean;

/** @param choose  asked again for calls that come out of a body
 *  @throws FUNCTION_RECURSIVE, FUNCTIONS_TOO_LARGE, FUNCTIONS_TOO_DEEP */
export function inlineCalls(model: Model, choose: ChooseCall): RewriteResult {
  if (model.functions.length === 0) return { changed: 0, skipped: [] };
  expandedNodes(model);
  const table = functionTable(model.functions);
  const skips = new Map<Node, { at: string; reason: string }>();
  let changed = 0;
  for (let before = -1; before !== changed; ) {
    before = changed;
    for (const node of nodesOf(model)) {
      const fn = table(node);
      if (!fn || skips.has(node) || !choose(node, fn)) continue;
      if (changed === 0) raiseOpset(model);
      const reason = inlineCall(model, node, fn);
      if (reason) skips.set(node, { at: labelOf(node), reason });
      else changed++;
    }
  }
  if (changed > 0) {
    removeUncalled(model);
    inferShapes(model);
  }
  return { changed, skipped: [...skips.values()] };
}

/** Brings the graph to the newest opset that a called function has. */
function raiseOpset(model: Model): void {
  const wanted = [...calledFunctions(model)].map((f) => f.opsets.get('') ?? f.opsets.get('ai.onnx') ?? 0);
  const target = Math.max(opset(model) || opset(model, 'ai.onnx'), ...wanted);
  if (upgradeMain(model, target) > 0) inferShapes(model);
}

function removeUncalled(model: Model): void {
  const called = calledFunctions(model);
  const gone = model.functions.filter((f) => !called.has(f));
  model.functions = model.functions.filter((f) => called.has(f));
  const used = new Set<string>();
  for (const graph of [model.graph, ...model.functions.map((f) => f.graph)])
    for (const inner of withSubgraphs(graph)) for (const node of inner.nodes) used.add(node.domain);
  for (const { domain } of gone) if (domain !== '' && !used.has(domain)) model.opsets.delete(domain);
}
