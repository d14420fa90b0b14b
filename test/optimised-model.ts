/** What onnxruntime makes of a model when it loads it: the oracle for which kernels really run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel } from '../src/model/formats/onnx/read.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import type { Model, Node } from '../src/model/ir/model.ts';

/** The model after onnxruntime-node's own rewrites ('extended': fusions, but no CPU-only layouts). */
export async function optimisedModel(model: Model): Promise<Model> {
  const ort = await import('onnxruntime-node');
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-optimised-'));
  try {
    const [before, after] = [join(folder, 'before.onnx'), join(folder, 'after.onnx')];
    writeFileSync(before, encodeModel(model));
    const session = await ort.InferenceSession.create(before, {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath: after,
      logSeverityLevel: 3,
    });
    await session.release();
    return decodeModel(readFileSync(after));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its nodes. */
export const optimisedNodes = async (model: Model): Promise<Node[]> => [
  ...(await optimisedModel(model)).graph.nodes,
];

/** How many nodes of each op type. */
export function countOps(nodes: readonly Node[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}
