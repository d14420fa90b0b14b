/** The part of the public API that runs in a web page: no files, no native engine. */

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
} from './build/index.ts';
/** conv, dense, layerNorm, lstm, embedding …: what a builder is given, layer by layer. */
export * as layers from './build/layers.ts';
export { observe } from './calibrate/observe.ts';
export {
  type CompressedModel,
  type CompressModelOptions,
  compressModel,
  preset,
  presetNames,
} from './compress.ts';
export { openWasmEngine } from './engine/onnxruntime-web.ts';
export { decodeModel } from './formats/onnx/read.ts';
export { encodeModel } from './formats/onnx/write.ts';
export { parseModel } from './formats/onnx-text/parse-model.ts';
export { printModel } from './formats/onnx-text/print-model.ts';
export type { Graph, Model, Node, Value } from './ir/model.ts';
export { verifyModel } from './ir/verify.ts';
export { inferShapes } from './ops/shapes.ts';
export { Diagnostic } from './support/diagnostics.ts';
export { type TrainingData, tensorData } from './train/data.ts';
export { type TrainEvent, type TrainOptions, type TrainResult, train } from './train/loop.ts';
