/** Writes calls of a model's own functions out, so that passes which look at one operator at a time meet the weights that
 *  functions hold or are given.
 *    y = f(x, W),  f(a, b) = Relu(MatMul(a, b))   ⇒   y = Relu(MatMul(x, W))
 *  Functions inside functions are written out too; those that nobody calls any more are removed. Bodies are brought to the
 *  model's opset, or the model to that of a newer body.
 *  Left alone: calls that neither hold nor are given a constant of `minElements` which a weight can become of (an
 *  activation function keeps the form that the file gave it; nothing is said of these) unless `all` is set; functions
 *  that import another version of a further domain than the model. With `half`, also bodies are written out that hold
 *  something that float16 changes.
 *  Source: ONNX IR, "Functions". */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { constantNodeTensor } from '../src/model/ir/constant-node.ts';
import { isFloat } from '../src/model/ir/dtype.ts';
import { type FunctionTable, functionTable } from '../src/model/ir/functions.ts';
import type { Graph, ModelFunction, Node, Value } from '../src/model/ir/model.ts';
import { elementCount, type Tensor } from '../src/model/ir/tensor.ts';
import { withSubgraphs } from '../src/model/ir/walk.ts';
import { constantBehind } from '../src/model/ops/constant-behind.ts';
import { followsFloat } from '../src/model/ops/float16-functions.ts';
import { weightReach } from '../src/model/ops/weight-reach.ts';
import { type ChooseCall, inlineCalls } from '../src/model/rewrite/inline-calls.ts';

const options = z.strictObject({
  /** Also calls that no weight takes part in. */
  all: z.boolean().default(false),
  /** Also calls whose bodies don't compute in float16 as they stand. */
  half: z.boolean().default(false),
  /** Smaller constants are not worth it. */
  minElements: z.number().int().min(0).default(342),
});

type Options = z.infer<typeof options>;

export const inlineFunctions = definePass<Options>({
  name: 'inline-functions',
  summary: 'Writes calls of the model’s own functions out where weights take part',
  effect: 'exact',
  opens: true,
  describe: counted('function call written out', 'function calls written out'),
  prominence: 95,
  // A body of an older opset is upgraded, with upgrade-opset's tolerance.
  tolerance: 1e-6,
  options,
  apply: (model, o) => inlineCalls(model, chooser(functionTable(model.functions), o)),
});

/** Whether a call is to be written out. */
function chooser(table: FunctionTable, o: Options): ChooseCall {
  const inHalf = followsFloat(table);
  const reaches = weightReach(table);
  const isTaken = (v: Value | null | undefined, t: Tensor | null | undefined) =>
    v != null &&
    t != null &&
    isFloat(t.dtype) &&
    t.dims.length > 1 &&
    elementCount(t.dims) >= o.minElements &&
    reaches(v);
  const holds = new Map<ModelFunction, boolean>();
  const inBody = (fn: ModelFunction | undefined): boolean => {
    if (!fn) return false;
    const known = holds.get(fn) ?? inGraph(fn.graph);
    holds.set(fn, known);
    return known;
  };
  const inGraph = (graph: Graph): boolean =>
    [...withSubgraphs(graph)].some(
      (g) =>
        [...g.initializers].some((v) => isTaken(v, v.constant)) ||
        g.nodes.some(
          (n) =>
            isTaken(n.outputs[0], constantNodeTensor(n)) || inBody(table(n)) || inAttributes(n, table(n)),
        ),
    );
  /** Constant nodes of the body that stand for a tensor that the call gives. */
  const inAttributes = (call: Node, fn: ModelFunction | undefined): boolean =>
    fn?.graph.nodes.some((n) =>
      [...n.attributes.values()].some((a) => {
        const given = a.type === 'reference' ? call.attributes.get(a.name) : undefined;
        return given?.type === 'tensor' && isTaken(n.outputs[0], given.value);
      }),
    ) ?? false;
  const isGiven = (call: Node, fn: ModelFunction) =>
    call.inputs.some((v, i) => isTaken(fn.graph.inputs[i], constantBehind(v)?.tensor));
  return (call, fn) =>
    o.all || (o.half && !inHalf(fn)) || inBody(fn) || inAttributes(call, fn) || isGiven(call, fn);
}
