/** Convolutions, pools, normalisations, pictures. */
import { describe } from 'vitest';
import { checkRefused, checkRows, constant, list, type Row, real, values, whole, x } from '../tiny-graph.ts';

const strides = (h: number, w = h) => [1, h, w, 1];
const filter = constant(x(3, 3, 3, 4));
const depthwise = constant(x(3, 3, 3, 2));
const picture = x(2, 7, 6, 3);

// TensorFlow.js reads no slope for leakyrelu behind a depthwise convolution.
const activations: [string, number][] = [
  ['', 0],
  ['Relu', 0],
  ['Relu6', 0],
  ['Elu', 0],
  ['Sigmoid', 0],
  ['LeakyRelu', 0],
  ['Prelu', 1],
];

describe('a convolution', () => {
  checkRows([
    ...['SAME', 'VALID'].flatMap((padding): Row[] => [
      {
        op: 'Conv2D',
        of: padding,
        inputs: [picture, filter],
        attr: { strides: strides(2, 1), padding, data_format: 'NHWC', dilations: strides(1) },
      },
      {
        op: 'DepthwiseConv2dNative',
        of: padding,
        inputs: [picture, depthwise],
        attr: { strides: strides(2), padding, dilations: strides(1) },
      },
      {
        op: 'DepthwiseConv2d',
        of: padding,
        inputs: [picture, depthwise],
        attr: { strides: strides(1), padding, dilations: strides(2) },
      },
      {
        op: 'Conv3D',
        of: padding,
        inputs: [x(1, 4, 5, 6, 2), constant(x(2, 3, 2, 2, 3))],
        attr: { strides: [1, 1, 2, 1, 1], padding, data_format: 'NDHWC', dilations: [1, 1, 1, 1, 1] },
      },
      {
        op: 'Conv1D',
        of: padding,
        inputs: [x(2, 9, 3), constant(x(3, 3, 4))],
        attr: { stride: 2, padding, dilation: 1 },
      },
      {
        op: 'Dilation2D',
        of: padding,
        inputs: [picture, constant(x(3, 2, 3))],
        attr: { strides: strides(2), rates: strides(1), padding },
      },
    ]),
    {
      op: 'Conv2D',
      of: 'dilated',
      inputs: [picture, filter],
      attr: { strides: strides(1), padding: 'SAME', dilations: strides(2) },
    },
    {
      op: 'Conv2D',
      of: 'explicit padding',
      inputs: [picture, filter],
      attr: {
        strides: strides(2),
        padding: 'EXPLICIT',
        explicit_paddings: [0, 0, 1, 2, 0, 1, 0, 0],
        dilations: strides(1),
      },
    },
    {
      op: 'Conv2D',
      of: 'a filter that is computed',
      inputs: [picture, x(3, 3, 3, 4)],
      attr: { strides: strides(1), padding: 'SAME', dilations: strides(1) },
    },
    ...activations.flatMap(([name, extra]): Row[] => {
      const fused_ops = name ? ['BiasAdd', name] : ['BiasAdd'];
      const attr = { padding: 'SAME', fused_ops, num_args: 1 + extra, leakyrelu_alpha: { f: 0.1 } };
      const more = (n: number) => [constant(x(n)), ...(extra ? [constant(x(n))] : [])];
      return [
        {
          op: '_FusedConv2D',
          of: name,
          inputs: [picture, filter, ...more(4)],
          attr: { ...attr, strides: strides(2), dilations: strides(1) },
        },
        {
          op: 'FusedDepthwiseConv2dNative',
          of: name,
          inputs: [picture, depthwise, ...more(6)],
          attr: { ...attr, strides: strides(1), dilations: strides(1) },
        },
        {
          op: '_FusedMatMul',
          of: name,
          inputs: [x(2, 3), constant(x(3, 4)), ...more(4)],
          attr: { ...attr, transpose_a: false, transpose_b: false },
        },
      ].filter(({ op }) => name !== 'LeakyRelu' || op !== 'FusedDepthwiseConv2dNative');
    }),
    {
      op: '_FusedConv2D',
      of: 'nothing fused',
      inputs: [picture, filter],
      attr: { padding: 'SAME', strides: strides(1), dilations: strides(1), num_args: 0 },
    },
    ...[
      [14, 12, 'SAME', 2],
      [13, 11, 'SAME', 2],
      [15, 13, 'VALID', 2],
      [7, 6, 'SAME', 1],
    ].map(
      ([h, w, padding, stride]): Row => ({
        op: 'Conv2DBackpropInput',
        of: `${h}×${w} ${padding}`,
        inputs: [list(2, h as number, w as number, 5), constant(x(3, 3, 5, 3)), picture],
        attr: { strides: strides(stride as number), padding: padding as string },
      }),
    ),
  ]);
});

describe('a pool', () => {
  checkRows(
    ['SAME', 'VALID'].flatMap((padding): Row[] => [
      {
        op: 'MaxPool',
        of: padding,
        inputs: [picture],
        attr: { ksize: strides(3), strides: strides(2), padding },
      },
      {
        op: 'AvgPool',
        of: padding,
        inputs: [picture],
        attr: { ksize: strides(3), strides: strides(2), padding },
      },
      {
        op: 'MaxPool3D',
        of: padding,
        inputs: [x(1, 4, 5, 6, 2)],
        attr: { ksize: [1, 2, 2, 3, 1], strides: [1, 2, 1, 2, 1], padding },
      },
      {
        op: 'AvgPool3D',
        of: padding,
        inputs: [x(1, 4, 5, 6, 2)],
        attr: { ksize: [1, 2, 2, 3, 1], strides: [1, 2, 1, 2, 1], padding },
      },
      ...[true, false].map(
        (include): Row => ({
          op: 'MaxPoolWithArgmax',
          of: `${padding}, batch ${include}`,
          inputs: [picture],
          attr: { ksize: strides(2), strides: strides(2), padding, include_batch_in_index: include },
          ports: 2,
        }),
      ),
    ]),
  );
});

const statistics = [constant(x(3)), constant(x(3)), constant(x(3)), constant(values([3], [0.5, 1, 2]))];

describe('a normalisation', () => {
  checkRows([
    ...['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3'].map(
      (op): Row => ({ op, inputs: [picture, ...statistics], attr: { epsilon: { f: 0.01 } } }),
    ),
    {
      op: 'LRN',
      inputs: [x(1, 3, 3, 8)],
      attr: { depth_radius: 2, bias: { f: 1.5 }, alpha: { f: 0.3 }, beta: { f: 0.75 } },
    },
    { op: 'LRN', of: 'no attributes', inputs: [x(1, 2, 2, 16)] },
    { op: 'Softmax', inputs: [x(2, 3, 4)] },
    { op: 'LogSoftmax', inputs: [x(2, 5)] },
    { op: 'EuclideanNorm', inputs: [x(2, 3, 4), list(1, 2)], attr: { keep_dims: true } },
  ]);
  checkRefused([
    {
      op: 'FusedBatchNormV3',
      of: 'of the batch',
      inputs: [picture, ...statistics.slice(0, 2), constant(values([0], [])), constant(values([0], []))],
      attr: {},
    },
  ]);
});

describe('a resize', () => {
  checkRows(
    ['ResizeBilinear', 'ResizeNearestNeighbor'].flatMap((op) =>
      [{}, { align_corners: true }, { half_pixel_centers: true }].flatMap((attr): Row[] => [
        { op, of: `${JSON.stringify(attr)} larger`, inputs: [picture, list(13, 12)], attr },
        { op, of: `${JSON.stringify(attr)} smaller`, inputs: [picture, list(3, 4)], attr },
      ]),
    ),
  );
  checkRows([
    { op: 'ResizeBilinear', of: 'a size that is computed', inputs: [picture, whole([2], [5, 9])] },
    {
      op: 'ResizeNearestNeighbor',
      of: 'whole numbers',
      inputs: [whole([1, 2, 2, 1], [1, 2, 3, 4]), list(4, 4)],
    },
  ]);
});

const boxes = values([4, 4], [0, 0, 1, 1, 0.1, 0.1, 1.05, 1.1, 0, 0, 0.45, 0.5, 0.5, 0.5, 0, 0]);
const scores = values([4], [0.9, 0.75, 0.6, 0.95]);

// Inside, past two edges, turned over, wholly outside. No point lies halfway between pixels, where nearest hangs on rounding:
// the CPU backend computes points in float64.
const crops = values(
  [4, 4],
  [0.1, 0.2, 0.83, 0.71, -0.3, 0.4, 0.6, 1.37, 0.9, 0.85, 0.15, 0.05, 1.2, 1.3, 1.5, 1.7],
);
const ofPicture = whole([4], [1, 0, 1, 0]);

describe('crops', () => {
  checkRows([
    ...['bilinear', 'nearest'].flatMap((method): Row[] => [
      { op: 'CropAndResize', of: method, inputs: [picture, crops, ofPicture, list(5, 4)], attr: { method } },
      {
        op: 'CropAndResize',
        of: `${method}, another value outside`,
        inputs: [picture, constant(crops), constant(ofPicture), list(3, 9)],
        attr: { method, extrapolation_value: { f: -1.5 } },
      },
      {
        op: 'CropAndResize',
        of: `${method}, one point an axis`,
        inputs: [picture, crops, ofPicture, list(1, 1)],
        attr: { method, extrapolation_value: { f: 7 } },
      },
      {
        op: 'CropAndResize',
        of: `${method}, a picture that isn't there`,
        inputs: [picture, crops, whole([4], [1, 2, 0, 5]), list(2, 3)],
        attr: { method, extrapolation_value: { f: 3 } },
      },
    ]),
    {
      op: 'CropAndResize',
      of: 'whole numbers, no method',
      inputs: [
        whole([1, 2, 2, 1], [1, 20, 3, 44]),
        values([1, 4], [0, 0, 1, 1]),
        whole([1], [0]),
        list(3, 3),
      ],
    },
  ]);
  checkRefused([
    {
      op: 'CropAndResize',
      of: 'a size that is computed',
      inputs: [picture, crops, ofPicture, whole([2], [5, 4])],
    },
    {
      op: 'CropAndResize',
      of: 'another method',
      inputs: [picture, crops, ofPicture, list(5, 4)],
      attr: { method: 'bicubic' },
    },
  ]);
});

describe('suppression', () => {
  checkRows([
    { op: 'NonMaxSuppressionV2', inputs: [boxes, scores, scalarOf(3), real(0.5)] },
    { op: 'NonMaxSuppressionV3', inputs: [boxes, scores, scalarOf(4), real(0.3), real(0.7)] },
    {
      op: 'NonMaxSuppressionV4',
      inputs: [boxes, scores, scalarOf(4), real(0.3), real(0.7)],
      attr: { pad_to_max_output_size: true },
      ports: 2,
    },
    {
      op: 'NonMaxSuppressionV4',
      of: 'no padding',
      inputs: [boxes, scores, scalarOf(4), real(0.3), real(0.7)],
      attr: { pad_to_max_output_size: false },
      ports: 2,
    },
    {
      op: 'NonMaxSuppressionV5',
      inputs: [boxes, scores, scalarOf(4), real(0.5), real(0.1), real(0)],
      ports: 2,
    },
  ]);
  checkRefused([
    {
      op: 'NonMaxSuppressionV5',
      of: 'soft',
      inputs: [boxes, scores, scalarOf(4), real(0.5), real(0.1), real(0.5)],
    },
  ]);
});

function scalarOf(n: number) {
  return constant(whole([], [n]));
}
