/** Matrix products. */
import { floatAttribute, intAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { permuted, type Weight } from '../../../lowered/weights.ts';
import {
  activated,
  type Emitter,
  type LiteRow,
  type LiteRows,
  refuse,
  reshaped,
  shapeAt,
  shaped,
} from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { binary } from './elementwise.ts';
import { biasOf, isBias, isKernel, kernelOf } from './kernels.ts';
import { transposed } from './shaping.ts';

/** Weights [out, in] of a Gemm; null when they are computed while running. */
function gemmWeight(node: Node, e: Emitter): Weight | null {
  const weight = e.weightOf(node.inputs[1]);
  if (!weight) return null;
  return intAttribute(node, 'transB', 0) === 0 ? permuted(weight, [1, 0]) : weight;
}

/** A row of numbers, one a column of the result, or one for all. */
const isRow = (node: Node): boolean => {
  const c = node.inputs[2];
  if (!c) return true;
  const shape = shapeOf(c) ?? [null];
  const columns = shapeOf(node.outputs[0])?.at(-1);
  return shape.every((d, i) => d === 1 || (i === shape.length - 1 && d === columns));
};

const isLayer = (node: Node, e: Emitter) =>
  isRow(node) &&
  isBias(node.inputs[2], e) &&
  intAttribute(node, 'transA', 0) === 0 &&
  floatAttribute(node, 'alpha', 1) === 1;

/** α·A·B + β·C */
const gemm: LiteRow = {
  fuses: true,
  integers: { kind: 'free', ready: (node, e) => isLayer(node, e) && isKernel(gemmWeight(node, e), 0) },
  emit(node, e) {
    const weight = gemmWeight(node, e);
    const beta = floatAttribute(node, 'beta', 1);
    if (weight && isLayer(node, e)) return layer(node, e, e.input(node, 0), weight, beta);
    const [a, b] = [0, 1].map((i) => e.input(node, i)) as [LiteTensor, LiteTensor];
    const left = intAttribute(node, 'transA', 0) === 0 ? a : transposed(e, a, [1, 0]);
    const type = shaped(e.result(), e.result().shape);
    const adjY = intAttribute(node, 'transB', 0);
    const product = e.op('BATCH_MATMUL', [left, b], type, ['BatchMatMulOptions', { adjX: 0, adjY }]);
    const alpha = floatAttribute(node, 'alpha', 1);
    const y = alpha === 1 ? product : binary(e, 'MUL', product, e.float(alpha), type);
    const c = node.inputs[2];
    if (!c || beta === 0) return withActivation(e, y);
    const bias = beta === 1 ? e.plain(c) : binary(e, 'MUL', e.plain(c), e.float(beta), e.plain(c));
    return binary(e, 'ADD', y, bias, type, e.activation);
  },
};

/** What no kernel has taken up: adding nothing does. */
const withActivation = (e: Emitter, y: LiteTensor): LiteTensor =>
  e.activation === 0 ? y : binary(e, 'ADD', y, e.float(0), e.result(), e.activation);

function layer(node: Node, e: Emitter, x: LiteTensor, weight: Weight, times = 1): LiteTensor {
  const kernel = kernelOf(e, weight);
  const bias = biasOf(node, e, { index: 2, x, kernel, channels: kernel.shape[0]!, times });
  const values = { ...activated(e), keepNumDims: x.shape.length > 2 ? 1 : 0 };
  return e.op('FULLY_CONNECTED', [x, kernel, bias], e.result(), ['FullyConnectedOptions', values]);
}

/** Weights [out, in] of a MatMul by a constant matrix. */
function matrixWeight(node: Node, e: Emitter): Weight | null {
  const weight = e.weightOf(node.inputs[1]);
  return weight?.tensor.dims.length === 2 && shapeAt(node, 0).length >= 2 ? permuted(weight, [1, 0]) : null;
}

/** A vector on the left is a row, on the right a column, whose axis goes afterwards. */
const matMul: LiteRow = {
  fuses: true,
  integers: { kind: 'free', ready: (node, e) => isKernel(matrixWeight(node, e), 0) },
  emit(node, e) {
    const weight = matrixWeight(node, e);
    if (weight) return layer(node, e, e.input(node, 0), weight);
    if ([0, 1].some((i) => e.input(node, i).type !== 'float32'))
      return refuse(node, 'it multiplies integers');
    const [a, b] = [0, 1].map((i) => e.input(node, i)) as [LiteTensor, LiteTensor];
    const left = a.shape.length === 1 ? reshaped(e, a, [1, a.shape[0]!]) : a;
    const right = b.shape.length === 1 ? reshaped(e, b, [b.shape[0]!, 1]) : b;
    const { shape } = e.result();
    const outer = [a.shape.length, b.shape.length].every((r) => r > 1)
      ? shape
      : [...broadcastOuter(left.shape, right.shape), left.shape.at(-2)!, right.shape.at(-1)!];
    const y = e.op('BATCH_MATMUL', [left, right], shaped(e.result(), outer), [
      'BatchMatMulOptions',
      { adjX: 0, adjY: 0 },
    ]);
    return withActivation(e, reshaped(e, y, shape));
  },
};

const broadcastOuter = (a: readonly number[], b: readonly number[]): number[] => [
  ...(a.length > b.length ? a : b).slice(0, -2),
];

export const products: LiteRows = { Gemm: gemm, MatMul: matMul };
