/** Shapes, slices, positions, reductions: what we read computes what LiteRT computes. */
import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import {
  type Case,
  checkAll,
  flags,
  given,
  list,
  type Operand,
  type Output,
  real,
  scalar,
  whole,
} from './one-operator.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

interface Row extends Pick<Case, 'op' | 'inputs' | 'options' | 'tolerance' | 'version'> {
  /** One output of float32, or all of them. */
  readonly to: readonly number[] | readonly Output[];
}

const isSizes = (to: Row['to']): to is readonly number[] => to.every((d) => typeof d === 'number');

const rows = (all: readonly Row[]) =>
  checkAll(
    () => engine,
    all.map(({ to, ...row }): Case => {
      const operands = row.inputs.map((o) => (o ? `[${o.tensor.dims}]` : '–')).join(' ');
      const settings = row.options ? ` ${JSON.stringify(row.options[1])}` : '';
      const outputs = isSizes(to) ? [{ dims: to }] : to;
      return { ...row, name: `${row.op} ${operands}${settings}`, outputs };
    }),
  );

const open = (operand: Operand, ...axes: number[]): Operand => ({ ...operand, open: axes });
const constant = (tensor: Tensor): Operand => ({ tensor, isConstant: true });
const pairs = (...values: number[]) => constant(tensorOf('int32', [values.length / 2, 2], values));
const int = (dims: readonly number[]): Output => ({ dims, type: 'int32' });

describe('shapes', () => {
  rows([
    { op: 'RESHAPE', inputs: [given(2, 6), list(3, -1)], to: [3, 4], options: ['ReshapeOptions', {}] },
    { op: 'RESHAPE', inputs: [given(2, 6)], to: [3, 4], options: ['ReshapeOptions', { newShape: [3, -1] }] },
    { op: 'RESHAPE', inputs: [given(1, 1)], to: [], options: ['ReshapeOptions', { newShape: [0] }] },
    { op: 'RESHAPE', inputs: [open(given(2, 6), 0), whole([2], [-1, 3])], to: [4, 3] },
    { op: 'SQUEEZE', inputs: [given(1, 3, 1)], to: [3], options: ['SqueezeOptions', {}] },
    {
      op: 'SQUEEZE',
      inputs: [given(1, 3, 1)],
      to: [1, 3],
      options: ['SqueezeOptions', { squeezeDims: [-1] }],
    },
    { op: 'EXPAND_DIMS', inputs: [given(2, 3), scalar(-1)], to: [2, 3, 1] },
    { op: 'EXPAND_DIMS', inputs: [given(2, 3), list(1)], to: [2, 1, 3] },
    { op: 'TRANSPOSE', inputs: [given(2, 3, 4), list(2, 0, 1)], to: [4, 2, 3] },
    { op: 'PAD', inputs: [given(2, 3), pairs(1, 0, 0, 2)], to: [3, 5] },
    { op: 'PADV2', inputs: [given(2, 3), pairs(1, 0, 0, 2), real(-5)], to: [3, 5] },
    { op: 'PAD', inputs: [given(2, 3), whole([2, 2], [1, 0, 0, 2])], to: [3, 5] },
    ...[0, 1].map(
      (mode): Row => ({
        op: 'MIRROR_PAD',
        inputs: [given(3, 4), pairs(2, 1, 0, 2)],
        to: [6, 6],
        options: ['MirrorPadOptions', { mode }],
      }),
    ),
    {
      op: 'CONCATENATION',
      inputs: [given(2, 3), given(2, 1), given(2, 3)],
      to: [2, 7],
      options: ['ConcatenationOptions', { axis: -1 }],
    },
    {
      op: 'DEPTH_TO_SPACE',
      inputs: [given(1, 2, 3, 8)],
      to: [1, 4, 6, 2],
      options: ['DepthToSpaceOptions', { blockSize: 2 }],
    },
    {
      op: 'SPACE_TO_DEPTH',
      inputs: [given(1, 4, 6, 2)],
      to: [1, 2, 3, 8],
      options: ['SpaceToDepthOptions', { blockSize: 2 }],
    },
    { op: 'SPACE_TO_BATCH_ND', inputs: [given(1, 3, 4, 2), list(2, 2), pairs(1, 0, 0, 0)], to: [4, 2, 2, 2] },
    { op: 'BATCH_TO_SPACE_ND', inputs: [given(4, 2, 2, 2), list(2, 2), pairs(1, 0, 0, 1)], to: [1, 3, 3, 2] },
    { op: 'SPACE_TO_BATCH_ND', inputs: [given(1, 4, 2), list(2), pairs(0, 2)], to: [2, 3, 2] },
    {
      op: 'SHAPE',
      inputs: [open(given(2, 6), 0)],
      to: [int([2])],
      options: ['ShapeOptions', { outType: 2 }],
    },
    {
      op: 'SHAPE',
      inputs: [given(2, 6)],
      to: [{ dims: [2], type: 'int64' }],
      options: ['ShapeOptions', { outType: 4 }],
    },
    { op: 'RANK', inputs: [given(2, 6)], to: [int([])] },
    { op: 'TILE', inputs: [given(2, 3), list(2, 1)], to: [4, 3] },
    { op: 'FILL', inputs: [whole([2], [2, 3]), real(4)], to: [2, 3] },
    { op: 'RANGE', inputs: [scalar(2), whole([], [9]), scalar(3)], to: [int([3])] },
    { op: 'BROADCAST_TO', version: 2, inputs: [given(3, 1), list(2, 3, 4)], to: [2, 3, 4] },
    { op: 'BROADCAST_ARGS', inputs: [whole([2], [3, 1]), whole([3], [2, 1, 4])], to: [int([3])] },
  ]);
});

describe('resizing', () => {
  rows(
    (['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR'] as const).flatMap((op) =>
      [{}, { alignCorners: 1 }, { halfPixelCenters: 1 }].flatMap((settings) =>
        [
          [4, 6],
          [7, 5],
          [2, 2],
          [1, 9],
        ].map(
          ([h, w]): Row => ({
            op,
            inputs: [given(1, 4, 3, 2), list(h!, w!)],
            to: [1, h!, w!, 2],
            options: [
              op === 'RESIZE_BILINEAR' ? 'ResizeBilinearOptions' : 'ResizeNearestNeighborOptions',
              settings,
            ],
          }),
        ),
      ),
    ),
  );
});

const strides = (begin: number[], end: number[], step: number[]) => [
  list(...begin),
  list(...end),
  list(...step),
];

describe('slices', () => {
  const slice = (
    inputs: readonly Operand[],
    to: readonly number[],
    settings: Record<string, number>,
  ): Row => ({
    op: 'STRIDED_SLICE',
    inputs: [given(3, 4, 5), ...inputs],
    to,
    options: ['StridedSliceOptions', settings],
  });
  rows([
    { op: 'SLICE', inputs: [given(3, 4), list(1, 0), list(2, -1)], to: [2, 4] },
    slice(strides([0, 1, 1], [2, 3, 5], [1, 1, 2]), [2, 2, 2], {}),
    slice(strides([-1, 3, 0], [0, 0, 5], [-1, -2, 1]), [2, 2, 5], {}),
    slice(strides([1, 0, 0], [0, 0, 0], [1, 1, 1]), [4, 5], { shrinkAxisMask: 1, beginMask: 6, endMask: 6 }),
    slice(strides([0, 1], [0, 3], [1, 1]), [3, 4, 2], { ellipsisMask: 1 }),
    slice(strides([0, 0, 1], [0, 0, 3], [1, 1, 1]), [1, 3, 4, 2], { newAxisMask: 1, ellipsisMask: 2 }),
    slice(strides([2], [3], [1]), [1, 4, 5], {}),
    slice(strides([-2, 1, 0], [2, 2, 5], [1, 1, 1]), [2, 2, 5], { offset: 1 }),
    {
      op: 'STRIDED_SLICE',
      inputs: [given(5), whole([1], [1]), whole([1], [4]), list(2)],
      to: [2],
      options: ['StridedSliceOptions', {}],
    },
    {
      op: 'SPLIT',
      inputs: [scalar(1), given(2, 6)],
      to: [{ dims: [2, 3] }, { dims: [2, 3] }],
      options: ['SplitOptions', { numSplits: 2 }],
    },
    {
      op: 'SPLIT_V',
      inputs: [given(2, 6), list(1, -1, 2), scalar(-1)],
      to: [{ dims: [2, 1] }, { dims: [2, 3] }, { dims: [2, 2] }],
      options: ['SplitVOptions', { numSplits: 3 }],
    },
    {
      op: 'PACK',
      inputs: [given(2, 3), given(2, 3)],
      to: [2, 2, 3],
      options: ['PackOptions', { axis: 1, valuesCount: 2 }],
    },
    {
      op: 'PACK',
      inputs: [given(2, 3), given(2, 3)],
      to: [2, 3, 2],
      options: ['PackOptions', { axis: -1, valuesCount: 2 }],
    },
    {
      op: 'UNPACK',
      inputs: [given(2, 3)],
      to: [{ dims: [2] }, { dims: [2] }, { dims: [2] }],
      options: ['UnpackOptions', { axis: 1, num: 3 }],
    },
    { op: 'REVERSE_V2', inputs: [given(2, 3), list(1)], to: [2, 3] },
  ]);
});

describe('positions', () => {
  const indices = whole([2, 2], [0, 1, 2, 0]);
  rows([
    { op: 'GATHER', inputs: [given(3, 4), indices], to: [2, 2, 4], options: ['GatherOptions', {}] },
    { op: 'GATHER', inputs: [given(2, 3), indices], to: [2, 2, 2], options: ['GatherOptions', { axis: -1 }] },
    {
      op: 'GATHER',
      inputs: [given(2, 3), indices],
      to: [2, 2],
      options: ['GatherOptions', { axis: 1, batchDims: 1 }],
    },
    {
      op: 'GATHER',
      inputs: [given(2, 4, 3), indices],
      to: [2, 4, 2],
      options: ['GatherOptions', { axis: 2, batchDims: 1 }],
    },
    { op: 'GATHER_ND', inputs: [given(3, 2, 4), indices], to: [2, 4] },
    { op: 'EMBEDDING_LOOKUP', inputs: [whole([3], [1, 0, 3]), given(4, 5)], to: [3, 5] },
    { op: 'SCATTER_ND', inputs: [whole([3, 1], [1, 3, 1]), given(3, 2), list(4, 2)], to: [4, 2] },
    { op: 'SCATTER_ND', inputs: [whole([2, 2], [1, 0, 2, 1]), given(2), list(3, 2)], to: [3, 2] },
    { op: 'SPARSE_TO_DENSE', inputs: [whole([3], [1, 3, 4]), list(5), given(3), real(-1)], to: [5] },
    {
      op: 'SPARSE_TO_DENSE',
      inputs: [whole([2, 2], [0, 1, 2, 0]), list(3, 2), real(4), real(0)],
      to: [3, 2],
    },
    { op: 'WHERE', inputs: [flags([2, 3], [1, 0, 1, 0, 0, 1])], to: [{ dims: [3, 2], type: 'int64' }] },
    {
      op: 'UNIQUE',
      inputs: [whole([6], [4, 2, 4, 4, 7, 2])],
      to: [int([3]), int([6])],
      options: ['UniqueOptions', { idxOutType: 2 }],
    },
    { op: 'TOPK_V2', inputs: [given(2, 6), scalar(3)], to: [{ dims: [2, 3] }, int([2, 3])] },
    { op: 'TOPK_V2', inputs: [whole([6], [4, 2, 4, 4, 7, 2]), scalar(4)], to: [int([4]), int([4])] },
    {
      op: 'ONE_HOT',
      inputs: [whole([2, 2], [0, 2, -1, 5]), scalar(3), real(4), real(-1)],
      to: [2, 2, 3],
      options: ['OneHotOptions', { axis: -1 }],
    },
    {
      op: 'ONE_HOT',
      inputs: [whole([2], [0, 2]), scalar(3), scalar(7), scalar(1)],
      to: [int([3, 2])],
      options: ['OneHotOptions', { axis: 0 }],
    },
    {
      op: 'REVERSE_SEQUENCE',
      inputs: [given(3, 2, 4), whole([2], [1, 3])],
      to: [3, 2, 4],
      options: ['ReverseSequenceOptions', { seqDim: 0, batchDim: 1 }],
    },
    {
      op: 'REVERSE_SEQUENCE',
      inputs: [given(2, 3, 4), whole([2], [1, 3])],
      to: [2, 3, 4],
      options: ['ReverseSequenceOptions', { seqDim: 2, batchDim: 0 }],
    },
    { op: 'SEGMENT_SUM', inputs: [given(4, 3), whole([4], [0, 0, 1, 2])], to: [3, 3] },
    ...['SUM', 'PROD', 'MAX', 'MIN'].map(
      (kind): Row => ({
        op: `UNSORTED_SEGMENT_${kind}`,
        inputs: [given(4, 3), whole([4], [2, 0, -1, 2]), scalar(4)],
        to: [4, 3],
      }),
    ),
    { op: 'DYNAMIC_UPDATE_SLICE', inputs: [given(4, 5), given(2, 3), whole([2], [1, 4])], to: [4, 5] },
    { op: 'MATRIX_DIAG', inputs: [given(2, 3)], to: [2, 3, 3] },
    { op: 'MATRIX_SET_DIAG', inputs: [given(2, 3, 4), given(2, 3)], to: [2, 3, 4] },
  ]);
});

describe('along axes', () => {
  const reduce = (op: string, to: readonly number[], keepDims = 0): Row => ({
    op,
    inputs: [given(2, 3, 4), list(0, -1)],
    to,
    options: ['ReducerOptions', { keepDims }],
  });
  rows([
    ...['MEAN', 'SUM', 'REDUCE_MAX', 'REDUCE_MIN', 'REDUCE_PROD'].flatMap((op) => [
      reduce(op, [3]),
      reduce(op, [1, 3, 1], 1),
    ]),
    {
      op: 'SUM',
      inputs: [whole([2, 3], [1, 2, 3, 4, 5, 6]), list(1)],
      to: [int([2])],
      options: ['ReducerOptions', {}],
    },
    {
      op: 'MEAN',
      inputs: [whole([2, 3], [1, -2, -3, 4, 5, 7]), list(1)],
      to: [int([2])],
      options: ['ReducerOptions', {}],
    },
    ...['REDUCE_ANY', 'REDUCE_ALL'].map(
      (op): Row => ({
        op,
        inputs: [flags([3, 2], [1, 0, 1, 1, 0, 0]), list(1)],
        to: [{ dims: [3], type: 'bool' }],
        options: ['ReducerOptions', {}],
      }),
    ),
    {
      op: 'ARG_MAX',
      inputs: [given(3, 4), scalar(-1)],
      to: [int([3])],
      options: ['ArgMaxOptions', { outputType: 2 }],
    },
    {
      op: 'ARG_MIN',
      inputs: [given(3, 4), scalar(0)],
      to: [{ dims: [4], type: 'int64' }],
      options: ['ArgMinOptions', { outputType: 4 }],
    },
    ...[{}, { exclusive: 1 }, { reverse: 1 }, { exclusive: 1, reverse: 1 }].map(
      (settings): Row => ({
        op: 'CUMSUM',
        inputs: [given(3, 4), scalar(-1)],
        to: [3, 4],
        options: ['CumsumOptions', settings],
      }),
    ),
    {
      op: 'BATCH_MATMUL',
      inputs: [given(2, 3, 4), given(2, 4, 5)],
      to: [2, 3, 5],
      options: ['BatchMatMulOptions', {}],
    },
    {
      op: 'BATCH_MATMUL',
      inputs: [given(2, 4, 3), given(5, 4)],
      to: [2, 3, 5],
      options: ['BatchMatMulOptions', { adjX: 1, adjY: 1 }],
    },
  ]);
});
