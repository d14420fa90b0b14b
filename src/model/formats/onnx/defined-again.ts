/** Constants that a file defines again under the same name: initializers, and Constant nodes, which onnxruntime takes for such.
 *  It warns and goes by the last one (Graph::Graph in core/graph/graph.cc); so does the reader, which leaves the others out. An
 *  input called like a Constant node is none there, but that constant. */
import { bigintOf, type onnx } from './wire.ts';

/** What a file says of an element type (its code) and sizes; undefined: nothing. */
interface Described {
  readonly elemType: number | undefined;
  readonly dims: readonly (number | undefined)[] | undefined;
}

interface Constant extends Described {
  readonly name: string;
  /** The initializer or node of the message. */
  readonly holder: unknown;
}

/** The main graph without constants that a later one of the same type and sizes hides, and without inputs that a Constant node
 *  of theirs hides. Others stay, for the reader to refuse. */
export function withoutHidden(message: onnx.IGraphProto): onnx.IGraphProto {
  const nodes = (message.node ?? []).flatMap((node) => constantOf(node) ?? []);
  const constants = [...(message.initializer ?? []).map(initializerOf), ...nodes];
  const last = new Map(constants.map((c) => [c.name, c]));
  const ofNodes = new Map(nodes.map((c) => [c.name, c]));
  const inputs = (message.input ?? []).filter((input) => {
    const constant = ofNodes.get(input.name ?? '');
    return !constant || !agree(declared(input), constant);
  });
  if (last.size === constants.length && inputs.length === (message.input ?? []).length) return message;
  const hidden = new Set(
    constants.filter((c) => last.get(c.name) !== c && agree(last.get(c.name)!, c)).map((c) => c.holder),
  );
  return {
    ...message,
    input: inputs,
    initializer: (message.initializer ?? []).filter((tensor) => !hidden.has(tensor)),
    node: (message.node ?? []).filter((node) => !hidden.has(node)),
  };
}

const sizes = (dims: readonly unknown[] | null | undefined) => (dims ?? []).map((d) => Number(bigintOf(d)));

const initializerOf = (tensor: onnx.ITensorProto): Constant => ({
  ...{ name: tensor.name ?? '', holder: tensor },
  ...{ elemType: tensor.dataType ?? 0, dims: sizes(tensor.dims) },
});

/** Codes of TensorProto.DataType. */
const [FLOAT, INT64, STRING] = [1, 7, 8];

function constantOf(node: onnx.INodeProto): Constant | null {
  const [a] = node.attribute ?? [];
  const name = node.output?.[0];
  if (node.opType !== 'Constant' || node.domain || !a || !name) return null;
  const made = (elemType: number, dims: readonly number[]) => ({ name, holder: node, elemType, dims });
  switch (a.name) {
    case 'value':
      return a.t ? made(a.t.dataType ?? 0, sizes(a.t.dims)) : null;
    case 'value_float':
      return made(FLOAT, []);
    case 'value_int':
      return made(INT64, []);
    case 'value_string':
      return made(STRING, []);
    case 'value_floats':
      return made(FLOAT, [a.floats?.length ?? 0]);
    case 'value_ints':
      return made(INT64, [a.ints?.length ?? 0]);
    case 'value_strings':
      return made(STRING, [a.strings?.length ?? 0]);
    default:
      return null;
  }
}

function declared({ type }: onnx.IValueInfoProto): Described {
  const tensor = type?.tensorType;
  // A type of another kind is no constant's.
  if (type && !tensor) return { elemType: -1, dims: undefined };
  const dims = tensor?.shape?.dim?.map((d) =>
    Object.hasOwn(d, 'dimValue') ? Number(bigintOf(d.dimValue)) : undefined,
  );
  return { elemType: tensor?.elemType || undefined, dims };
}

const agree = (a: Described, b: Described): boolean =>
  (a.elemType === undefined || a.elemType === b.elemType) &&
  (a.dims === undefined ||
    (a.dims.length === b.dims?.length && a.dims.every((d, i) => d === undefined || d === b.dims![i])));
