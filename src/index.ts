/** Public API for Node. Re-exports only; what it does is said where it is defined. */
export { layerQuality } from './analyze/layer-quality.ts';
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
export { openData } from './calibrate/open.ts';
export type { DataSource, Sample, Split } from './calibrate/source.ts';
export { splitData } from './calibrate/split.ts';
export {
  type CompressedModel,
  type CompressModelOptions,
  compressModel,
  type PresetName,
  passes,
  preset,
  presetNames,
} from './compress.ts';
export type { Manifest } from './emit/manifest.ts';
export type { Engine, Session } from './engine/contract.ts';
export { openEngine } from './engine/open.ts';
export {
  type BleuMeter,
  type BleuOptions,
  type BleuResult,
  corpusBleu,
  createBleuMeter,
} from './evaluate/bleu.ts';
export {
  type ClassificationMeter,
  type ClassificationResult,
  createClassificationMeter,
} from './evaluate/classification.ts';
export { createExactMatchMeter, type ExactMatchMeter } from './evaluate/exact-match.ts';
export {
  type TextPerplexityOptions,
  type TextPerplexityResult,
  textPerplexity,
} from './evaluate/language-model.ts';
export { createPerplexityMeter, type PerplexityMeter } from './evaluate/perplexity.ts';
export { readModelFile, writeModelFile } from './formats/onnx/file.ts';
export { decodeModel, encodeModel } from './formats/onnx/index.ts';
export { parseModel, printModel } from './formats/onnx-text/index.ts';
export type { Decoder, DecoderKind, DecoderRun, Logits } from './generate/decoder.ts';
export { type GenerateOptions, generate, generateAll } from './generate/generate.ts';
export { type DecoderOptions, openDecoder } from './generate/open.ts';
export { positionLimit } from './generate/position-limit.ts';
export { createSampler, type Sampler, type SamplingOptions } from './generate/sampling.ts';
export { readTokenizer, type TextTokenizer } from './generate/tokenizer.ts';
export type { Model } from './ir/model.ts';
export { fileCheckpoints } from './jobs/checkpoint.ts';
export { type CompressFileOptions, compressFile } from './jobs/compress-file.ts';
export { type ModelStep, runModelSteps, type StepOutcome } from './jobs/model-steps.ts';
export { inferShapes } from './ops/shapes.ts';
export { definePass, type Pass, type PassResult } from './pipeline/pass.ts';
export { parseRecipe, type Recipe } from './pipeline/recipe.ts';
export { findBlocks, removeBlocks } from './prune/blocks.ts';
export { type PrunedOnData, type PruneOnDataOptions, pruneOnData } from './prune/on-data.ts';
export { narrow, type PruneOptions, type PruneResult, pruneModel } from './prune/prune.ts';
export { type PrunedPair, type Reconstructed, reconstruct } from './prune/reconstruct.ts';
export type { Report } from './report/report.ts';
export { Diagnostic } from './support/diagnostics.ts';
export { classLabels, type TrainingData, tensorData } from './train/data.ts';
export {
  type CheckpointStore,
  type TrainEvent,
  type TrainOptions,
  type TrainResult,
  train,
  trainToEnd,
} from './train/loop.ts';
export type { LossTerm } from './train/losses.ts';
export type { OptimizerSpec } from './train/optimizers.ts';
export { type SampleDataOptions, sampleData } from './train/samples.ts';
export type { ScheduleSpec } from './train/schedule.ts';
export { buildTrainingStep, type StepSpec, type TrainingStep } from './train/step.ts';
export { openTrainer, type StepResult, type Trainer } from './train/trainer.ts';
