import type { Attributes, Emitter } from '../../../../src/compute/autodiff/emitter.ts';
import type { Value } from '../../../../src/model/ir/model.ts';
import type { GradientCase } from '../check-gradient.ts';

const product =
  (op: string, attributes?: Attributes) =>
  (e: Emitter, ...inputs: Value[]) =>
    e.op(op, inputs, attributes);
const matMul = (name: string, a: number[], b: number[]): GradientCase => ({
  name: `MatMul ${name}`,
  inputs: [a, b],
  build: product('MatMul'),
  torch: 'x0 @ x1',
});
const gemm = (name: string, inputs: number[][], attributes: Attributes, torch: string): GradientCase => ({
  name: `Gemm ${name}`,
  inputs,
  build: product('Gemm', attributes),
  torch,
});
const einsum = (equation: string, ...inputs: number[][]): GradientCase => ({
  name: `Einsum ${equation}`,
  inputs,
  build: product('Einsum', { equation }),
  torch: `torch.einsum('${equation}', ${inputs.map((_, i) => `x${i}`).join(', ')})`,
});
const float = (value: number) => ({ type: 'float', value }) as const;

export const matrixCases: readonly GradientCase[] = [
  matMul('of matrices', [2, 3], [3, 4]),
  matMul('of a vector and a matrix', [3], [3, 4]),
  matMul('of a matrix and a vector', [2, 3], [3]),
  matMul('of two vectors', [4], [4]),
  matMul('of a batch of rows and one weight', [2, 3, 4], [4, 5]),
  matMul('of a batch and a vector', [2, 3, 4], [4]),
  matMul('of a vector and a batch', [3], [2, 3, 4]),
  matMul('of batches', [2, 2, 3, 4], [2, 2, 4, 2]),
  matMul('of one matrix and a batch', [3, 4], [2, 4, 2]),
  matMul('with broadcast batches', [2, 1, 3, 4], [3, 4, 2]),
  matMul('with a batch of one', [2, 3, 4], [1, 4, 2]),
  gemm(
    'plain',
    [
      [2, 3],
      [3, 4],
    ],
    {},
    'x0 @ x1',
  ),
  gemm('with bias', [[2, 3], [3, 4], [4]], {}, 'x0 @ x1 + x2'),
  gemm(
    'transA, alpha, beta',
    [
      [3, 2],
      [3, 4],
      [2, 1],
    ],
    { transA: 1, alpha: float(0.5), beta: float(2) },
    '0.5 * x0.T @ x1 + 2 * x2',
  ),
  gemm('transB, scalar bias', [[2, 3], [4, 3], []], { transB: 1 }, 'x0 @ x1.T + x2'),
  gemm(
    'transA and transB',
    [
      [3, 2],
      [4, 3],
      [2, 4],
    ],
    { transA: 1, transB: 1, alpha: float(2) },
    '2 * x0.T @ x1.T + x2',
  ),
  einsum('ij,jk->ik', [2, 3], [3, 4]),
  einsum('bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 2, 4]),
  einsum('bij,kj->ibk', [2, 3, 4], [5, 4]),
  einsum('ij->j', [2, 3]),
  einsum('ijk->ki', [2, 3, 4]),
  einsum('ij,jk->i', [2, 3], [3, 4]),
  einsum('...ij,...jk->...ik', [2, 3, 4], [1, 4, 2]),
  einsum('i,j,k->kij', [2], [3], [2]),
  { ...einsum('ij,j', [2, 3], [3]), name: 'Einsum with its output left out' },
];
