/** What the operators of TensorFlow's formats are written with. */
export { type ActivationOptions, activation, activationNames } from './activation.ts';
export { atan2, binary, divide, floorDivide, floorModulo, matched, select } from './arithmetic.ts';
export { batchToSpace, depthToSpace, spaceToBatch, spaceToDepth } from './blocks.ts';
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
export { gatherAlong, oneHot, placesOf, scatterSum, sparseToDense, unique } from './indexing.ts';
export { emitLoop, type LoopParts } from './loop.ts';
export { type MatmulOptions, matmul, transposeLast } from './matrix.ts';
export {
  broadcastShapes,
  cast,
  concat,
  extended,
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
export {
  type BatchNormalizationOptions,
  batchNormalization,
  localResponseNormalization,
} from './normalization.ts';
export { mirrorPad, type Pads, pad, padBy, pairs } from './pad.ts';
export type { Padding, Window } from './padding.ts';
export { averagePool, globalPool, maxPool, type PoolOptions } from './pooling.ts';
export { addNamedOutput, dropUnread, openSize } from './ports.ts';
export { type ResizeOptions, resize } from './resize.ts';
export {
  pack,
  reversed,
  type StridedSliceOptions,
  sliceBySize,
  splitBySizes,
  splitEvenly,
  stridedSlice,
  unpack,
} from './slicing.ts';
export { boxesKept, limitFrom, previousFloat } from './suppression.ts';
