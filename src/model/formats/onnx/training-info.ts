/** What a file holds for training beside the network (training_info): kept as it came, read by no inference. Its graphs may name
 *  what the network has, so they are not graphs of their own. */
import type { Model } from '../../ir/model.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { modelNotes } from './notes.ts';
import { decodeTensor } from './tensors.ts';
import type { onnx } from './wire.ts';

interface TrainingTensor {
  readonly name: string;
  readonly tensor: Tensor;
  /** The places of the values of a sparse tensor. */
  readonly isSparseIndex?: boolean;
}

/** All tensors of its graphs: initializers, and those in attributes. */
export function trainingTensors(model: Model): TrainingTensor[] {
  const found = modelNotes.get(model)?.trainingInfo ?? [];
  return found.flatMap(({ initialization, algorithm }) => [
    ...inGraph(initialization),
    ...inGraph(algorithm),
  ]);
}

const inGraph = (graph: onnx.IGraphProto | null | undefined): TrainingTensor[] => [
  ...(graph?.initializer ?? []).flatMap((t) => decoded(t, t.name ?? '')),
  ...(graph?.sparseInitializer ?? []).flatMap((t) => sparse(t, t.values?.name ?? '')),
  ...(graph?.node ?? []).flatMap((node) =>
    (node.attribute ?? []).flatMap((a) => inAttribute(a, node.output?.[0] ?? node.name ?? '')),
  ),
];

const inAttribute = (a: onnx.IAttributeProto, name: string): TrainingTensor[] => [
  ...decoded(a.t, name),
  ...(a.tensors ?? []).flatMap((t) => decoded(t, name)),
  ...sparse(a.sparseTensor, name),
  ...(a.sparseTensors ?? []).flatMap((t) => sparse(t, name)),
  ...inGraph(a.g),
  ...(a.graphs ?? []).flatMap(inGraph),
];

const decoded = (t: onnx.ITensorProto | null | undefined, name: string): TrainingTensor[] =>
  t ? [{ name, tensor: decodeTensor(t, `training_info's "${name}"`, {}) }] : [];

const sparse = (t: onnx.ISparseTensorProto | null | undefined, name: string): TrainingTensor[] => [
  ...decoded(t?.values, name),
  ...decoded(t?.indices, name).map((found) => ({ ...found, isSparseIndex: true })),
];
