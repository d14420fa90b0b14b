/** Initializers that nothing reads and that are no tensors: without content, with too much or too little of it, with sizes that
 *  no tensor has, or without a name. onnxruntime never looks into what isn't read (of the main graph; in subgraphs it does);
 *  the reader leaves these out. */
import { Diagnostic } from '../../../support/diagnostics.ts';
import { decodeTensor } from './tensors.ts';
import type { onnx } from './wire.ts';

/** The main graph without them. */
export function withoutUnreadable(message: onnx.IGraphProto): onnx.IGraphProto {
  const read = new Set<string>();
  addRead(message, read);
  // The default of an input is read when nobody gives another.
  for (const { name } of message.input ?? []) read.add(name ?? '');
  read.delete('');
  const initializer = (message.initializer ?? []).filter(
    (tensor) => read.has(tensor.name ?? '') || (tensor.name && isTensor(tensor)),
  );
  return initializer.length === message.initializer?.length ? message : { ...message, initializer };
}

function addRead(graph: onnx.IGraphProto, read: Set<string>): void {
  for (const { name } of graph.output ?? []) read.add(name ?? '');
  for (const node of graph.node ?? []) {
    for (const name of node.input ?? []) read.add(name);
    for (const a of node.attribute ?? [])
      for (const body of [a.g, ...(a.graphs ?? [])]) if (body) addRead(body, read);
  }
}

/** An unknown element type is refused there, too. */
function isTensor(tensor: onnx.ITensorProto): boolean {
  try {
    decodeTensor(tensor, 'An initializer', {});
    return true;
  } catch (error) {
    if (error instanceof Diagnostic) return error.code !== 'TENSOR_BYTES' && error.code !== 'TENSOR_DIMS';
    throw error;
  }
}
