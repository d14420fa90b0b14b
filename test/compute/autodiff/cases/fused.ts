import type { Attributes, Emitter } from '../../../../src/compute/autodiff/emitter.ts';
import { float, floats } from '../../../../src/model/ir/attribute.ts';
import type { Value } from '../../../../src/model/ir/model.ts';
import type { GradientCase } from '../check-gradient.ts';

const fused = (
  op: string,
  name: string,
  inputs: number[][],
  attributes: Attributes,
  torch: string,
): GradientCase => ({
  name: `${op} ${name}`,
  inputs,
  build: (e: Emitter, ...values: Value[]) => e.op(`com.microsoft:${op}`, values, attributes),
  torch,
});

/** Operators that onnxruntime's optimiser writes. */
export const fusedCases: readonly GradientCase[] = [
  fused(
    'FusedMatMul',
    'scaled',
    [
      [2, 3],
      [3, 4],
    ],
    { alpha: float(0.5) },
    '0.5 * x0 @ x1',
  ),
  fused(
    'FusedMatMul',
    'with both transposed',
    [
      [2, 4, 3],
      [2, 2, 4],
    ],
    { transA: 1, transB: 1, alpha: float(2) },
    '2 * x0.transpose(1, 2) @ x1.transpose(1, 2)',
  ),
  fused(
    'FusedMatMul',
    'with the batch moved',
    [
      [4, 2, 3],
      [3, 2, 5],
    ],
    { transBatchA: 1, transBatchB: 1 },
    'x0.permute(1, 0, 2) @ x1.permute(1, 0, 2)',
  ),
  fused(
    'FusedGemm',
    'with Elu',
    [[2, 3], [4, 3], [4]],
    { transB: 1, activation: 'Elu', activation_alpha: float(1) },
    'F.elu(x0 @ x1.T + x2)',
  ),
  fused(
    'FusedConv',
    'with Tanh',
    [[1, 2, 4, 4], [3, 2, 3, 3], [3]],
    { activation: 'Tanh', pads: [1, 1, 1, 1] },
    'torch.tanh(F.conv2d(x0, x1, x2, padding=1))',
  ),
  fused(
    'FusedConv',
    'with a sum and LeakyRelu',
    [[1, 2, 3, 3], [2, 2, 2, 2], [2], [1, 2, 2, 2]],
    { activation: 'LeakyRelu', activation_params: floats([0.3]) },
    'F.leaky_relu(F.conv2d(x0, x1, x2) + x3, 0.3)',
  ),
];
