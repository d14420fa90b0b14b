/** Shapes, slices, indices, reductions, matrices, creation. */
import { describe } from 'vitest';
import {
  checkRefused,
  checkRows,
  constant,
  flags,
  list,
  type Row,
  real,
  scalar,
  values,
  whole,
  x,
} from '../tiny-graph.ts';

const keep = { keep_dims: true };

describe('a reduction', () => {
  checkRows([
    ...['Max', 'Min', 'Sum', 'Mean', 'Prod'].flatMap((op): Row[] => [
      { op, inputs: [x(2, 3, 4), list(0, 2)] },
      { op, of: 'kept axes, from the end', inputs: [x(2, 3, 4), list(-1)], attr: keep },
      { op, of: 'whole numbers', inputs: [whole([2, 3], [1, -2, 3, 4, 5, 6]), scalar(1)] },
      { op, of: 'no axes', inputs: [x(2, 3), constant(whole([0], []))] },
    ]),
    ...['All', 'Any'].map((op): Row => ({ op, inputs: [flags([2, 3], [1, 0, 1, 1, 1, 1]), list(1)] })),
    ...['ArgMax', 'ArgMin'].flatMap((op): Row[] => [
      { op, inputs: [x(3, 4), scalar(1)] },
      { op, of: 'ties', inputs: [whole([2, 3], [1, 1, 0, 0, 1, 0]), scalar(-1)] },
    ]),
    ...['Cumsum', 'Cumprod'].flatMap((op) =>
      [false, true].flatMap((exclusive) =>
        [false, true].map(
          (reverse): Row => ({
            op,
            of: `${exclusive}, ${reverse}`,
            inputs: [x(2, 5), scalar(1)],
            attr: { exclusive, reverse },
          }),
        ),
      ),
    ),
    { op: 'Cumsum', of: 'whole numbers', inputs: [whole([4], [1, 2, 3, 4]), scalar(0)] },
    { op: 'Bincount', inputs: [whole([6], [0, 1, 1, 3, 3, 3]), scalar(4), constant(values([0], []))] },
    {
      op: 'Bincount',
      of: 'weights',
      inputs: [whole([4], [0, 1, 1, 2]), scalar(4), values([4], [1, 0.5, 2, 3])],
    },
    {
      op: 'DenseBincount',
      inputs: [whole([2, 3], [0, 1, 1, 2, 2, 2]), scalar(4), constant(values([0], []))],
      attr: { binary_output: false },
    },
    {
      op: 'DenseBincount',
      of: 'whether at all',
      inputs: [whole([2, 3], [0, 1, 1, 2, 2, 2]), scalar(4), constant(values([0], []))],
      attr: { binary_output: true },
    },
  ]);
});

const masks = (begin_mask = 0, end_mask = 0, shrink_axis_mask = 0, new_axis_mask = 0, ellipsis_mask = 0) => ({
  begin_mask,
  end_mask,
  shrink_axis_mask,
  new_axis_mask,
  ellipsis_mask,
});

describe('a slice', () => {
  checkRows([
    ...Array.from(
      { length: 8 },
      (_, mask): Row => ({
        op: 'StridedSlice',
        of: `masks ${mask}`,
        inputs: [x(3, 4, 5), list(0, 1, 2), list(2, 3, 4), list(1, 1, 1)],
        attr: masks(mask & 3, mask & 6, mask & 1 ? 0 : mask & 4),
      }),
    ),
    { op: 'StridedSlice', of: 'steps', inputs: [x(7), list(1), list(6), list(2)], attr: masks() },
    { op: 'StridedSlice', of: 'backwards', inputs: [x(7), list(5), list(1), list(-2)], attr: masks() },
    {
      op: 'StridedSlice',
      of: 'backwards as a whole',
      inputs: [x(7), list(0), list(0), list(-1)],
      attr: masks(1, 1),
    },
    { op: 'StridedSlice', of: 'from the end', inputs: [x(7), list(-3), list(-1), list(1)], attr: masks() },
    {
      op: 'StridedSlice',
      of: 'the last',
      inputs: [x(3, 4), list(0, -1), list(0, 0), list(1, 1)],
      attr: masks(1, 1, 2),
    },
    {
      op: 'StridedSlice',
      of: 'a new axis',
      inputs: [x(3, 4), list(0, 0, 1), list(0, 0, 3), list(1, 1, 1)],
      attr: masks(1, 1, 0, 2),
    },
    {
      op: 'StridedSlice',
      of: 'an ellipsis',
      inputs: [x(2, 3, 4), list(0, 1), list(0, 3), list(1, 1)],
      attr: masks(0, 0, 0, 0, 1),
    },
    {
      op: 'StridedSlice',
      of: 'an ellipsis and an index',
      inputs: [x(2, 3, 4), list(1, 0, 2), list(2, 0, 3), list(1, 1, 1)],
      attr: masks(0, 0, 5, 0, 2),
    },
    {
      op: 'StridedSlice',
      of: 'bounds that are computed',
      inputs: [x(7, 3), whole([2], [1, 1]), whole([2], [6, 2]), list(1, 1)],
      attr: masks(0, 0, 2),
    },
    { op: 'Slice', inputs: [x(3, 4), list(1, 0), list(-1, 2)] },
    { op: 'Slice', of: 'computed', inputs: [x(3, 4), whole([2], [1, 0]), whole([2], [-1, 2])] },
    { op: 'ReverseV2', inputs: [x(2, 3, 4), list(0, -1)] },
    { op: 'Reverse', inputs: [x(2, 3), constant(flags([2], [0, 1]))] },
    { op: 'Split', inputs: [scalar(1), x(2, 6)], attr: { num_split: 3 }, ports: 3 },
    { op: 'SplitV', inputs: [x(2, 6), list(1, 3, 2), scalar(1)], attr: { num_split: 3 }, ports: 3 },
    { op: 'Unpack', inputs: [x(2, 3)], attr: { axis: 1, num: 3 }, ports: 3 },
    { op: 'Unpack', of: 'one', inputs: [x(1, 3)], attr: { axis: 0, num: 1 } },
    { op: 'Pack', inputs: [x(2, 3), values([2, 3], [1, 2, 3, 4, 5, 6])], attr: { axis: 1, N: 2 } },
    { op: 'Pack', of: 'the end', inputs: [x(2), x(2)], attr: { axis: -1, N: 2 } },
    { op: 'ConcatV2', inputs: [x(2, 3), x(2, 3), scalar(-1)], attr: { N: 2 } },
    {
      op: 'ConcatV2',
      of: 'whole numbers',
      inputs: [whole([1], [1]), whole([2], [2, 3]), scalar(0)],
      attr: { N: 2 },
    },
    { op: 'Concat', inputs: [scalar(0), x(2, 3), x(2, 3)], attr: { N: 2 } },
    { op: 'Tile', inputs: [x(2, 3), list(2, 1)] },
  ]);
});

describe('an index', () => {
  checkRows([
    { op: 'Gather', inputs: [x(4, 3), whole([2], [3, 0])] },
    { op: 'GatherV2', inputs: [x(2, 4, 3), whole([2, 2], [3, 0, 1, 1]), scalar(1)] },
    {
      op: 'GatherV2',
      of: 'in a batch',
      inputs: [x(2, 4, 3), whole([2, 2], [3, 0, 1, 1]), scalar(1)],
      attr: { batch_dims: 1 },
    },
    {
      op: 'GatherV2',
      of: 'in a batch, a later axis',
      inputs: [x(2, 4, 3), whole([2, 2], [2, 0, 1, 1]), scalar(2)],
      attr: { batch_dims: 1 },
    },
    { op: 'GatherV2', of: 'floats as indices', inputs: [x(4, 3), values([2], [3, 0]), scalar(0)] },
    { op: 'GatherNd', inputs: [x(3, 4, 2), whole([2, 2], [0, 1, 2, 3])] },
    { op: 'ScatterNd', inputs: [whole([3, 1], [4, 1, 4]), values([3], [1, 2, 3]), list(6)] },
    {
      op: 'ScatterNd',
      of: 'rows',
      inputs: [whole([2, 1], [2, 0]), values([2, 3], [1, 2, 3, 4, 5, 6]), list(4, 3)],
    },
    {
      op: 'ScatterNd',
      of: 'two axes, whole numbers',
      inputs: [whole([2, 2], [0, 1, 2, 0]), whole([2], [5, 6]), list(3, 2)],
    },
    { op: 'TensorScatterUpdate', inputs: [x(4, 2), whole([2, 1], [3, 1]), values([2, 2], [1, 2, 3, 4])] },
    { op: 'SparseToDense', inputs: [whole([2, 2], [0, 1, 2, 0]), list(3, 2), values([2], [5, 6]), real(-1)] },
    {
      op: 'SparseToDense',
      of: 'a list and one value',
      inputs: [whole([2], [1, 3]), list(5), values([], [7]), real(0)],
    },
    { op: 'Where', inputs: [flags([2, 3], [1, 0, 1, 0, 0, 1])] },
    { op: 'Where', of: 'floats', inputs: [values([4], [0, 1, -2, 0])] },
    { op: 'ListDiff', inputs: [whole([5], [1, 2, 3, 4, 5]), whole([2], [2, 5])], ports: 2 },
    { op: 'Unique', inputs: [whole([6], [3, 1, 3, 2, 1, 9])], ports: 2 },
    { op: 'UniqueV2', of: 'rows', inputs: [values([3, 2], [1, 2, 1, 2, 0, 1]), list(0)], ports: 2 },
    { op: 'TopKV2', inputs: [x(2, 5), scalar(3)], attr: { sorted: true }, ports: 2 },
    {
      op: 'TopKV2',
      of: 'whole numbers, ties',
      inputs: [whole([5], [1, 3, 3, 2, 3]), scalar(4)],
      attr: { sorted: true },
      ports: 2,
    },
    ...['LowerBound', 'UpperBound'].map(
      (op): Row => ({
        op,
        inputs: [values([2, 4], [1, 2, 2, 5, 0, 1, 7, 9]), values([2, 3], [2, 0, 6, 1, 9, 10])],
      }),
    ),
  ]);
});

describe('a matrix', () => {
  const flagsOf = [false, true].flatMap((a) => [false, true].map((b) => [a, b] as const));
  checkRows([
    ...flagsOf.flatMap(([a, b]): Row[] => [
      {
        op: 'MatMul',
        of: `${a}, ${b}`,
        inputs: [a ? x(3, 2) : x(2, 3), constant(b ? x(4, 3) : x(3, 4))],
        attr: { transpose_a: a, transpose_b: b },
      },
      {
        op: 'BatchMatMulV2',
        of: `${a}, ${b}`,
        inputs: [a ? x(2, 3, 2) : x(2, 2, 3), b ? x(2, 4, 3) : x(2, 3, 4)],
        attr: { adj_x: a, adj_y: b },
      },
    ]),
    { op: 'BatchMatMul', inputs: [x(2, 2, 3), x(2, 3, 2)] },
    { op: 'Transpose', inputs: [x(2, 3, 4), list(2, 0, 1)] },
    { op: 'Einsum', inputs: [x(2, 3, 4), x(4, 5)], attr: { equation: 'abc,cd->abd', N: 2 } },
    { op: 'MatrixBandPart', inputs: [x(4, 4), scalar(1), scalar(1)] },
  ]);
  checkRefused([
    { op: 'MatrixBandPart', of: 'bounds that differ', inputs: [x(4, 4), scalar(-1), scalar(0)] },
  ]);
});

describe('a shape', () => {
  checkRows([
    ...(
      [
        ['DT_INT32', [-1.7, 1.7]],
        ['DT_BOOL', [0, 2]],
        ['DT_FLOAT', [1, 2]],
        ['DT_DOUBLE', [1, 2]],
        ['DT_INT64', [-1.2, 3]],
        ['DT_UINT8', [1.2, 3]],
      ] as const
    ).map(([DstT, list]): Row => ({ op: 'Cast', of: DstT, inputs: [values([2], list)], attr: { DstT } })),
    { op: 'Cast', of: 'whole to truth', inputs: [whole([3], [-1, 0, 2])], attr: { DstT: 'DT_BOOL' } },
    { op: 'ExpandDims', inputs: [x(2, 3), scalar(-2)] },
    { op: 'Squeeze', inputs: [x(1, 2, 1)], attr: { squeeze_dims: [0] } },
    { op: 'Squeeze', of: 'all', inputs: [x(1, 2, 1)] },
    { op: 'Reshape', inputs: [x(2, 6), list(3, -1)] },
    { op: 'Reshape', of: 'computed', inputs: [x(2, 6), whole([2], [4, 3])] },
    { op: 'Reshape', of: 'to a scalar', inputs: [x(1, 1), constant(whole([0], []))] },
    { op: 'EnsureShape', inputs: [x(2, 6), list(2, 6)] },
    { op: 'Pad', inputs: [x(2, 3), constant(whole([2, 2], [1, 0, 2, 1]))] },
    { op: 'Pad', of: 'computed', inputs: [x(2, 3), whole([2, 2], [1, 0, 2, 1])] },
    { op: 'PadV2', inputs: [x(2, 3), constant(whole([2, 2], [1, 0, 2, 1])), real(-5)] },
    { op: 'MirrorPad', inputs: [x(3, 4), constant(whole([2, 2], [1, 2, 2, 3]))], attr: { mode: 'REFLECT' } },
    {
      op: 'MirrorPad',
      of: 'symmetric',
      inputs: [x(3, 4), constant(whole([2, 2], [1, 2, 2, 3]))],
      attr: { mode: 'SYMMETRIC' },
    },
    { op: 'SpaceToBatchND', inputs: [x(2, 4, 5, 3), list(2, 3), constant(whole([2, 2], [0, 0, 1, 0]))] },
    { op: 'BatchToSpaceND', inputs: [x(12, 2, 2, 3), list(2, 3), constant(whole([2, 2], [0, 1, 1, 0]))] },
    { op: 'DepthToSpace', inputs: [x(1, 2, 3, 8)], attr: { block_size: 2, data_format: 'NHWC' } },
    { op: 'BroadcastTo', inputs: [x(1, 3), list(2, 3)] },
    { op: 'BroadcastArgs', inputs: [list(3, 1), whole([3], [2, 1, 4])] },
    ...['Identity', 'Snapshot', 'StopGradient', 'FakeQuantWithMinMaxVars'].map(
      (op): Row => ({ op, inputs: [x(2, 2)] }),
    ),
    { op: 'IdentityN', inputs: [x(2), x(3)], ports: 2 },
    ...['Shape', 'Rank', 'Size'].map((op): Row => ({ op, inputs: [x(2, 3)] })),
    { op: 'ShapeN', inputs: [x(2, 3), x(4)], ports: 2 },
  ]);
});

describe('a new tensor', () => {
  checkRows([
    { op: 'Fill', inputs: [list(2, 3), real(1.5)], attr: { T: 'DT_FLOAT' } },
    {
      op: 'Fill',
      of: 'a shape that is computed',
      inputs: [whole([2], [2, 3]), real(1.5)],
      attr: { T: 'DT_FLOAT' },
    },
    ...['Zeros', 'Ones'].map((op): Row => ({ op, inputs: [list(2, 3)], attr: { T: 'DT_INT32' } })),
    ...['ZerosLike', 'OnesLike'].map((op): Row => ({ op, inputs: [x(2, 3)] })),
    { op: 'LinSpace', inputs: [real(0), real(1), scalar(7)] },
    {
      op: 'OneHot',
      inputs: [whole([2, 2], [0, 2, 1, 5]), scalar(4), real(2), real(-1)],
      attr: { T: 'DT_FLOAT', axis: -1 },
    },
    { op: 'Range', inputs: [scalar(1), scalar(10), scalar(3)], attr: { Tidx: 'DT_INT32' } },
    {
      op: 'Range',
      of: 'floats, computed',
      inputs: [values([], [0]), values([], [2]), values([], [0.5])],
      attr: { Tidx: 'DT_FLOAT' },
    },
  ]);
});
