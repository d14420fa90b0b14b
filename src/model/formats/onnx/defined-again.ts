/** Constants that a file defines again under the same name: initializers, and Constant nodes, which onnxruntime takes for such.
 *  It warns and goes by the last one (Graph::Graph in core/graph/graph.cc); so does the reader, which leaves the others out. */
import type { onnx } from './wire.ts';

/** The main graph without constants that a later one of the same type and sizes hides. Others stay, for the reader to refuse. */
export function withoutHidden(message: onnx.IGraphProto): onnx.IGraphProto {
  const constants = [
    ...(message.initializer ?? []).map((tensor) => ({ holder: tensor, name: tensor.name ?? '', tensor })),
    ...(message.node ?? []).flatMap((node) => constantOf(node) ?? []),
  ];
  const last = new Map(constants.map((c) => [c.name, c]));
  if (last.size === constants.length) return message;
  const hidden = new Set<unknown>(
    constants
      .filter((c) => last.get(c.name) !== c && alike(last.get(c.name)!.tensor, c.tensor))
      .map((c) => c.holder),
  );
  return {
    ...message,
    initializer: (message.initializer ?? []).filter((tensor) => !hidden.has(tensor)),
    node: (message.node ?? []).filter((node) => !hidden.has(node)),
  };
}

function constantOf(node: onnx.INodeProto) {
  if (node.opType !== 'Constant' || node.domain) return null;
  const tensor = node.attribute?.find((a) => a.name === 'value')?.t;
  const name = node.output?.[0];
  return tensor && name ? { holder: node, name, tensor } : null;
}

const alike = (a: onnx.ITensorProto, b: onnx.ITensorProto) =>
  a.dataType === b.dataType && String(a.dims ?? []) === String(b.dims ?? []);
