/** What the operators of TensorFlow's formats are written with. */
export { type ActivationOptions, activation, activationNames } from './activation.ts';
export { binary, divide, floorDivide, floorModulo, matched } from './arithmetic.ts';
export {
  type ConvolutionOptions,
  convolution,
  convolve,
  convolveTransposed,
  depthwiseConvolution,
  type TransposedOptions,
  transposedConvolution,
} from './convolution.ts';
export { type Attributes, createEmitter, type Emitter, type Refusal } from './emitter.ts';
export { type MatmulOptions, matmul, transposeLast } from './matrix.ts';
export {
  cast,
  concat,
  reshape,
  shapeOfValue,
  sizeOfAxis,
  slice,
  squeeze,
  toChannelsFirst,
  toChannelsLast,
  toList,
  toScalar,
  transpose,
  unsqueeze,
} from './movement.ts';
export { type BatchNormalizationOptions, batchNormalization } from './normalization.ts';
export { mirrorPad, type Pads, pad, padBy } from './pad.ts';
export type { Padding, Window } from './padding.ts';
export { averagePool, globalPool, maxPool, type PoolOptions } from './pooling.ts';
export { addNamedOutput, dropUnread, openSize } from './ports.ts';
export { type ResizeOptions, resize } from './resize.ts';
