/** Hash tables of a graph-model: filled by a graph of its own from constants, and found by the name of their node or by the number
 *  under which the signature captures them.
 *  Source: tfjs-converter src/executor/graph_model.ts, hash_table.ts; operations/executors/hash_table_executor.ts. */
import { z } from 'zod';
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import type { Tensor } from '../../../ir/tensor.ts';
import type { ModelJson } from '../model-json.ts';
import { constantTensor } from './constant.ts';
import { type GraphDef, type GraphNode, parseGraphDef } from './graph-def.ts';

export interface LookupTable {
  /** [n]; null where they are computed. */
  readonly keys: Tensor | null;
  /** [n, …] */
  readonly values: Tensor | null;
}

interface Places {
  readonly graph: GraphDef;
  /** Nodes of the graph by the number of the table that they stand for. */
  readonly captured: ReadonlyMap<string, string>;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly file: string;
}

const signatureSchema = z.object({
  outputs: z
    .record(z.string(), z.object({ name: z.string().nullish(), resourceId: z.unknown().optional() }))
    .nullish(),
});

const fills = new Set(['InitializeTable', 'InitializeTableV2', 'LookupTableImport', 'LookupTableImportV2']);

/** Tables by the node of the graph that stands for each. @throws TFJS_MALFORMED */
export function readTables(
  json: Pick<ModelJson, 'initializer' | 'initializerSignature'>,
  { graph, captured, weights, file }: Places,
): ReadonlyMap<string, LookupTable> {
  const initializer = json.initializer === undefined ? null : parseGraphDef(json.initializer, file);
  const signature = signatureSchema.safeParse(json.initializerSignature ?? {});
  if (!signature.success) throw tfjsMalformed(file, 'the signature of its initializer');
  const tables = new Map<string, LookupTable>();
  for (const { nodes } of [graph, ...(initializer ? [initializer] : [])])
    for (const node of nodes.values())
      if (fills.has(node.op) && node.inputs[0])
        tables.set(node.inputs[0].node, tableOf(nodes, node, weights, file));
  for (const [name, { name: from, resourceId }] of Object.entries(signature.data.outputs ?? {})) {
    const table = tables.get((from ?? name).split(':')[0]!);
    const node = captured.get(String(resourceId));
    if (table && node !== undefined) tables.set(node, table);
  }
  return tables;
}

function tableOf(
  nodes: ReadonlyMap<string, GraphNode>,
  { inputs }: GraphNode,
  weights: ReadonlyMap<string, Tensor>,
  file: string,
): LookupTable {
  const constant = (index: number): Tensor | null => {
    let node = nodes.get(inputs[index]?.node ?? '');
    for (let steps = 0; node?.op === 'Identity' && steps < nodes.size; steps++)
      node = nodes.get(node.inputs[0]?.node ?? '');
    return node?.op === 'Const' ? constantTensor({ weights, file }, node) : null;
  };
  return { keys: constant(1), values: constant(2) };
}
