/** Operators of ONNX's experimental set, which runtimes know in graphs of opset 9 and before only: what they are in standard
 *  ones. Sources: their schemas, which onnxruntime keeps (contrib_ops, deprecated at 10), and its kernels. */
import { floatAttribute, intsAttribute } from '../../ir/attribute.ts';
import { addNode, releaseOutput, removeNode } from '../../ir/edit.ts';
import { dtypeOf, type Node, type Value } from '../../ir/model.ts';
import { scalar, tensorOf } from '../../ir/tensor.ts';
import type { ValueType } from '../../ir/type.ts';
import type { Adaptation, Adapter } from './adapter.ts';

/** Puts a chain of nodes in the place of one. Each step is an operator and its inputs, of which `null` is the result of
 *  the step before (of the first: the node's input). */
function replaceByChain(
  node: Node,
  steps: readonly (readonly [opType: string, inputs: readonly (Value | null)[]])[],
) {
  const type = node.inputs[0]?.type ?? null;
  const result = releaseOutput(node, 0);
  let last = node.inputs[0]!;
  steps.forEach(([opType, inputs], i) => {
    const output = i === steps.length - 1 ? result : `${result?.name ?? node.opType}/${opType.toLowerCase()}`;
    const name = node.name ? `${node.name}/${opType.toLowerCase()}` : '';
    const made = addNode(
      node.graph,
      { opType, name, inputs: inputs.map((v) => v ?? last), outputs: [output] },
      node,
    );
    last = made.outputs[0]!;
    last.type ??= typeAfter(opType, type);
  });
  removeNode(node);
}

/** No inference knows these operators; what comes after them may ask for a type. */
const typeAfter = (opType: string, type: ValueType | null): ValueType | null =>
  type?.kind === 'tensor' && opType === 'Slice' ? { ...type, shape: null } : type;

/** The node's attribute as a scalar of the type that it computes in. */
function factor(node: Node, name: string, otherwise: number, a: Adapter): Value {
  const dtype = dtypeOf(node.inputs[0]);
  if (!dtype) throw a.unsupported(node, 'the type of its input is not known');
  return a.constant(node, name, scalar(dtype, floatAttribute(node, name, otherwise)));
}

/** y = alpha · x + beta */
const affine: Adaptation = (node, a) =>
  replaceByChain(node, [
    ['Mul', [null, factor(node, 'alpha', 1, a)]],
    ['Add', [null, factor(node, 'beta', 0, a)]],
  ]);

/** y = scale · x + bias, one bias a channel of [N, C, H, W] */
const imageScaler: Adaptation = (node, a) => {
  const given = node.attributes.get('bias');
  const scaled = ['Mul', [null, factor(node, 'scale', 1, a)]] as const;
  if (given?.type !== 'floats') return replaceByChain(node, [scaled]);
  const bias = tensorOf(dtypeOf(node.inputs[0])!, [1, given.value.length, 1, 1], given.value);
  return replaceByChain(node, [scaled, ['Add', [null, a.constant(node, 'bias', bias)]]]);
};

/** border = [left, top, right, bottom] of [N, C, H, W]; scale = [height, width] of what stays, instead of right and bottom */
const crop: Adaptation = (node, a) => {
  const [left = 0, top = 0, right = 0, bottom = 0] = intsAttribute(node, 'border') ?? [];
  const size = intsAttribute(node, 'scale');
  const end = (from: number, border: number, length?: number) =>
    length !== undefined ? from + length : border > 0 ? -border : 2 ** 31 - 1;
  const list = (what: string, values: readonly number[]) =>
    a.constant(node, what, tensorOf('int64', [values.length], values));
  replaceByChain(node, [
    [
      'Slice',
      [
        null,
        list('starts', [top, left]),
        list('ends', [end(top, bottom, size?.[0]), end(left, right, size?.[1])]),
        list('axes', [2, 3]),
      ],
    ],
  ]);
};

/** y = alpha · tanh(beta · x) */
const scaledTanh: Adaptation = (node, a) =>
  replaceByChain(node, [
    ['Mul', [null, factor(node, 'beta', 1, a)]],
    ['Tanh', [null]],
    ['Mul', [null, factor(node, 'alpha', 1, a)]],
  ]);

/** y = alpha · ln(exp(beta · x) + 1) */
const parametricSoftplus: Adaptation = (node, a) =>
  replaceByChain(node, [
    ['Mul', [null, factor(node, 'beta', 1, a)]],
    ['Softplus', [null]],
    ['Mul', [null, factor(node, 'alpha', 1, a)]],
  ]);

/** By operator, what stands for it in opset 10. */
export const retired: Readonly<Record<string, Adaptation>> = {
  Affine: affine,
  Crop: crop,
  ImageScaler: imageScaler,
  ParametricSoftplus: parametricSoftplus,
  ScaledTanh: scaledTanh,
};
