import type { Value } from '../../../../src/model/ir/model.ts';
import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../src/support/random.ts';
import type { GradientCase } from '../check-gradient.ts';

type Attributes = Readonly<Record<string, string | number | readonly number[]>>;
const pool =
  (op: string, attributes: Attributes = {}): GradientCase['build'] =>
  (e, x) =>
    e.op(op, [x], attributes);

/** All elements at least 0.1 apart: a step of 0.01 moves no maximum. */
function apart(dims: readonly number[]) {
  const random = createRandom(7);
  const count = dims.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: count }, (_, i) => (i - count / 2) * 0.1);
  const order = values.map((v) => [random.normal(), v] as const).sort((a, b) => a[0] - b[0]);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from(order, ([, v]) => v),
  );
}

export const poolingCases: readonly GradientCase[] = [
  {
    name: 'MaxPool 2×2',
    inputs: [apart([2, 2, 4, 6])],
    build: pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }),
    torch: 'F.max_pool2d(x0, 2)',
  },
  {
    name: 'MaxPool 2×2 as deployed, without an output for positions',
    inputs: [apart([2, 2, 4, 6])],
    build: pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }),
    torch: 'F.max_pool2d(x0, 2)',
    mode: 'infer',
  },
  {
    name: 'MaxPool 2×2 with a rest',
    inputs: [apart([1, 2, 5, 7])],
    build: pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }),
    torch: 'F.max_pool2d(x0, 2)',
  },
  {
    name: 'MaxPool with overlapping windows and pads',
    inputs: [apart([2, 2, 5, 6])],
    build: pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: 'F.max_pool2d(x0, 3, stride=2, padding=1)',
  },
  {
    name: 'MaxPool with dilation and stride 1',
    inputs: [apart([1, 2, 6, 6])],
    build: pool('MaxPool', { kernel_shape: [2, 3], dilations: [2, 1] }),
    torch: 'F.max_pool2d(x0, (2, 3), stride=1, dilation=(2, 1))',
  },
  {
    name: 'MaxPool 1-D in ceil mode',
    inputs: [apart([2, 3, 8])],
    build: pool('MaxPool', { kernel_shape: [3], strides: [3], ceil_mode: 1 }),
    torch: 'F.max_pool1d(x0, 3, ceil_mode=True)',
  },
  {
    name: 'MaxPool 3-D',
    inputs: [apart([1, 2, 4, 4, 2])],
    build: pool('MaxPool', { kernel_shape: [2, 2, 2], strides: [2, 2, 1] }),
    torch: 'F.max_pool3d(x0, 2, stride=(2, 2, 1))',
  },
  {
    name: 'MaxPool with SAME padding',
    inputs: [apart([1, 2, 5, 4])],
    build: pool('MaxPool', { kernel_shape: [3, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  },
  {
    name: 'MaxPool 1-D of 2 with a rest',
    inputs: [apart([2, 3, 9])],
    build: pool('MaxPool', { kernel_shape: [2], strides: [2] }),
    torch: 'F.max_pool1d(x0, 2)',
  },
  {
    name: 'MaxPool 3-D side by side',
    inputs: [apart([1, 2, 4, 6, 2])],
    build: pool('MaxPool', { kernel_shape: [2, 3, 2], strides: [2, 3, 2] }),
    torch: 'F.max_pool3d(x0, (2, 3, 2))',
  },
  {
    name: 'AveragePool 2×2',
    inputs: [[2, 2, 4, 6]],
    build: pool('AveragePool', { kernel_shape: [2, 2], strides: [2, 2] }),
    torch: 'F.avg_pool2d(x0, 2)',
  },
  {
    name: 'AveragePool 2×2 with a rest',
    inputs: [[2, 2, 5, 7]],
    build: pool('AveragePool', { kernel_shape: [2, 2], strides: [2, 2] }),
    // The rows and columns at the end have derivative 0.
    torch: 'F.avg_pool2d(x0, 2)',
  },
  {
    name: 'AveragePool with pads that do not count',
    inputs: [[1, 2, 5, 6]],
    build: pool('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: 'F.avg_pool2d(x0, 3, stride=2, padding=1, count_include_pad=False)',
  },
  {
    name: 'AveragePool with pads that count',
    inputs: [[1, 2, 5, 6]],
    build: pool('AveragePool', {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
    }),
    torch: 'F.avg_pool2d(x0, 3, stride=2, padding=1)',
  },
  {
    name: 'AveragePool in ceil mode',
    inputs: [[1, 2, 6, 7]],
    build: pool('AveragePool', { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
    torch: 'F.avg_pool2d(x0, (3, 2), stride=2, ceil_mode=True)',
  },
  {
    name: 'AveragePool in ceil mode with pads that count',
    inputs: [[1, 2, 6, 7]],
    build: pool('AveragePool', {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      ceil_mode: 1,
      count_include_pad: 1,
    }),
    torch: 'F.avg_pool2d(x0, 3, stride=2, padding=1, ceil_mode=True)',
  },
  {
    name: 'AveragePool 1-D with SAME_LOWER and overlap',
    inputs: [[2, 2, 6]],
    build: pool('AveragePool', { kernel_shape: [2], auto_pad: 'SAME_LOWER' }),
  },
  {
    name: 'AveragePool with dilation',
    inputs: [[1, 2, 6, 6]],
    build: pool('AveragePool', { kernel_shape: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] }),
  },
  {
    name: 'GlobalAveragePool',
    inputs: [[2, 3, 4, 3]],
    build: pool('GlobalAveragePool'),
    torch: 'F.adaptive_avg_pool2d(x0, 1)',
  },
  {
    name: 'GlobalMaxPool',
    inputs: [apart([2, 3, 4, 3])],
    build: pool('GlobalMaxPool'),
    torch: 'F.adaptive_max_pool2d(x0, 1)',
  },
  {
    name: 'LpPool',
    inputs: [[2, 2, 5, 6]],
    build: pool('LpPool', { kernel_shape: [2, 3], strides: [2, 1], pads: [1, 0, 0, 1] }),
    torch: 'F.lp_pool2d(F.pad(x0, (0, 1, 1, 0)), 2, (2, 3), stride=(2, 1))',
  },
  {
    name: 'GlobalLpPool with p = 3',
    inputs: [[2, 2, 3, 4]],
    build: pool('GlobalLpPool', { p: 3 }),
    torch: 'x0.abs().pow(3).sum((2, 3), keepdim=True).pow(1 / 3)',
  },
  {
    name: 'MaxUnpool',
    inputs: [[1, 2, 1, 2], tensorOf('int64', [1, 2, 1, 2], [1n, 6n, 8n, 15n])],
    build: (e, x, at) =>
      e.op('MaxUnpool', [x as Value, at as Value], { kernel_shape: [2, 2], strides: [2, 2] }),
    torch: 'torch.zeros(16).index_put((x1.flatten(),), x0.flatten()).reshape(1, 2, 2, 4)',
  },
];
