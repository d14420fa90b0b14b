/** What a file's constants take, counted in its messages by onnx-proto alone: the oracle of the account of bytes. */
import { onnx } from 'onnx-proto';

/** Bits an element in raw data, by TensorProto.DataType (onnx.proto). */
const bits: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128 },
  ...{ 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2 },
};
const STRING = 8;

export interface Counted {
  readonly constants: number;
  readonly bytes: number;
}

export function countConstants(file: Uint8Array): Counted {
  const model = onnx.ModelProto.decode(file);
  const sizes = [
    ...(model.graph ? inGraph(model.graph) : []),
    ...model.trainingInfo.flatMap(({ initialization, algorithm }) =>
      [initialization, algorithm].flatMap((graph) => (graph ? inGraph(graph) : [])),
    ),
    ...model.functions.flatMap((f) => [
      ...(f.node ?? []).flatMap(inNode),
      ...((f as { attributeProto?: onnx.IAttributeProto[] }).attributeProto ?? []).flatMap((a) =>
        inAttribute(a, false, false),
      ),
    ]),
  ];
  return { constants: sizes.length, bytes: sizes.reduce((a, b) => a + b, 0) };
}

const inGraph = (graph: onnx.IGraphProto): number[] => [
  ...(graph.initializer ?? []).map(tensorBytes),
  ...(graph.sparseInitializer ?? []).flatMap(inSparse),
  ...(graph.node ?? []).flatMap(inNode),
];

function inNode(node: onnx.INodeProto): number[] {
  const isConstant = node.opType === 'Constant' && ['', 'ai.onnx'].includes(node.domain ?? '');
  return (node.attribute ?? []).flatMap((a) =>
    inAttribute(a, isConstant || node.domain === 'ai.onnx.ml', isConstant),
  );
}

const lengths = (list: readonly { length: number }[]) => list.reduce((n, s) => n + s.length, 0);

/** Numbers and texts in attributes count for Constant, whose value they are, and lists of them for ai.onnx.ml. */
function inAttribute(a: onnx.IAttributeProto, lists: boolean, single: boolean): number[] {
  // Given by the call of a function.
  if (a.refAttrName) return [];
  const kinds = onnx.AttributeProto.AttributeType;
  const found = [
    ...(a.t ? [tensorBytes(a.t)] : []),
    ...(a.tensors ?? []).map(tensorBytes),
    ...(a.sparseTensor ? inSparse(a.sparseTensor) : []),
    ...(a.sparseTensors ?? []).flatMap(inSparse),
    ...(a.g ? inGraph(a.g) : []),
    ...(a.graphs ?? []).flatMap(inGraph),
  ];
  if (lists && a.type === kinds.FLOATS) found.push(4 * (a.floats ?? []).length);
  if (lists && a.type === kinds.INTS) found.push(8 * (a.ints ?? []).length);
  if (lists && a.type === kinds.STRINGS) found.push(lengths(a.strings ?? []));
  if (single && a.type === kinds.FLOAT) found.push(4);
  if (single && a.type === kinds.INT) found.push(8);
  if (single && a.type === kinds.STRING) found.push((a.s ?? []).length);
  return found;
}

const inSparse = (s: onnx.ISparseTensorProto): number[] =>
  [s.values, s.indices].flatMap((t) => (t ? [tensorBytes(t)] : []));

function tensorBytes(t: onnx.ITensorProto): number {
  if (t.dataType === STRING) return lengths(t.stringData ?? []);
  const elements = (t.dims ?? []).reduce<number>((n, d) => n * Number(d), 1);
  return Math.ceil((elements * bits[t.dataType ?? 0]!) / 8);
}
