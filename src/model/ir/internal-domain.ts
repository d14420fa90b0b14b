/** Operators that exist only in memory, between a rewrite and the writer that it is for. */
import type { Model } from './model.ts';
import { graphsOf } from './walk.ts';

/** An operator of ai.onnx whose tensors [N, C, …space] are stored as [N, …space, C]; weights and settings as in ONNX. */
export const channelsLastDomain = 'edgepress.channels-last';

/** The first operator of the model that no file format knows, if any. */
export function internalOperator(model: Model): string | null {
  for (const graph of graphsOf(model))
    for (const node of graph.nodes)
      if (node.domain === channelsLastDomain) return `${node.domain}:${node.opType}`;
  return null;
}
