/** Files with nodes of ai.onnx that don't import it. */
import type { onnx } from './wire.ts';

/** What onnxruntime takes such nodes to be: the newest version that it knows (Model::Model in core/graph/model.cc), which is
 *  that of 1.30. Operators have changed little since 21; what a newer runtime would take is not known beforehand. */
const impliedVersion = 26;

/** The version of ai.onnx that a file goes by without saying so; null where it imports one, or needs none. */
export const impliedImport = ({ graph, opsetImport }: onnx.IModelProto): number | null =>
  (opsetImport ?? []).some(({ domain }) => isDefault(domain)) || !graph || !usesDefault(graph)
    ? null
    : impliedVersion;

const isDefault = (domain: string | null | undefined) => !domain || domain === 'ai.onnx';

const usesDefault = (graph: onnx.IGraphProto): boolean =>
  (graph.node ?? []).some(
    (node) =>
      isDefault(node.domain) ||
      (node.attribute ?? []).some((a) =>
        [a.g, ...(a.graphs ?? [])].some((body) => body && usesDefault(body)),
      ),
  );
