/** Every constant that a model's file holds, each once, with the place where it stands: initializers (dense, sparse, in
 *  external files), Constant nodes, tensors in attributes, of subgraphs, local functions and their defaults too; last what training_info holds. */
import { trainingTensors } from '../../model/formats/onnx/training-info.ts';
import { sparseInitializer } from '../../model/formats/onnx/write-graph.ts';
import type { Attribute, SparseTensor } from '../../model/ir/attribute.ts';
import type { DType } from '../../model/ir/dtype.ts';
import { type Graph, isOp, type Model, type Node, type Value } from '../../model/ir/model.ts';
import { elementCount, sizeBytes, type Tensor } from '../../model/ir/tensor.ts';
import { graphsOf, withSubgraphs } from '../../model/ir/walk.ts';

export interface ConstantPlace {
  /** Of the initializer, or of the first output of the node that holds it. */
  readonly name: string;
  readonly dtype: DType;
  readonly elements: number;
  readonly bytes: number;
  /** What other nodes read: the initializer, or the output of a Constant node; null: the node that holds it alone uses it. */
  readonly value: Value | null;
  /** The node that has it as an attribute. */
  readonly holder: Node | null;
  /** Of training_info, which inference doesn't read. */
  readonly isForTraining?: boolean;
  /** Positions of the values of a sparse tensor. */
  readonly isSparseIndex: boolean;
  /** null: numbers or texts of a list attribute. */
  readonly tensor: Tensor | null;
}

/** All of them, in the order of the file: graphs before functions, outer before inner. */
export function constantPlaces(model: Model): ConstantPlace[] {
  const graphs = [...graphsOf(model), ...model.functions.flatMap((f) => [...withSubgraphs(f.graph)])];
  const defaults = model.functions.flatMap((f) =>
    [...f.attributeDefaults].flatMap(([name, a]) =>
      inAttribute(a, { name: `${f.name}.${name}`, value: null, holder: null }, false),
    ),
  );
  const training = trainingTensors(model).map(({ name, tensor, isSparseIndex = false }) => ({
    ...ofTensor(tensor, { name, value: null, holder: null }),
    isForTraining: true,
    isSparseIndex,
  }));
  return [...graphs.flatMap(inGraph), ...defaults, ...training];
}

type Where = Pick<ConstantPlace, 'name' | 'value' | 'holder'>;

const inGraph = (graph: Graph): ConstantPlace[] => [
  ...Array.from(graph.initializers).flatMap(inInitializer),
  ...graph.nodes.flatMap(inNode),
];

function inInitializer(value: Value): ConstantPlace[] {
  const where = { name: value.name, value, holder: null };
  const sparse = sparseInitializer(value);
  return sparse ? inSparse(sparse, where) : [ofTensor(value.constant!, where)];
}

function inNode(node: Node): ConstantPlace[] {
  const isConstant = isOp(node, 'Constant');
  const value = isConstant ? (node.outputs[0] ?? null) : null;
  const where = { name: node.outputs.find((v) => v)?.name || node.name, value, holder: node };
  const lists = isConstant || node.domain === 'ai.onnx.ml';
  return [...node.attributes.values()].flatMap((a) => inAttribute(a, where, lists));
}

/** @param lists  lists of numbers and texts are constants too, as in Constant and in classical models */
function inAttribute(a: Attribute, where: Where, lists: boolean): ConstantPlace[] {
  if (a.type === 'tensor') return [ofTensor(a.value, where)];
  if (a.type === 'tensors') return a.value.map((t) => ofTensor(t, where));
  if (a.type === 'sparse') return inSparse(a.value, where);
  if (a.type === 'sparses') return a.value.flatMap((s) => inSparse(s, where));
  if (!lists) return [];
  const isConstant = where.value !== null;
  if (a.type === 'floats' || (a.type === 'float' && isConstant)) return [ofList('float32', count(a), where)];
  if (a.type === 'ints' || (a.type === 'int' && isConstant)) return [ofList('int64', count(a), where)];
  if (a.type === 'strings' || (a.type === 'string' && isConstant)) return [ofTexts(a, where)];
  return [];
}

const inSparse = ({ values, indices }: SparseTensor, where: Where): ConstantPlace[] => [
  ofTensor(values, where),
  { ...ofTensor(indices, where), isSparseIndex: true },
];

const ofTensor = (tensor: Tensor, where: Where): ConstantPlace => ({
  ...where,
  dtype: tensor.dtype,
  elements: elementCount(tensor.dims),
  bytes: sizeBytes(tensor),
  isSparseIndex: false,
  tensor,
});

const count = (a: Attribute) => ('value' in a && Array.isArray(a.value) ? a.value.length : 1);

const listWidth = { float32: 4, int64: 8 } as const;

const ofList = (dtype: 'float32' | 'int64', elements: number, where: Where): ConstantPlace => ({
  ...{ ...where, dtype, elements, bytes: elements * listWidth[dtype], isSparseIndex: false, tensor: null },
});

function ofTexts(a: Extract<Attribute, { type: 'string' | 'strings' }>, where: Where): ConstantPlace {
  const texts = a.type === 'string' ? [a.value] : a.value;
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  return { ...where, dtype: 'string', elements: texts.length, bytes, isSparseIndex: false, tensor: null };
}
