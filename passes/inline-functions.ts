/** Writes calls of a model's own functions out, so that passes which look at one operator at a time meet the weights that
 *  functions hold or are given.
 *    y = f(x, W),  f(a, b) = Relu(MatMul(a, b))   ⇒   y = Relu(MatMul(x, W))
 *  Functions inside functions are written out too; those that nobody calls any more are removed. Bodies are brought to the
 *  model's opset, or the model to that of a newer body.
 *  Left alone: calls that neither hold nor are given a constant of `minElements` (an activation function keeps the form
 *  that the file gave it; nothing is said of these) unless `all` is set; functions that import another version of a
 *  further domain than the model.
 *  Source: ONNX IR, "Functions". */
import { z } from 'zod';
import { counted, definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { constantNodeTensor } from '../src/model/ir/constant-node.ts';
import { isFloat } from '../src/model/ir/dtype.ts';
import {
  calledFunctions,
  expandedNodes,
  type FunctionTable,
  functionTable,
} from '../src/model/ir/functions.ts';
import { type Graph, type Model, type ModelFunction, type Node, opset } from '../src/model/ir/model.ts';
import { elementCount, type Tensor } from '../src/model/ir/tensor.ts';
import { nodesOf, withSubgraphs } from '../src/model/ir/walk.ts';
import { constantBehind } from '../src/model/ops/constant-behind.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { labelOf } from '../src/model/rewrite/apply.ts';
import { inlineCall } from '../src/model/rewrite/inline.ts';
import { upgradeMain } from '../src/model/rewrite/opset/upgrade.ts';

const options = z.strictObject({
  /** Also calls that no weight takes part in. */
  all: z.boolean().default(false),
  /** Smaller constants are not worth it. */
  minElements: z.number().int().min(0).default(342),
});

type Options = z.infer<typeof options>;

export const inlineFunctions = definePass<Options>({
  name: 'inline-functions',
  summary: 'Writes calls of the model’s own functions out where weights take part',
  effect: 'exact',
  describe: counted('function call written out', 'function calls written out'),
  prominence: 95,
  // A body of an older opset is upgraded, with upgrade-opset's tolerance.
  tolerance: 1e-6,
  options,
  apply(model, o) {
    if (model.functions.length === 0) return { changed: 0, skipped: [] };
    expandedNodes(model);
    const table = functionTable(model.functions);
    const skips = new Map<Node, Skip>();
    let changed = 0;
    for (let before = -1; before !== changed; ) {
      before = changed;
      const chosen = chooser(table, o);
      for (const node of nodesOf(model)) {
        const fn = table(node);
        if (!fn || skips.has(node) || !chosen(node, fn)) continue;
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
  },
});

/** Whether a call is to be written out. */
function chooser(table: FunctionTable, o: Options): (call: Node, fn: ModelFunction) => boolean {
  const holds = new Map<ModelFunction, boolean>();
  const isLarge = (t: Tensor | null | undefined) =>
    t != null && isFloat(t.dtype) && t.dims.length > 1 && elementCount(t.dims) >= o.minElements;
  const inGraph = (graph: Graph): boolean =>
    [...withSubgraphs(graph)].some(
      (g) =>
        [...g.initializers].some((v) => isLarge(v.constant)) ||
        g.nodes.some((n) => isLarge(constantNodeTensor(n)) || inBody(table(n)) || inAttributes(n)),
    );
  const inBody = (fn: ModelFunction | undefined): boolean => {
    if (!fn) return false;
    const known = holds.get(fn) ?? inGraph(fn.graph);
    holds.set(fn, known);
    return known;
  };
  const inAttributes = (call: Node): boolean =>
    table(call) !== undefined &&
    [...call.attributes.values()].some((a) => a.type === 'tensor' && isLarge(a.value));
  return (call, fn) =>
    o.all || inBody(fn) || inAttributes(call) || call.inputs.some((v) => isLarge(constantBehind(v)?.tensor));
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
