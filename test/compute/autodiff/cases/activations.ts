import type { Attributes } from '../../../../src/compute/autodiff/emitter.ts';
import { float } from '../../../../src/model/ir/attribute.ts';
import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

/** On both sides of every kink, none nearer than the step of the differences. */
const points = tensorOf('float32', [2, 4], [-4.1, -1.3, -0.7, -0.2, 0.3, 0.6, 1.4, 4.2]);

const one = (op: string, torch: string, attributes: Attributes = {}, suffix = ''): GradientCase => ({
  name: op + suffix,
  inputs: [points],
  build: (e, x) => e.op(op, [x], attributes),
  torch,
});

export const activationCases: readonly GradientCase[] = [
  one('Relu', 'F.relu(x0)'),
  one('LeakyRelu', 'F.leaky_relu(x0, 0.01)'),
  one('LeakyRelu', 'F.leaky_relu(x0, 0.3)', { alpha: 0.3 }, ' 0.3'),
  one('Elu', 'F.elu(x0)'),
  one('Elu', 'F.elu(x0, 0.4)', { alpha: 0.4 }, ' 0.4'),
  one('Selu', 'F.selu(x0)'),
  one('Celu', 'F.celu(x0, 1.6)', { alpha: 1.6 }),
  one('Sigmoid', 'torch.sigmoid(x0)'),
  one('HardSigmoid', 'F.hardsigmoid(x0)', { alpha: 1 / 6, beta: 0.5 }),
  one('HardSwish', 'F.hardswish(x0)'),
  one('Tanh', 'torch.tanh(x0)'),
  one('Softplus', 'F.softplus(x0)'),
  one('Softsign', 'F.softsign(x0)'),
  one('Mish', 'F.mish(x0)'),
  one('Gelu', 'F.gelu(x0)'),
  one('Gelu', "F.gelu(x0, approximate='tanh')", { approximate: 'tanh' }, ' (tanh)'),
  one('ThresholdedRelu', 'F.threshold(x0, 0.5, 0.0)', { alpha: 0.5 }),
  one('Shrink', 'F.softshrink(x0, 0.5)', { lambd: 0.5, bias: 0.5 }),
  one('com.microsoft:Gelu', 'F.gelu(x0)'),
  one('com.microsoft:FastGelu', "F.gelu(x0, approximate='tanh')"),
  one('com.microsoft:QuickGelu', 'x0 * torch.sigmoid(1.702 * x0)'),
  one('com.microsoft:QuickGelu', 'F.silu(x0)', { alpha: float(1) }, ' of alpha 1'),
  {
    name: 'Swish written as Mul and Sigmoid',
    inputs: [points],
    build: (e, x) => e.op('Mul', [x, e.op('Sigmoid', [x])]),
    torch: 'F.silu(x0)',
  },
  {
    name: 'com.microsoft:BiasGelu',
    inputs: [points, [4]],
    build: (e, x, b) => e.op('com.microsoft:BiasGelu', [x, b]),
    torch: 'F.gelu(x0 + x1)',
  },
  {
    name: 'com.microsoft:FastGelu with bias',
    inputs: [points, [4]],
    build: (e, x, b) => e.op('com.microsoft:FastGelu', [x, b]),
    torch: "F.gelu(x0 + x1, approximate='tanh')",
  },
  // What PyTorch takes as the derivative where there is none; Clip lets the gradient through at its bounds.
  ...(
    [
      ['Relu', 'F.relu(x0)', [0]],
      ['LeakyRelu', 'F.leaky_relu(x0, 0.01)', [0]],
      ['Elu', 'F.elu(x0)', [0]],
      ['HardSigmoid', 'F.hardsigmoid(x0)', [-3, 3]],
      ['Abs', 'x0.abs()', [0]],
    ] as const
  ).map(
    ([op, torch, kinks]): GradientCase => ({
      name: `${op} at a kink`,
      inputs: [tensorOf('float32', [kinks.length + 1], [...kinks, 0.7])],
      build: (e, x) => e.op(op, [x], op === 'HardSigmoid' ? { alpha: 1 / 6, beta: 0.5 } : {}),
      torch,
      rounds: true,
    }),
  ),
  {
    name: 'Clip at its bounds',
    inputs: [tensorOf('float32', [3], [-1, 0.2, 6])],
    build: (e, x) => e.op('Clip', [x, -1, 6]),
    torch: 'torch.clamp(x0, -1, 6)',
    rounds: true,
  },
  {
    name: 'PRelu with one slope a channel',
    inputs: [
      [2, 3, 2],
      [3, 1],
    ],
    build: (e, x, s) => e.op('PRelu', [x, s]),
    torch: 'F.prelu(x0, x1.flatten())',
  },
  {
    name: 'PRelu with one slope',
    inputs: [points, [1]],
    build: (e, x, s) => e.op('PRelu', [x, s]),
    torch: 'F.prelu(x0, x1)',
  },
];
