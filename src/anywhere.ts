/** The part of the public API that is the same in Node and in a web page. */

export {
  type CompressedModel,
  type CompressModelOptions,
  compressModel,
  preset,
  presetNames,
} from './compress/compress.ts';
export { observe } from './compute/calibrate/observe.ts';
export type {
  EngineRun,
  RunContext,
  Stoppable,
  Tell,
  Watchable,
} from './compute/engine/run-context.ts';
export { type TrainingData, tensorData } from './compute/train/data.ts';
export { type TrainEvent, type TrainOptions, type TrainResult, train } from './compute/train/loop.ts';
export {
  cnn,
  copyWeights,
  gpt2,
  mlp,
  type NetworkBuilder,
  type NetworkSettings,
  networkBuilder,
  stackedLstm,
  t5,
  transformerEncoder,
  vit,
} from './model/build/index.ts';
/** conv, dense, layerNorm, lstm, embedding …: what a builder is given, layer by layer. */
export * as layers from './model/build/layers.ts';
export { decodeModel } from './model/formats/onnx/read.ts';
export { encodeModel } from './model/formats/onnx/write.ts';
export { parseModel } from './model/formats/onnx-text/parse-model.ts';
export { printModel } from './model/formats/onnx-text/print-model.ts';
export type { Model } from './model/ir/model.ts';
export { inferShapes } from './model/ops/shapes.ts';
export { Diagnostic } from './support/diagnostics.ts';
