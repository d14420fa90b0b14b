import type { GradientCase } from '../check-gradient.ts';

type Attributes = Readonly<Record<string, string | number | readonly number[]>>;
const conv =
  (attributes: Attributes, op = 'Conv'): GradientCase['build'] =>
  (e, ...inputs) =>
    e.op(op, inputs, attributes);
const transposed = (attributes: Attributes) => conv(attributes, 'ConvTranspose');

export const convolutionCases: readonly GradientCase[] = [
  {
    name: 'Conv 3×3 with padding and bias',
    inputs: [[2, 3, 5, 5], [4, 3, 3, 3], [4]],
    build: conv({ pads: [1, 1, 1, 1] }),
    torch: 'F.conv2d(x0, x1, x2, padding=1)',
  },
  {
    name: 'Conv with stride 2 over a size that it does not divide',
    inputs: [
      [2, 2, 6, 7],
      [3, 2, 3, 3],
    ],
    build: conv({ strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: 'F.conv2d(x0, x1, stride=2, padding=1)',
  },
  {
    name: 'Conv with stride 3 and a rest that no window reaches',
    inputs: [
      [1, 2, 9, 8],
      [2, 2, 2, 2],
    ],
    build: conv({ strides: [3, 3] }),
    torch: 'F.conv2d(x0, x1, stride=3)',
  },
  {
    name: 'Conv with dilation',
    inputs: [
      [2, 2, 8, 7],
      [3, 2, 3, 2],
    ],
    build: conv({ dilations: [2, 3], strides: [1, 2], pads: [2, 1, 2, 1] }),
    torch: 'F.conv2d(x0, x1, stride=(1, 2), padding=(2, 1), dilation=(2, 3))',
  },
  {
    name: 'Conv with uneven pads',
    inputs: [
      [1, 2, 5, 6],
      [2, 2, 3, 4],
    ],
    build: conv({ pads: [0, 1, 2, 3] }),
    torch: 'F.conv2d(F.pad(x0, (1, 3, 0, 2)), x1)',
  },
  {
    name: 'Conv with groups',
    inputs: [[2, 4, 5, 5], [6, 2, 3, 3], [6]],
    build: conv({ group: 2, pads: [1, 1, 1, 1] }),
    torch: 'F.conv2d(x0, x1, x2, padding=1, groups=2)',
  },
  {
    name: 'Conv with groups, strides and dilations',
    inputs: [
      [2, 6, 9, 8],
      [6, 2, 3, 3],
    ],
    build: conv({ group: 3, strides: [2, 2], dilations: [2, 1], pads: [1, 0, 1, 0] }),
    torch: 'F.conv2d(x0, x1, stride=2, dilation=(2, 1), padding=(1, 0), groups=3)',
  },
  {
    name: 'Conv depthwise',
    inputs: [[2, 5, 6, 6], [5, 1, 3, 3], [5]],
    build: conv({ group: 5, pads: [1, 1, 1, 1] }),
    torch: 'F.conv2d(x0, x1, x2, padding=1, groups=5)',
  },
  {
    name: 'Conv depthwise with stride 2 and even size',
    inputs: [
      [2, 4, 8, 6],
      [4, 1, 3, 3],
    ],
    build: conv({ group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }),
    torch: 'F.conv2d(x0, x1, stride=2, padding=1, groups=4)',
  },
  {
    name: 'Conv depthwise with stride 2, SAME padding (one row at the end only)',
    inputs: [
      [2, 4, 6, 6],
      [4, 1, 3, 3],
    ],
    build: conv({ group: 4, strides: [2, 2], auto_pad: 'SAME_UPPER' }),
    torch: 'F.conv2d(F.pad(x0, (0, 1, 0, 1)), x1, stride=2, groups=4)',
  },
  {
    name: 'Conv depthwise with a dilated 5×3 kernel',
    inputs: [
      [2, 3, 9, 7],
      [3, 1, 5, 3],
    ],
    build: conv({ group: 3, dilations: [1, 2], pads: [2, 2, 2, 2] }),
    torch: 'F.conv2d(x0, x1, padding=2, dilation=(1, 2), groups=3)',
  },
  {
    name: 'Conv with two filters a channel',
    inputs: [
      [2, 3, 5, 5],
      [6, 1, 3, 3],
    ],
    build: conv({ group: 3, pads: [1, 1, 1, 1] }),
    torch: 'F.conv2d(x0, x1, padding=1, groups=3)',
  },
  {
    name: 'Conv 1×1',
    inputs: [[3, 4, 5, 3], [6, 4, 1, 1], [6]],
    build: conv({}),
    torch: 'F.conv2d(x0, x1, x2)',
  },
  {
    name: 'Conv 1×1 with stride 2',
    inputs: [
      [2, 4, 6, 5],
      [3, 4, 1, 1],
    ],
    build: conv({ strides: [2, 2] }),
    torch: 'F.conv2d(x0, x1, stride=2)',
  },
  {
    name: 'Conv 1×1 with groups',
    inputs: [
      [2, 4, 3, 3],
      [6, 2, 1, 1],
    ],
    build: conv({ group: 2 }),
    torch: 'F.conv2d(x0, x1, groups=2)',
  },
  {
    name: 'Conv over all of its input',
    inputs: [[3, 2, 4, 4], [5, 2, 4, 4], [5]],
    build: conv({}),
    torch: 'F.conv2d(x0, x1, x2)',
  },
  {
    name: 'Conv 1-D, SAME_LOWER with stride 2',
    inputs: [[2, 3, 8], [4, 3, 3], [4]],
    build: conv({ auto_pad: 'SAME_LOWER', strides: [2] }),
    torch: 'F.conv1d(F.pad(x0, (1, 0)), x1, x2, stride=2)',
  },
  {
    name: 'Conv 1-D causal with dilation',
    inputs: [
      [2, 3, 9],
      [2, 3, 3],
    ],
    build: conv({ pads: [4, 0], dilations: [2] }),
    torch: 'F.conv1d(F.pad(x0, (4, 0)), x1, dilation=2)',
  },
  {
    name: 'Conv 3-D',
    inputs: [[1, 2, 4, 5, 4], [2, 2, 2, 3, 3], [2]],
    build: conv({ pads: [0, 1, 1, 0, 1, 1], strides: [1, 2, 1] }),
    torch: 'F.conv3d(x0, x1, x2, padding=(0, 1, 1), stride=(1, 2, 1))',
  },
  {
    name: 'Conv VALID',
    inputs: [
      [1, 2, 6, 5],
      [2, 2, 3, 2],
    ],
    build: conv({ auto_pad: 'VALID' }),
    torch: 'F.conv2d(x0, x1)',
  },
  {
    name: 'ConvTranspose with stride 2 and bias',
    inputs: [[2, 3, 4, 3], [3, 2, 3, 3], [2]],
    build: transposed({ strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }),
    torch: 'F.conv_transpose2d(x0, x1, x2, stride=2, padding=1, output_padding=1)',
  },
  {
    name: 'ConvTranspose with groups and dilation',
    inputs: [
      [2, 4, 3, 3],
      [4, 3, 2, 3],
    ],
    build: transposed({ group: 2, dilations: [2, 1] }),
    torch: 'F.conv_transpose2d(x0, x1, groups=2, dilation=(2, 1))',
  },
  {
    name: 'ConvTranspose 1-D',
    inputs: [
      [2, 3, 5],
      [3, 2, 4],
    ],
    build: transposed({ strides: [2], pads: [1, 1] }),
    torch: 'F.conv_transpose1d(x0, x1, stride=2, padding=1)',
  },
  {
    name: 'ConvTranspose with SAME_UPPER',
    inputs: [
      [1, 2, 3, 4],
      [2, 3, 3, 3],
    ],
    build: transposed({ auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  },
  {
    name: 'ConvTranspose with a given output shape',
    inputs: [
      [1, 2, 3, 3],
      [2, 2, 4, 4],
    ],
    build: transposed({ output_shape: [7, 7], strides: [2, 2] }),
  },
  {
    name: 'ConvTranspose depthwise, stride equal to the kernel',
    inputs: [
      [2, 3, 3, 2],
      [3, 1, 2, 2],
    ],
    build: transposed({ group: 3, strides: [2, 2] }),
    torch: 'F.conv_transpose2d(x0, x1, stride=2, groups=3)',
  },
];
