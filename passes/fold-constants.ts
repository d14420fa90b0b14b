/** Computes what depends on constants only, once, and stores the result.
 *  The constant part of each graph is cut out as a small model that the engine runs; Constant nodes become initializers;
 *  sizes that follow from static shapes (Shape, and what is computed from it) become constants as well.
 *  The file never grows by more than `maxGrowthBytes` for a result: an Expand or Tile, a Cast to a wider type, a
 *  Transpose of a weight that others read as well stay as they are (`grows-file`).
 *  Left alone: random ops, ops with subgraphs, DequantizeLinear (it is how small weights are stored), results that
 *  are graph outputs, and what the engine refuses. */
import { z } from 'zod';
import { counted, definePass, type PassContext, type Skip } from '../src/compress/pipeline/pass.ts';
import { openKernel } from '../src/compute/engine/kernel.ts';
import {
  addInitializer,
  releaseOutput,
  removeInitializer,
  removeNode,
  removeNodes,
} from '../src/model/ir/edit.ts';
import {
  constantOf,
  dtypeOf,
  type Graph,
  isGraphOutput,
  type Model,
  type Node,
} from '../src/model/ir/model.ts';
import { sizeBytes, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { graphsOf } from '../src/model/ir/walk.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { labelOf } from '../src/model/rewrite/apply.ts';
import { storeConstantNodes } from '../src/model/rewrite/constant-nodes.ts';
import {
  constantRegion,
  decideFold,
  regionGroups,
  regionModel,
} from '../src/model/rewrite/constant-region.ts';
import { allowPlainInitializers } from '../src/model/rewrite/plain-initializers.ts';
import { makeArgumentsScalar } from '../src/model/rewrite/scalar-arguments.ts';
import { formatBytes } from '../src/support/units.ts';

const options = z.strictObject({
  /** How many bytes larger than what it frees a stored result may be. */
  maxGrowthBytes: z.number().int().min(0).default(1024),
});

/** Each round can make more shapes static; a model needs as many as its shape computations are deep, mostly one or two. */
const maxRounds = 16;

export const foldConstants = definePass({
  name: 'fold-constants',
  summary: 'Computes what depends on constants only, once, and stores the result',
  effect: 'exact',
  describe: counted('constant computed', 'constants computed'),
  prominence: 50,
  options,
  async apply(model, { maxGrowthBytes }, context) {
    let changed = 0;
    for (let round = 0; round < maxRounds; round++) {
      const skipped: Skip[] = [];
      let now = storeConstantNodes(model) + storeKnownSizes(model, maxGrowthBytes);
      for (const graph of [...graphsOf(model)])
        now += await foldGraph(model, graph, maxGrowthBytes, context, skipped);
      changed += now;
      if (now === 0) return { changed, skipped };
      inferShapes(model);
      changed += makeArgumentsScalar(model);
      allowPlainInitializers(model);
    }
    return { changed, skipped: [{ at: model.graph.name, reason: `no-fixed-point: ${maxRounds} rounds` }] };
  },
});

/** Small integer results of the main graph that shape inference knows element by element. */
function storeKnownSizes(model: Model, allowance: number): number {
  // Inference takes weights that a caller may override at their default; a stored result must not.
  if (model.graph.inputs.some((v) => v.overridable)) return 0;
  const { data } = inferShapes(model);
  let changed = 0;
  for (const node of [...model.graph.nodes]) {
    const [value] = node.outputs;
    if (node.outputs.length !== 1 || !value || value.uses.length === 0 || isGraphOutput(value)) continue;
    if (node.inputs.every((v) => !v || constantOf(v))) continue;
    const dtype = dtypeOf(value);
    const known = dtype === 'int64' || dtype === 'int32' ? data(value) : null;
    if (!known?.values.every((v): v is number => typeof v === 'number' && Number.isSafeInteger(v))) continue;
    const tensor = tensorOf(dtype!, known.dims, known.values);
    if (sizeBytes(tensor) > allowance) continue;
    store(node, tensor);
    changed++;
  }
  return changed;
}

async function foldGraph(
  model: Model,
  graph: Graph,
  allowance: number,
  context: PassContext,
  skipped: Skip[],
): Promise<number> {
  const region = constantRegion(graph);
  if (region.length === 0) return 0;
  const groups = regionGroups(region);
  const together = await evaluate(model, region, context);
  let changed = 0;
  for (const nodes of groups) {
    const results = together.results ?? (await evaluate(model, nodes, context)).results;
    if (!results) {
      skipped.push({ at: labelOf(nodes.at(-1)!), reason: `engine-refused: ${together.reason}` });
      continue;
    }
    const { folded, stored, grown } = decideFold(nodes, results, allowance);
    for (const { node, bytes } of grown)
      skipped.push({ at: labelOf(node), reason: `grows-file: ${formatBytes(bytes)}` });
    for (const value of stored) {
      const node = value.producer!;
      addInitializer(graph, releaseOutput(node, node.outputs.indexOf(value))!, results[value.name]!);
    }
    remove(graph, folded);
    changed += folded.length;
  }
  return changed;
}

interface Evaluation {
  readonly results: Readonly<Record<string, Tensor>> | null;
  readonly reason: string;
}

/** Runs the nodes as a model of their own; results by value name. */
async function evaluate(model: Model, nodes: readonly Node[], context: PassContext): Promise<Evaluation> {
  const cut = regionModel(model, nodes);
  inferShapes(cut);
  try {
    const session = await openKernel(context.engine, cut, { optimization: 'none' });
    try {
      return { results: await session.run({}), reason: '' };
    } finally {
      await session.close();
    }
  } catch (error) {
    return { results: null, reason: (error as Error).message.split('\n', 1)[0] ?? '' };
  }
}

/** Puts a tensor in place of a node's only output. */
function store(node: Node, tensor: Tensor): void {
  addInitializer(node.graph, releaseOutput(node, 0)!, tensor);
  remove(node.graph, [node]);
}

/** Removes nodes without readers, and the initializers that only they read. */
function remove(graph: Graph, nodes: readonly Node[]): void {
  const constants = new Set(
    nodes.flatMap((n) => n.inputs.filter((v) => v !== null && constantOf(v) !== null)),
  );
  if (nodes.length === 1) removeNode(nodes[0]!);
  else removeNodes(graph, new Set(nodes));
  for (const v of constants)
    if (v && v.uses.length === 0 && graph.initializers.has(v)) removeInitializer(graph, v);
}
