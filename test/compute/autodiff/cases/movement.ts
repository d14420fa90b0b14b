import type { Attributes, Emitter } from '../../../../src/compute/autodiff/emitter.ts';
import type { Value } from '../../../../src/model/ir/model.ts';
import { scalar } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

const slice = (
  name: string,
  [starts, ends, axes, steps]: readonly (readonly number[])[],
  torch: string,
): GradientCase => ({
  name: `Slice ${name}`,
  inputs: [[5, 7, 3]],
  build: (e, x) =>
    e.op('Slice', [x, e.ints(starts!), e.ints(ends!), e.ints(axes!), ...(steps ? [e.ints(steps)] : [])]),
  torch,
});

const pad = (name: string, pads: readonly number[], attributes: Attributes, torch: string): GradientCase => ({
  name: `Pad ${name}`,
  inputs: [[1, 2, 4, 5]],
  build: (e, x) => e.op('Pad', [x, e.ints(pads)], attributes),
  torch,
});

const parts = (e: Emitter, x: Value, sizes: readonly number[], axis: number) =>
  e.ops('Split', [x, e.ints(sizes)], sizes.length, { axis });

export const movementCases: readonly GradientCase[] = [
  {
    name: 'Reshape with 0 and -1',
    inputs: [[2, 3, 4]],
    build: (e, x) => e.op('Reshape', [x, e.ints([0, -1])]),
    torch: 'x0.reshape(2, 12)',
  },
  {
    name: 'Flatten',
    inputs: [[2, 3, 4]],
    build: (e, x) => e.op('Flatten', [x], { axis: -1 }),
    torch: 'x0.reshape(6, 4)',
  },
  {
    name: 'Squeeze',
    inputs: [[2, 1, 4]],
    build: (e, x) => e.op('Squeeze', [x, e.ints([-2])]),
    torch: 'x0.squeeze(1)',
  },
  {
    name: 'Unsqueeze',
    inputs: [[2, 4]],
    build: (e, x) => e.op('Unsqueeze', [x, e.ints([0, -1])]),
    torch: 'x0[None, :, :, None]',
  },
  {
    name: 'Transpose',
    inputs: [[2, 3, 4]],
    build: (e, x) => e.op('Transpose', [x], { perm: [2, 0, 1] }),
    torch: 'x0.permute(2, 0, 1)',
  },
  {
    name: 'Transpose by default',
    inputs: [[2, 3, 4]],
    build: (e, x) => e.op('Transpose', [x]),
    torch: 'x0.permute(2, 1, 0)',
  },
  {
    name: 'Expand with a new axis',
    inputs: [[3, 1, 2]],
    build: (e, x) => e.op('Expand', [x, e.ints([2, 1, 4, 2])]),
    torch: 'x0.expand(2, 3, 4, 2)',
  },
  {
    name: 'Tile',
    inputs: [[2, 3, 2]],
    build: (e, x) => e.op('Tile', [x, e.ints([3, 1, 2])]),
    torch: 'x0.repeat(3, 1, 2)',
  },
  {
    name: 'Concat',
    inputs: [
      [2, 1, 2],
      [2, 3, 2],
      [2, 2, 2],
    ],
    build: (e, ...x) => e.op('Concat', x, { axis: -2 }),
    torch: 'torch.cat([x0, x1, x2], 1)',
  },
  {
    name: 'Concat of which one is wanted',
    inputs: [
      [2, 1, 2],
      [2, 3, 2],
      [2, 2, 2],
    ],
    build: (e, ...x) => e.op('Concat', x, { axis: 1 }),
    wrt: [1],
    torch: 'torch.cat([x0, x1, x2], 1)',
  },
  {
    name: 'Concat of a value with itself',
    inputs: [[2, 2]],
    build: (e, x) => e.op('Concat', [x, x], { axis: 0 }),
    torch: 'torch.cat([x0, x0])',
  },
  {
    name: 'Split',
    inputs: [[2, 6]],
    build: (e, x) => parts(e, x, [1, 3, 2], -1),
    torch: 'x0.split([1, 3, 2], 1)',
  },
  {
    name: 'Split with a part that nothing reads',
    inputs: [[2, 6]],
    build: (e, x) => [0, 2].map((i) => parts(e, x, [1, 3, 2], 1)[i] as Value),
    torch: '(x0[:, :1], x0[:, 4:])',
  },
  {
    name: 'Split in equal parts, the last smaller',
    inputs: [[7]],
    build: (e, x) => e.ops('Split', [x], 3, { num_outputs: 3 }),
    torch: 'x0.split([3, 3, 1])',
  },
  slice('of one axis', [[1], [4], [0]], 'x0[1:4]'),
  slice(
    'with negative bounds',
    [
      [-6, -2],
      [-1, 9],
      [1, -1],
    ],
    'x0[:, -6:-1, -2:]',
  ),
  slice(
    'in steps',
    [
      [1, 0],
      [7, 5],
      [1, 0],
      [3, 2],
    ],
    'x0[::2, 1::3]',
  ),
  slice('in steps that end on the last', [[0], [7], [1], [3]], 'x0[:, ::3]'),
  slice('backwards', [[-1], [-9999], [1], [-1]], 'x0.flip(1)'),
  slice(
    'backwards in steps',
    [
      [5, -1],
      [0, -9999],
      [1, 0],
      [-2, -3],
    ],
    'x0.flip(1)[:, 1:6:2].flip(0).flip(0)[[4, 1]]',
  ),
  pad('with zeros', [0, 0, 1, 2, 0, 0, 0, 1], {}, 'F.pad(x0, (2, 1, 1, 0))'),
  pad('that crops', [0, 0, -1, 2, 0, 0, 0, -1], {}, 'F.pad(x0, (2, -1, -1, 0))'),
  pad(
    'by reflection',
    [0, 0, 2, 1, 0, 0, 1, 3],
    { mode: 'reflect' },
    "F.pad(x0, (1, 3, 2, 1), mode='reflect')",
  ),
  pad(
    'with the edge',
    [0, 0, 2, 1, 0, 0, 1, 3],
    { mode: 'edge' },
    "F.pad(x0, (1, 3, 2, 1), mode='replicate')",
  ),
  pad(
    'round the edge',
    [0, 0, 2, 1, 0, 0, 1, 3],
    { mode: 'wrap' },
    "F.pad(x0, (1, 3, 2, 1), mode='circular')",
  ),
  {
    name: 'Pad of given axes with a computed value',
    inputs: [[2, 3], []],
    build: (e, x, v) => e.op('Pad', [x, e.ints([1, 2]), v, e.ints([-1])]),
    torch: 'torch.cat([x1.expand(2, 1), x0, x1.expand(2, 2)], 1)',
  },
  {
    name: 'DepthToSpace, depth first',
    inputs: [[1, 8, 2, 3]],
    build: (e, x) => e.op('DepthToSpace', [x], { blocksize: 2 }),
    torch: 'x0.reshape(1, 2, 2, 2, 2, 3).permute(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6)',
  },
  {
    name: 'DepthToSpace, column first',
    inputs: [[1, 8, 2, 3]],
    build: (e, x) => e.op('DepthToSpace', [x], { blocksize: 2, mode: 'CRD' }),
    torch: 'F.pixel_shuffle(x0, 2)',
  },
  {
    name: 'SpaceToDepth',
    inputs: [[1, 2, 4, 6]],
    build: (e, x) => e.op('SpaceToDepth', [x], { blocksize: 2 }),
  },
  {
    name: 'Trilu, lower with an offset',
    inputs: [[2, 3, 4]],
    build: (e, x) => e.op('Trilu', [x, e.constant(scalar('int64', 1))], { upper: 0 }),
    torch: 'x0.tril(1)',
  },
  { name: 'Trilu, upper', inputs: [[3, 4]], build: (e, x) => e.op('Trilu', [x]), torch: 'x0.triu()' },
];
