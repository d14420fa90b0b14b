/** Matrix products. */
import { floatAttribute, intAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { elementCount, tensorOf } from '../../../../ir/tensor.ts';
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
import { findsRange } from '../hybrid.ts';
import { storedCodes } from '../stored.ts';
import { binary, scaled } from './arithmetic.ts';
import { broadcastShape, widened } from './broadcasting.ts';
import { biasOf, isBias, isKernel, kernelOf } from './kernels.ts';

/** LiteRT's batches are at most three axes. */
const mostAxes = 5;

interface Adjoint {
  readonly adjX?: boolean;
  readonly adjY?: boolean;
}

/** Matrices [.., rows, depth] times [.., depth, columns]; batches broadcast. */
export function product(
  e: Emitter,
  a: LiteTensor,
  b: LiteTensor,
  { adjX = false, adjY = false }: Adjoint = {},
): LiteTensor {
  const outer = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [rows, columns] = [a.shape.at(adjX ? -1 : -2)!, b.shape.at(adjY ? -2 : -1)!];
  const values = { adjX: adjX ? 1 : 0, adjY: adjY ? 1 : 0 };
  if (outer.length + 2 <= mostAxes)
    return e.op('BATCH_MATMUL', [a, b], shaped(a, [...outer, rows, columns]), ['BatchMatMulOptions', values]);
  const flat = (x: LiteTensor) => {
    const inner = x.shape.slice(-2);
    return reshaped(e, widened(e, x, [...outer, ...inner]), [elementCount(outer), ...inner]);
  };
  const type = shaped(a, [elementCount(outer), rows, columns]);
  const made = e.op('BATCH_MATMUL', [flat(a), flat(b)], type, ['BatchMatMulOptions', values]);
  return reshaped(e, made, [...outer, rows, columns]);
}

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
    const adjoint = {
      adjX: intAttribute(node, 'transA', 0) !== 0,
      adjY: intAttribute(node, 'transB', 0) !== 0,
    };
    const y = scaled(e, product(e, a, b, adjoint), floatAttribute(node, 'alpha', 1));
    const c = node.inputs[2];
    if (!c || beta === 0) return withActivation(e, y);
    return binary(e, 'ADD', y, scaled(e, e.plain(c), beta), e.result(), e.activation);
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

/** Floats times int8 weights: each row is brought to 8 bits while it runs. */
function hybrid(e: Emitter, x: LiteTensor, weight: Weight): LiteTensor {
  const kernel = storedCodes(weight, e.name('weight'))!;
  const channels = kernel.shape[0]!;
  const bias = e.constant(tensorOf('float32', [channels], new Float32Array(channels)));
  const values = { ...activated(e), keepNumDims: x.shape.length > 2 ? 1 : 0, asymmetricQuantizeInputs: 1 };
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
    if (weight && findsRange(node) && isKernel(weight, 0)) return hybrid(e, e.input(node, 0), weight);
    if (weight) return layer(node, e, e.input(node, 0), weight);
    const [a, b] = [0, 1].map((i) => e.input(node, i)) as [LiteTensor, LiteTensor];
    if (a.type !== 'float32') return refuse(node, 'it multiplies integers');
    const left = a.shape.length === 1 ? reshaped(e, a, [1, a.shape[0]!]) : a;
    const right = b.shape.length === 1 ? reshaped(e, b, [b.shape[0]!, 1]) : b;
    return withActivation(e, reshaped(e, product(e, left, right), e.result().shape));
  },
};

/** com.microsoft FusedMatMul: α·op(A)·op(B). */
const fusedMatMul: LiteRow = {
  emit(node, e) {
    const turned = (name: string) => intAttribute(node, name, 0) !== 0;
    if (turned('transBatchA') || turned('transBatchB')) return refuse(node, 'it turns batches');
    const [a, b] = [0, 1].map((i) => e.input(node, i)) as [LiteTensor, LiteTensor];
    const y = product(e, a, b, { adjX: turned('transA'), adjY: turned('transB') });
    return scaled(e, y, floatAttribute(node, 'alpha', 1));
  },
};

export const products: LiteRows = {
  Gemm: gemm,
  MatMul: matMul,
  'com.microsoft:FusedMatMul': fusedMatMul,
};
