/** How close each layer's output is to the original's: both graphs run side by side as one model, and the sums for
 *  SQNR and cosine are taken in the graph. Only scalars leave the engine. */

import { layerNote } from '../../compress/quant/layers.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import { openKernel } from '../../compute/engine/kernel.ts';
import type { RunContext } from '../../compute/engine/run-context.ts';
import type { Sample } from '../../data/source.ts';
import { cloneModel, copyContent } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import { dtypeOf, type Graph, type Model, type Value } from '../../model/ir/model.ts';
import { float32Values, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { nodesOf } from '../../model/ir/walk.ts';

export interface LayerQuality {
  /** Layer name, as in its note. */
  readonly name: string;
  /** 10·log10(Σx² / Σ(x−y)²); null when the original is all zero or nothing differs at all. */
  readonly sqnrDb: number | null;
  readonly cosine: number | null;
}

/** Compares every noted layer of `before` (exact rewrites done) with what became of it in `after`.
 *  @param samples  fed to both; both must take the same inputs */
export async function layerQuality(
  engine: Engine,
  before: Model,
  after: Model,
  samples: { readonly count: number; read(index: number): Promise<Sample> },
  signal?: RunContext['signal'],
): Promise<LayerQuality[]> {
  const { model, names } = sideBySide(before, after);
  if (names.length === 0 || samples.count === 0) return [];
  const sums = new Float64Array(names.length * 4);
  const session = await openKernel(engine, model);
  try {
    const wanted = new Set(session.inputs.map((p) => p.name));
    for (let i = 0; i < samples.count; i++) {
      signal?.throwIfAborted();
      const { inputs } = await samples.read(i);
      const feeds = Object.fromEntries(Object.entries(inputs).filter(([name]) => wanted.has(name)));
      const scalars = float32Values(Object.values(await session.run(feeds))[0]!);
      for (let k = 0; k < sums.length; k++) sums[k]! += scalars[k]!;
    }
  } finally {
    await session.close();
  }
  return names.map((name, k) => {
    const [xx, yy, xy, dd] = [sums[4 * k]!, sums[4 * k + 1]!, sums[4 * k + 2]!, sums[4 * k + 3]!];
    const sqnr = 10 * Math.log10(xx / dd);
    const cosine = xy / Math.sqrt(xx * yy);
    return {
      name,
      sqnrDb: Number.isFinite(sqnr) ? sqnr : null,
      cosine: Number.isFinite(cosine) ? Math.min(1, cosine) : null,
    };
  });
}

/** One model that holds both graphs over the same inputs, with the vector of the layers' sums as its output. */
function sideBySide(before: Model, after: Model): { model: Model; names: string[] } {
  const model = cloneModel(before);
  const { graph } = model;
  for (const [domain, version] of after.opsets)
    model.opsets.set(domain, Math.max(version, model.opsets.get(domain) ?? 0));
  const reference = valuesByName(graph);
  const other = transplant(after, model);
  const names: string[] = [];
  const columns: Value[] = [];
  const one = addInitializer(graph, 'edgepress/one', tensorOf('int64', [1], [1]));
  for (const node of nodesOf(before)) {
    const note = layerNote(node);
    const x = note && reference.get(note.output);
    const became = note && (other.get(`${note.output}/dequantized`) ?? other.get(note.output));
    if (!note || !x || !became || dtypeOf(x) !== 'float32') continue;
    names.push(note.name);
    // May be float16 by now; types of values inside are not kept.
    const y = operation(graph, 'Cast', [became], { to: 1 });
    const difference = operation(graph, 'Sub', [x, y]);
    const sums = [
      operation(graph, 'ReduceSumSquare', [x], { keepdims: 0 }),
      operation(graph, 'ReduceSumSquare', [y], { keepdims: 0 }),
      operation(graph, 'ReduceSum', [operation(graph, 'Mul', [x, y])], { keepdims: 0 }),
      operation(graph, 'ReduceSumSquare', [difference], { keepdims: 0 }),
    ];
    columns.push(...sums.map((s) => operation(graph, 'Reshape', [s, one])));
  }
  if (columns.length > 0) {
    const all = operation(graph, 'Concat', columns, { axis: 0 });
    all.type = tensorType('float32', [columns.length]);
    setOutputs(graph, [all]);
  }
  return { model, names };
}

const operation = (graph: Graph, opType: string, inputs: Value[], attributes = {}) =>
  addNode(graph, { opType, inputs, attributes }).outputs[0]!;

function valuesByName(graph: Graph): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const v of graph.inputs) found.set(v.name, v);
  for (const node of graph.nodes) for (const v of node.outputs) if (v) found.set(v.name, v);
  return found;
}

/** Copies `from` into the graph of `into`, reading the inputs that are there; @returns its values by their old names */
function transplant(from: Model, into: Model): Map<string, Value> {
  const inputs = new Map(into.graph.inputs.map((v) => [v.name, v]));
  const shared = from.graph.inputs.map((v) => [v, inputs.get(v.name) ?? v] as const);
  const map = copyContent(from.graph, into.graph, new Map(shared), (name) => `after/${name}`);
  return new Map([...valuesByName(from.graph)].map(([name, v]) => [name, map.get(v) ?? v]));
}
