/** Compresses models from a program of your own, in Node. The calls do what the commands of the same name do; the rest is what
 *  they are made of. `edgepress/web` has the part that runs in a page: no files, no native engine.
 *  @module edgepress */

export * from './anywhere.ts';
export { loadPasses, type PresetName } from './compress/compress.ts';
export { definePass, type Pass, type PassResult, type Skip } from './compress/pipeline/pass.ts';
export { parseRecipe, type Recipe } from './compress/pipeline/recipe.ts';
export { findBlocks, removeBlocks } from './compress/prune/blocks.ts';
export { type PrunedOnData, type PruneOnDataOptions, pruneOnData } from './compress/prune/on-data.ts';
export { narrow, type PruneOptions, type PruneResult, pruneModel } from './compress/prune/prune.ts';
export { type PrunedPair, type Reconstructed, reconstruct } from './compress/prune/reconstruct.ts';
export type { Samples } from './compute/calibrate/run-samples.ts';
export type { Engine, EngineName, Session } from './compute/engine/contract.ts';
export { openEngine } from './compute/engine/open.ts';
export { fileCheckpoints } from './compute/train/checkpoint.ts';
export { classLabels } from './compute/train/data.ts';
export { trainToEnd } from './compute/train/loop.ts';
export type { LossTerm } from './compute/train/losses.ts';
export type { OptimizerSpec } from './compute/train/optimizers.ts';
export type { CheckpointStore } from './compute/train/position.ts';
export { type SampleDataOptions, sampleData } from './compute/train/samples.ts';
export type { ScheduleSpec } from './compute/train/schedule.ts';
export { buildTrainingStep, type StepSpec, type TrainingStep } from './compute/train/step.ts';
export { openTrainer, type StepResult, type Trainer } from './compute/train/trainer.ts';
export { openData } from './data/open.ts';
export type { DataSource, Sample, Split } from './data/source.ts';
export { splitData } from './data/split.ts';
export { positionLimit } from './data/text/position-limit.ts';
export { readTokenizer, type TextTokenizer } from './data/text/tokenizer.ts';
export { type BundledModel, type BundleOptions, bundle } from './jobs/bundle.ts';
export { type CheckOptions, check } from './jobs/check.ts';
export { type CompareOptions, type Comparison, compare } from './jobs/compare.ts';
export {
  type CompressOptions,
  type CompressResult,
  compress,
  type DistillOptions,
  distill,
  type FinetuneOptions,
  finetune,
  type OutputFile,
  write,
} from './jobs/compress.ts';
export { type Conversion, type ConvertOptions, convert } from './jobs/convert.ts';
export { type DataInspection, inspectData, type ShownInput, type ShownSample } from './jobs/data.ts';
export { type EvaluateOptions, type Evaluation, evaluate } from './jobs/evaluate.ts';
export { type Inspection, inspect } from './jobs/inspect.ts';
export { type ModelStep, runModelSteps, type StepOutcome } from './jobs/model-steps.ts';
export { type ProfileOptions, profile } from './jobs/profile.ts';
export type { Progress, RunOptions } from './jobs/progress.ts';
export { type SweepOptions, sweep } from './jobs/sweep.ts';
export { layerQuality } from './judge/analyze/layer-quality.ts';
export {
  type BleuMeter,
  type BleuOptions,
  type BleuResult,
  corpusBleu,
  createBleuMeter,
} from './judge/evaluate/bleu.ts';
export {
  type ClassificationMeter,
  type ClassificationResult,
  createClassificationMeter,
} from './judge/evaluate/classification.ts';
export { createExactMatchMeter, type ExactMatchMeter } from './judge/evaluate/exact-match.ts';
export {
  type TextPerplexityOptions,
  type TextPerplexityResult,
  textPerplexity,
} from './judge/evaluate/language-model.ts';
export { createPerplexityMeter, type PerplexityMeter } from './judge/evaluate/perplexity.ts';
export type { Decoder, DecoderKind, DecoderRun, Logits } from './judge/generate/decoder.ts';
export { type GenerateOptions, generate, generateAll } from './judge/generate/generate.ts';
export { type DecoderOptions, openDecoder } from './judge/generate/open.ts';
export { createSampler, type Sampler, type SamplingOptions } from './judge/generate/sampling.ts';
export type { CheckReport } from './judge/report/check-report.ts';
export type { Report } from './judge/report/report.ts';
export type { SweepReport, SweepRow } from './judge/report/sweep-report.ts';
export { type FetchOptions, fetchModel } from './model/formats/fetch-model.ts';
export { readModelFile, writeModelFile } from './model/formats/file.ts';
export type { WrittenFormatId } from './model/formats/format.ts';
export { type ModelInput, openModel } from './model/formats/open-file.ts';
export type { BytesOptions, OpenedFile, OpenedModel } from './model/formats/opened.ts';
export type { Port } from './model/ir/port.ts';
export type { Tensor } from './model/ir/tensor.ts';
export type { Shape } from './model/ir/type.ts';
export type { Manifest } from './ship/emit/manifest.ts';
